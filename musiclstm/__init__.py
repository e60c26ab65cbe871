"""musiclstm: an LSTM continues piano openings."""

__version__ = "0.1.0"
