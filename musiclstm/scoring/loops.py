"""How music repeats itself: too much and it loops, too little and it wanders. Compare with the scores of human music.

Conventions: a row is (step, pitch) of a note: the ticks since the previous onset and the MIDI pitch; duration and velocity play
no part. A figure is four consecutive rows. Functions take all rows of a piece and ``begin``, the first row of the scored part:
the rows before it, such as a seed, are past music that a continuation may repeat.
"""

from __future__ import annotations

import zlib
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from musiclstm.music import Piece

FIGURE = 4  # rows
REACH = 200  # notes: about as far back as a listener recalls a figure, some 16 bars
PERIODS = 4
SCORES = ("looping", "looped_share", "longest_run", "repeated_figures", "distinct_4", "compression")

Rows = NDArray[np.int64]


def scores(piece: Piece, begin: int = 0) -> dict[str, float]:
    """SCORES of the notes from ``begin`` on; NaN where the part is shorter than a figure.

    ``looping``: 1 if it ends in a loop, else 0. ``looped_share``: share of its rows at which a loop is going on.
    ``longest_run``: most times that a row occurs in succession. ``repeated_figures``: share of its figures that occurred
    within the REACH notes before. ``distinct_4``: distinct figures over all figures (distinct-n of Li et al. 2016,
    "A Diversity-Promoting Objective Function"). ``compression``: bytes before over bytes after deflate, which may copy from
    the past too; higher is more repetitive (as in Shaib et al. 2024, "Standardizing the Measurement of Text Diversity").
    """
    all_rows = rows(piece)
    return {
        "looping": float(loop_period(all_rows) > 0) if begin < len(all_rows) else float("nan"),
        "looped_share": looped_share(all_rows, begin),
        "longest_run": float(longest_run(all_rows[begin:])),
        "repeated_figures": repeated_figures(all_rows, begin),
        "distinct_4": distinct_figures(all_rows[begin:]),
        "compression": compression(all_rows, begin),
    }


def rows(piece: Piece) -> Rows:
    """Step and pitch of every note [n, 2]; the first note's step is 0."""
    onset = piece.notes["onset"].astype(np.int64)
    return np.stack([np.diff(onset, prepend=onset[:1]), piece.notes["pitch"].astype(np.int64)], axis=1)


def longest_run(part: Rows) -> int:
    """The most times that a row occurs in succession."""
    return max((len(list(same)) for _, same in groupby(map(tuple, part.tolist()))), default=0)


def loop_period(part: Rows) -> int:
    """The smallest period, in rows, of a loop at the end; 0 if there is no loop.

    With period p, each of the last PERIODS * p rows equals the one p rows before it: the same p rows occur five times.
    """
    keys = _keys(part)
    for period in range(1, len(keys) // (PERIODS + 1) + 1):
        tail = keys[-PERIODS * period :]
        if np.array_equal(tail, keys[-(PERIODS + 1) * period : -period]):
            return period
    return 0


def looped_share(all_rows: Rows, begin: int = 0) -> float:
    """Share of the rows from ``begin`` on that end PERIODS * p rows, each equal to the row p before it, for any p."""
    keys = _keys(all_rows)
    if begin >= len(keys):
        return float("nan")
    looped = np.zeros(len(keys), dtype=bool)
    for period in range(1, len(keys) // (PERIODS + 1) + 1):
        same = keys[period:] == keys[:-period]
        differs = np.flatnonzero(~same)
        # Rows since the last one that differs; before the first of them, since the beginning.
        latest = np.full(len(same), -1)
        latest[differs] = differs
        held = np.arange(len(same)) - np.maximum.accumulate(latest)
        looped[period:] |= held >= PERIODS * period
    return float(looped[begin:].mean())


def repeated_figures(all_rows: Rows, begin: int = 0) -> float:
    """Share of the figures from ``begin`` on that also began one to REACH notes earlier; NaN without figures."""
    latest: dict[tuple[int, ...], int] = {}
    repeated = 0
    keys = _keys(all_rows).tolist()
    count = len(keys) - FIGURE + 1
    for start in range(count):
        figure = tuple(keys[start : start + FIGURE])
        repeated += start >= begin and start - latest.get(figure, -REACH - 1) <= REACH
        latest[figure] = start
    return repeated / (count - begin) if count > begin else float("nan")


def distinct_figures(part: Rows) -> float:
    """Distinct figures over all figures: 1 if none repeats; NaN without figures."""
    keys = _keys(part).tolist()
    figures = [tuple(keys[start : start + FIGURE]) for start in range(len(keys) - FIGURE + 1)]
    return len(set(figures)) / len(figures) if figures else float("nan")


def compression(all_rows: Rows, begin: int = 0) -> float:
    """Two bytes a row (steps capped at 255) over the bytes that deflate needs, with the earlier rows as its dictionary."""
    content = np.minimum(all_rows, 255).astype(np.uint8)
    part, past = content[begin:].tobytes(), content[:begin].tobytes()
    if not part:
        return float("nan")
    packer = zlib.compressobj(9, wbits=-15, zdict=past) if past else zlib.compressobj(9, wbits=-15)
    return len(part) / len(packer.compress(part) + packer.flush())


def _keys(part: Rows) -> NDArray[np.int64]:
    """One number for each row."""
    return part[:, 0] * 128 + part[:, 1]
