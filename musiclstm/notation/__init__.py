from musiclstm.notation.hands import left_hand
from musiclstm.notation.layout import Engraving, Head, StaffBar, Symbol, engrave
from musiclstm.notation.played import LONGEST_PLAYING, METRES, OnBeat, beat_grid
from musiclstm.notation.rhythm import QUARTER, UNITS, WrittenBar, metres_of_bars, pickup_bars, unmarked_bar

__all__ = [
    "LONGEST_PLAYING",
    "METRES",
    "QUARTER",
    "UNITS",
    "Engraving",
    "Head",
    "OnBeat",
    "StaffBar",
    "Symbol",
    "WrittenBar",
    "beat_grid",
    "engrave",
    "left_hand",
    "metres_of_bars",
    "pickup_bars",
    "unmarked_bar",
]
