"""The curation score separates good openings from poor ones, and every reason to refuse a passage is detected."""

from __future__ import annotations

from dataclasses import replace

import pytest

from musiclstm.formats.score import parse_abc
from musiclstm.music.key import estimate_key, key_name
from musiclstm.music.notes import TICKS_PER_QUARTER, Key, Metre, Piece, join, make_notes, transpose
from musiclstm.seeds.curation import WEIGHTS, candidate_passages, curation_score, longest_silence, reject_reason, rejects

Q = TICKS_PER_QUARTER

# Eight bars in C with a tune, a moving bass and a half cadence: a typical good seed.
GOOD = """X:1
M:4/4
L:1/8
K:C
V:1
c2eg a2gf | e2dc d4 | e2gc' b2ag | f2ed e4 | g2fe d2cB | A2Bc d2ef | gfed c2d2 | e2d2 G4 |
V:2
C2E2 F2A,2 | C2G,2 B,2G,2 | C2E2 G2E2 | A,2B,2 C2G,2 | E2C2 G,2B,2 | F,2A,2 B,2G,2 | E,2G,2 A,2F,2 | G,2B,2 D2B,2 |
"""


def good() -> Piece:
    return parse_abc(GOOD, "good.abc")


def notes_of(pitches: list[int], step: int = Q // 2, duration: int | None = None) -> Piece:
    """One voice in 4/4 that strikes the pitches evenly."""
    onsets = [step * i for i in range(len(pitches))]
    return Piece(make_notes(onsets, pitches, [duration or step] * len(pitches), [64] * len(pitches)))


SCALE = [60, 62, 64, 65, 67, 69, 71, 72]


def test_a_good_opening_passes_and_scores_above_one_note_and_silence() -> None:
    assert reject_reason(good()) is None
    drone, silence = notes_of([60] * 96), Piece(make_notes([], [], [], []))
    assert curation_score(good()).total > 0.8
    assert curation_score(drone).total < 0.6
    assert curation_score(silence).total == 0.0


def test_every_part_of_the_score_lies_between_0_and_1() -> None:
    for piece in (good(), notes_of([60]), notes_of(SCALE * 12), notes_of(list(range(21, 109)), step=1)):
        score = curation_score(piece)
        for name in (*WEIGHTS, "total"):
            assert 0.0 <= getattr(score, name) <= 1.0, name


def test_a_loop_is_recognised_by_its_repetition() -> None:
    loop, tune = notes_of(SCALE * 12), good()
    assert curation_score(loop).repetition > 0.85 > 0.5 > curation_score(tune).repetition
    assert curation_score(loop).total < curation_score(tune).total


def test_sparse_and_crowded_passages_score_lower_for_density() -> None:
    sparse, even, crowded = notes_of(SCALE, step=4 * Q), notes_of(SCALE * 4), notes_of(SCALE * 24, step=1)
    assert curation_score(even).density == 1.0
    assert curation_score(sparse).density == pytest.approx(0.125)
    assert curation_score(crowded).density < 0.5


def test_a_passage_the_network_follows_easily_scores_higher() -> None:
    easy, unknown, hard = (curation_score(good(), bits) for bits in (3.0, None, 12.0))
    assert easy.total > unknown.total > hard.total
    assert (easy.bits_per_note, unknown.bits_per_note) == (3.0, None)
    assert hard.total == pytest.approx(0.75 * unknown.total, abs=1e-3)


def test_the_key_is_found_in_every_transposition() -> None:
    major, minor = notes_of([60, 64, 67, 72, 65, 69, 67, 60] * 8), notes_of([69, 72, 76, 69, 74, 77, 68, 69] * 8)
    for semitones in range(-6, 6):
        for piece, mode in ((major, "major"), (minor, "minor")):
            moved = transpose(replace(piece, key=Key(0, mode)), semitones)
            key, clarity = estimate_key(moved)
            assert clarity > 0.8
            assert moved.key is not None and (key.mode, (key.fifths - moved.key.fifths) % 12) == (mode, 0)


def test_chromatic_noise_is_less_clear_than_a_tune() -> None:
    assert curation_score(notes_of(list(range(48, 84)) * 3)).tonal_clarity < 0.3 < curation_score(good()).tonal_clarity


def test_keys_are_named_with_the_accidentals_they_are_written_in() -> None:
    named = {(fifths, mode): key_name(Key(fifths, mode)) for fifths in range(-7, 8) for mode in ("major", "minor")}
    assert named[-6, "major"] == "G-flat major" and named[6, "major"] == "F-sharp major"
    assert named[-3, "minor"] == "C minor" and named[4, "minor"] == "C-sharp minor" and named[6, "minor"] == "D-sharp minor"
    assert len(set(named.values())) == 30


@pytest.mark.parametrize(
    ("piece", "reason"),
    [
        (Piece(make_notes([], [], [], [])), "silent"),
        (notes_of([60] * 80), "single note"),
        (notes_of(SCALE * 7), "56 notes"),
        (notes_of(SCALE * 8 + [60, 62]), "middle of its last bar"),
    ],
)
def test_poor_passages_are_refused_with_the_reason(piece: Piece, reason: str) -> None:
    assert reason in (reject_reason(piece) or "")
    assert rejects(piece)


def test_a_bar_cut_short_by_a_change_of_metre_is_refused() -> None:
    cut_short = replace(good(), metres=(Metre(0, 4, 4), Metre(6 * Q, 3, 4)))
    assert reject_reason(cut_short) == "a bar in it is cut short"


def test_an_empty_first_bar_and_a_long_gap_are_refused() -> None:
    empty = Piece(make_notes([], [], [], []))
    late = join(empty, good(), 4 * Q)
    assert reject_reason(late) == "its first bar is empty"
    gap = join(good(), good(), good().end + 8 * Q)
    assert longest_silence(gap) == 8 * Q
    assert reject_reason(gap) == "it is silent for more than a bar"


def test_a_passage_that_ends_on_a_held_chord_is_refused_as_an_end() -> None:
    chord = Piece(make_notes([0, 0, 0], [48, 55, 64], [4 * Q] * 3, [64] * 3))
    ending = join(good(), chord, 32 * Q)
    assert reject_reason(ending) == "it dies away like the end of a piece"


def test_candidates_are_whole_bars_from_phrase_starts_with_music_to_come() -> None:
    long = join(join(good(), good(), 32 * Q), good(), 64 * Q)
    found = list(candidate_passages(long))
    assert found
    for first, last, passage in found:
        assert (last - first + 1) in (4, 8, 12, 16) and 2 * last - first + 1 <= 24
        assert 64 <= len(passage) <= 200 and not rejects(passage)
    assert found[0][0] == 1 and {first for first, _, _ in found} <= {1, 3, 5, 9, 11, 13, 17}


def test_a_short_piece_offers_no_candidates() -> None:
    assert not list(candidate_passages(good()))
