from musiclstm.notation.hands import left_hand
from musiclstm.notation.layout import Engraving, Head, StaffBar, Symbol, engrave
from musiclstm.notation.rhythm import QUARTER, UNITS, WrittenBar, metres_of_bars, unmarked_bar

__all__ = [
    "QUARTER",
    "UNITS",
    "Engraving",
    "Head",
    "StaffBar",
    "Symbol",
    "WrittenBar",
    "engrave",
    "left_hand",
    "metres_of_bars",
    "unmarked_bar",
]
