"""musiclstm: an LSTM continues piano openings."""

__version__ = "0.2.0"
