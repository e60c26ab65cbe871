"""Nats, hits and totals of a network on given music."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from musiclstm.checkpoint import size_for
from musiclstm.evaluation.scores import NoteScores, is_new, score_notes, total
from musiclstm.model.batches import FeatureScanner, Part
from musiclstm.model.features import FeatureSpec
from musiclstm.model.network import STREAMS, build_network
from musiclstm.model.vocabulary import PITCH, STEP, Rows, Vocabulary, encode, fit_vocabulary
from musiclstm.music.notes import PITCHES, Piece

Array = np.ndarray[Any, Any]
LANES, WINDOW = 2, 16


@pytest.fixture(scope="module")
def vocabulary(tunes: dict[str, Piece]) -> Vocabulary:
    return fit_vocabulary(tunes.values())


@pytest.fixture(scope="module")
def rows(tunes: dict[str, Piece], vocabulary: Vocabulary) -> list[Rows]:
    return [encode(tunes[name], vocabulary) for name in ("march", "waltz", "jig")]


@pytest.fixture(scope="module")
def scanner(vocabulary: Vocabulary) -> FeatureScanner:
    return FeatureScanner(FeatureSpec.of(vocabulary), LANES, jit_compile=False)


@pytest.fixture(scope="module")
def scored(rows: list[Rows], vocabulary: Vocabulary, scanner: FeatureScanner) -> list[NoteScores]:
    """The scores of an untrained network: all weights are zero and all classes equally likely."""
    network = build_network(size_for(vocabulary, units=8, layers=1, head=8, channels=1), lanes=LANES)
    network.set_weights([np.zeros_like(weight) for weight in network.get_weights()])
    return score_notes(network, scanner, [len(r) for r in rows], lambda index: Part(rows[index]), window=WINDOW)


def test_an_untrained_network_needs_the_logarithm_of_the_number_of_classes(
    scored: list[NoteScores], vocabulary: Vocabulary
) -> None:
    for stream, classes in (("step", len(vocabulary.steps)), ("duration", len(vocabulary.durations)), ("velocity", 32)):
        for piece in scored:
            bits = piece.nats[:, STREAMS.index(stream)] / np.log(2)
            assert np.allclose(bits, np.log2(classes), rtol=0, atol=1e-6)


def test_within_a_chord_lower_pitches_get_no_probability(scored: list[NoteScores], rows: list[Rows]) -> None:
    for piece, music in zip(scored, rows, strict=True):
        chord = music[1:, STEP] == 0
        allowed = np.where(chord, PITCHES - 1 - music[:-1, PITCH], PITCHES)
        assert chord.any()
        assert np.allclose(piece.nats[:, STREAMS.index("pitch")], np.log(allowed), atol=1e-6)


def test_every_note_but_the_first_is_scored(scored: list[NoteScores], rows: list[Rows]) -> None:
    for piece, music in zip(scored, rows, strict=True):
        assert piece.nats.shape == piece.hits.shape == (len(music) - 1, 4)
        assert piece.new.shape == (len(music) - 1,)


def test_a_hit_is_the_likeliest_class(scored: list[NoteScores], rows: list[Rows]) -> None:
    # Among equally likely classes the first one, class 0, counts as the prediction.
    for piece, music in zip(scored, rows, strict=True):
        assert np.array_equal(piece.hits[:, STREAMS.index("step")], music[1:, STEP] == 0)


def test_scores_do_not_depend_on_lanes_windows_or_piece_order(
    rows: list[Rows], vocabulary: Vocabulary, scanner: FeatureScanner
) -> None:
    config = size_for(vocabulary, units=8, layers=1, head=8, channels=1)
    weights = [np.random.default_rng(1).normal(0, 0.5, weight.shape) for weight in build_network(config).get_weights()]

    def scores(scanner: FeatureScanner, lanes: int, window: int, order: list[int]) -> list[NoteScores]:
        network = build_network(config, lanes=lanes)
        network.set_weights(weights)
        found = score_notes(network, scanner, [len(rows[i]) for i in order], lambda i: Part(rows[order[i]], 1), window=window)
        return [found[order.index(i)] for i in range(len(order))]

    left = scores(scanner, LANES, WINDOW, [0, 1, 2])
    right = scores(FeatureScanner(FeatureSpec.of(vocabulary), 3, jit_compile=False), 3, 64, [2, 0, 1])
    for one, other in zip(left, right, strict=True):
        assert np.allclose(one.nats, other.nats, atol=1e-4)
        assert np.array_equal(one.new, other.new)
        assert one.nats.std() > 0.1


# New material


def figure(*pitches: int, steps: list[int] | None = None) -> Rows:
    rows = np.zeros((len(pitches), 6), np.int16)
    rows[:, PITCH] = pitches
    rows[:, STEP] = 1 if steps is None else steps
    return rows


def test_a_note_is_new_unless_the_three_rows_before_it_have_occurred() -> None:
    music = figure(1, 2, 3, 4, 1, 2, 3, 5, 6)
    #                 2  3  4  1  2  3  5  6
    assert is_new(music).tolist() == [True, True, True, True, True, True, False, True]


def test_two_rows_in_common_are_not_enough() -> None:
    assert is_new(figure(1, 2, 3, 9, 2, 3, 4)).all()


def test_another_rhythm_is_new_material() -> None:
    assert is_new(figure(1, 2, 3, 4, 1, 2, 3, 4, steps=[1, 1, 1, 1, 1, 2, 1, 1])).all()


def test_a_figure_may_overlap_itself() -> None:
    assert is_new(figure(7, 7, 7, 7, 7, 7)).tolist() == [True, True, True, False, False]


@pytest.mark.parametrize("length", [0, 1, 2, 3])
def test_short_pieces_are_all_new(length: int) -> None:
    new = is_new(figure(*[5] * length))
    assert len(new) == max(0, length - 1)
    assert new.all()


def test_half_of_a_piece_played_twice_is_new_material() -> None:
    once = np.random.default_rng(2).permutation(80).tolist()
    assert is_new(figure(*once, *once)).mean() == pytest.approx(0.5, abs=0.03)


# Sums


def scores_by_hand() -> list[NoteScores]:
    """Two notes of one piece and one of another; a bit is log 2 nats."""
    bit = np.log(2)
    first = np.array([[1, 2, 3, 9], [4, 5, 6, 9]], np.float32) * bit
    second = np.array([[0, 1, 0, 9]], np.float32) * bit
    hit = np.array([[True, False, False, True], [True, True, False, True]])
    return [NoteScores(first, hit, np.array([True, False])), NoteScores(second, ~hit[:1], np.array([True]))]


def test_totals_add_up() -> None:
    likelihood = total(scores_by_hand(), quarters=2.5)
    assert (likelihood.pieces, likelihood.notes, likelihood.quarters) == (2, 3, 2.5)
    assert likelihood.bits == pytest.approx({"step": 5, "pitch": 8, "duration": 9, "velocity": 27})
    assert likelihood.hits == {"step": 2, "pitch": 2, "duration": 1, "velocity": 2}
    assert likelihood.new_notes == 2
    assert likelihood.new_bits == pytest.approx(7)


def test_the_summary_has_the_figures_to_report() -> None:
    assert total(scores_by_hand(), quarters=2.5).summary() == {
        "pieces": 2,
        "notes": 3,
        "quarters": 2.5,
        "bits_per_note": round(22 / 3, 4),
        "bits_per_quarter": 8.8,
        "velocity_bits_per_note": 9.0,
        "stream_bits_per_note": {"step": 1.6667, "pitch": 2.6667, "duration": 3.0},
        "accuracy": {"step": 0.6667, "pitch": 0.6667, "duration": 0.3333, "velocity": 0.6667},
        "new_material": {"share": 0.6667, "bits_per_note": 3.5},
    }


def test_the_total_of_no_pieces_is_zero() -> None:
    summary = total([], 0.0).summary()
    assert (summary["pieces"], summary["notes"], summary["bits_per_note"]) == (0, 0, 0)


def test_the_total_is_the_sum_of_its_pieces(scored: list[NoteScores]) -> None:
    whole, parts = total(scored, 1.0), [total([piece], 1.0) for piece in scored]
    assert whole.notes == sum(part.notes for part in parts)
    for stream in STREAMS:
        assert whole.bits[stream] == pytest.approx(sum(part.bits[stream] for part in parts))
        assert whole.hits[stream] == sum(part.hits[stream] for part in parts)
    assert whole.new_bits == pytest.approx(sum(part.new_bits for part in parts))
