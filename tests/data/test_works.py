"""Works: the same music is found under other names, in other keys and editions; other music is not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from musiclstm.data import works
from musiclstm.data.works import FEWEST, GRACE, figures, join_works, works_of, works_with
from musiclstm.music.notes import Notes, Piece, make_notes


def melody(seed: int, notes: int = 200, *, lowest: int = 60) -> NDArray[np.int64]:
    """Pitches of a melody in steps and leaps, different for each ``seed``."""
    moves = np.random.default_rng(seed).choice([-7, -4, -2, -1, 1, 2, 3, 5], notes)
    pitches = lowest + np.abs(np.cumsum(moves)) % 20
    return pitches.astype(np.int64)


def edition(pitches: NDArray[np.int64], *, quarter: int = 24, bass: int | None = None, grace: bool = False) -> Notes:
    """The melody in even notes, with a bass on every fourth or a grace note before every eighth of them."""
    onset = np.arange(len(pitches)) * quarter
    parts = [(onset, pitches, np.full(len(pitches), quarter))]
    if bass is not None:
        parts.append((onset[::4], np.full(len(onset[::4]), bass), np.full(len(onset[::4]), 4 * quarter)))
    if grace:
        parts.append((onset[8::8] - GRACE, pitches[8::8] + 1, np.full(len(onset[8::8]), GRACE)))
    columns = [np.concatenate([part[column] for part in parts]) for column in range(3)]
    return make_notes(columns[0], columns[1], columns[2], np.full(len(columns[0]), 64))


def test_editions_in_other_keys_rhythms_and_with_other_lower_voices_are_one_work() -> None:
    plain = figures(edition(melody(1)))
    others = [
        figures(edition(melody(1) + 5)),
        figures(edition(melody(1), quarter=12)),
        figures(edition(melody(1), bass=40)),
        figures(edition(melody(1), grace=True)),
    ]
    for other in others:
        assert join_works(["a", "b"], [plain, other]) == ["a", "a"]


def test_different_music_stays_apart() -> None:
    pieces = [figures(edition(melody(seed))) for seed in range(20)]
    works = [f"work {number}" for number in range(20)]
    assert join_works(works, pieces) == works


def test_scales_and_trills_that_all_share_make_nothing_the_same() -> None:
    scale, trill = np.tile(np.arange(60, 84), 3), np.tile([72, 74], 40)
    pieces = [figures(edition(np.concatenate([melody(seed, 60), scale, trill]))) for seed in (1, 2)]
    assert join_works(["a", "b"], pieces) == ["a", "b"]


def test_a_part_of_a_piece_is_the_same_work() -> None:
    whole, movement = figures(edition(melody(1, 400))), figures(edition(melody(1, 400)[100:180]))
    assert join_works(["a", "b"], [whole, movement]) == ["a", "a"]


def test_all_works_of_a_chain_get_the_name_of_the_first() -> None:
    ends = melody(1), melody(2)
    pieces = [figures(edition(music)) for music in (ends[0], melody(3), ends[1], np.concatenate(ends))]
    assert join_works(["d", "c", "b", "a"], pieces) == ["d", "c", "d", "d"]
    # A work has several pieces: what one of them shares counts for all.
    assert join_works(["x", "y", "z", "y"], pieces) == ["x", "x", "x", "x"]


def test_a_work_that_contains_an_opening_is_found() -> None:
    pieces = [figures(edition(melody(seed), bass=40)) for seed in range(5)]
    works = [f"work {number}" for number in range(5)]
    opening = figures(edition(melody(3)[:40] - 3))
    assert works_with([opening], works, pieces) == {"work 3"}
    assert works_with([figures(edition(melody(9)))], works, pieces) == set()
    assert works_with([], works, pieces) == set()


def test_works_of_pieces_go_by_name_and_by_music() -> None:
    named = {"Bach/suite_1.mid": 1, "Bach/suite_2.mid": 2, "other/copy.mid": 2, "Bach/alone.mid": 3}
    pieces = [Piece(edition(melody(seed)), source=name) for name, seed in named.items()]
    assert works_of(pieces) == {
        "Bach/suite_1.mid": "Bach/suite",
        "Bach/suite_2.mid": "Bach/suite",
        "other/copy.mid": "Bach/suite",
        "Bach/alone.mid": "Bach/alone",
    }


def test_music_without_figures_is_nobodys() -> None:
    short = figures(edition(melody(1, 10)))
    assert len(short) == 0
    assert len(figures(make_notes([], [], [], []))) == 0
    assert join_works(["a", "b", "c"], [short, short, figures(edition(melody(1)))]) == ["a", "b", "c"]
    assert join_works([], []) == []
    assert works_with([short], ["a"], [figures(edition(melody(1)))]) == set()
    assert FEWEST > 1


def test_works_are_found_a_share_of_the_figures_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = [figures(edition(melody(seed % 8) + seed)) for seed in range(20)]
    names = [f"work {number}" for number in range(20)]
    at_once = join_works(names, pieces)
    monkeypatch.setattr(works, "AT_ONCE", 150)
    assert join_works(names, pieces) == at_once == [f"work {number % 8}" for number in range(20)]
