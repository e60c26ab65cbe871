from __future__ import annotations

import numpy as np
import pytest

from musiclstm.evaluation import ngram
from musiclstm.model import vocabulary as tokens
from musiclstm.model.vocabulary import DURATION, PITCH, STEP, VELOCITY, Rows, Vocabulary
from musiclstm.music.notes import PITCHES, Piece

VOCABULARY = Vocabulary(steps=(0, 6, 12), durations=(6, 12, 24), velocities=4)


def tune(pitches: list[int], steps: list[int] | None = None) -> Rows:
    """Rows of these pitches (0 is the lowest key) with ``steps``, by default all of class 1."""
    rows = np.zeros((len(pitches), tokens.COLUMNS), np.int16)
    rows[:, PITCH] = pitches
    rows[:, STEP] = steps or 1
    return rows


def shuffled(notes: int = 400) -> Rows:
    """Random music with chords."""
    rng = np.random.default_rng(1)
    rows = tune(list(rng.integers(20, 60, notes)), list(rng.integers(1, 3, notes)))
    rows[:, DURATION], rows[:, VELOCITY] = rng.integers(0, 3, notes), rng.integers(0, 4, notes)
    upwards = np.flatnonzero(np.diff(rows[:, PITCH]) > 0) + 1
    rows[upwards[::2], STEP] = 0
    return rows


@pytest.mark.parametrize("stream", ngram.PREDICTED)
def test_probabilities_add_up_to_one_at_every_order(stream: int) -> None:
    model = ngram.fit([shuffled()], VOCABULARY)
    unseen = shuffled(500)[100:]
    unseen[:, PITCH] += 20  # near the end of the keyboard, which many intervals would leave
    for p in model.by_order(unseen, stream):
        assert p.min() >= 0
        assert p.sum(axis=1) == pytest.approx(1.0)


def test_no_note_is_impossible() -> None:
    model = ngram.fit([tune([40, 42] * 10)], VOCABULARY)
    for order in range(ngram.LONGEST + 1):
        assert np.isfinite(model.scores(shuffled(), order)[0]).all()
    assert np.isfinite(model.scores(shuffled(), 2, recall=True)[0]).all()


def test_probabilities_follow_the_kneser_ney_formula() -> None:
    # Step class 1 was followed by 1 three times and by 2 once; 2 by 2 and 1 once each; all durations are equal.
    rows = tune([40] * 7, [1, 1, 1, 1, 2, 2, 1])
    model = ngram.fit([rows], VOCABULARY)
    unigram = (np.array([0, 4, 2]) + 1) / 9
    assert model.probabilities(rows, STEP, 0)[0] == pytest.approx(unigram)
    # The step alone counts the (step, duration) contexts that a class followed: one. Too few to estimate discounts, so 0.75.
    step = np.array([0, 0.25, 0.25]) / 2 + 1.5 / 2 * unigram
    step_and_duration = np.array([0, 2.25, 0.25]) / 4 + 1.5 / 4 * step
    assert model.probabilities(rows, STEP, 1)[0] == pytest.approx(step_and_duration)


def test_discounts_follow_chen_and_goodman() -> None:
    counts = np.repeat([1, 2, 3, 4, 9], [40, 20, 10, 5, 3])
    share = 40 / (40 + 2 * 20)
    expected = [0, 1 - 2 * share * 20 / 40, 2 - 3 * share * 10 / 20, 3 - 4 * share * 5 / 10]
    assert ngram._discounts(counts) == pytest.approx(expected)


def test_a_tune_that_repeats_is_learnt() -> None:
    rows = tune([40, 44, 47, 52] * 50)
    model = ngram.fit([rows], VOCABULARY)
    nats, hits = model.scores(rows, 2)
    assert hits[3:, :3].all()
    assert nats[3:, :3].sum(axis=1).mean() < 0.2


def test_a_tune_learnt_in_one_key_is_known_in_another() -> None:
    model = ngram.fit([tune([40, 44, 47, 52] * 50)], VOCABULARY)
    _, hits = model.scores(tune([43, 47, 50, 55] * 5), 2)
    assert hits[3:, :3].all()


def test_a_longer_context_helps_if_the_tune_needs_it() -> None:
    # +2 is followed by +2 or by -4: only the interval before it, three rows in total, decides which.
    rows = tune([40, 42, 44] * 60)
    bits = ngram.bits_by_order(ngram.fit([rows], VOCABULARY), [rows])
    assert len(bits) == ngram.LONGEST + 1
    assert bits[0] > bits[1] > bits[2] > bits[3]
    assert bits[3] < bits[2] / 5


def test_an_unseen_context_gives_the_probabilities_of_the_shorter_one() -> None:
    model = ngram.fit([tune([40, 42, 44] * 60, [1, 1, 2] * 60)], VOCABULARY)
    known, strange, stranger = (tune([40, second, 44]) for second in (42, 55, 57))  # such leaps never occurred
    *_, after_known = model.by_order(known, STEP)
    *_, after_strange = model.by_order(strange, STEP)
    *_, after_stranger = model.by_order(stranger, STEP)
    assert after_strange[1] == pytest.approx(after_stranger[1])
    assert after_strange[1] != pytest.approx(after_known[1])


def test_contexts_do_not_cross_piece_boundaries() -> None:
    first, second = tune([40, 42] * 3), tune([60, 50] * 3)
    apart = ngram.fit([first, second], VOCABULARY)
    joined = ngram.fit([np.concatenate([first, second])], VOCABULARY)
    assert int(joined.unigrams[0].sum()) == int(apart.unigrams[0].sum()) + 1
    leap = 60 - 42 + PITCHES - 1
    assert not apart.tables[1][0].followers(np.zeros(1, np.int64), ngram.INTERVALS)[0][:, leap].any()


def test_pitches_only_rise_within_a_chord() -> None:
    model = ngram.fit([shuffled()], VOCABULARY)
    chord = tune([40, 44, 47], [1, 0, 0])
    for p in model.by_order(chord, PITCH):
        assert p[:, :PITCHES].sum() == 0


def test_real_tunes_are_scored_note_by_note(tunes: dict[str, Piece]) -> None:
    vocabulary = tokens.fit_vocabulary(tunes.values())
    rows = [tokens.encode(piece, vocabulary) for piece in tunes.values()]
    model = ngram.fit(rows, vocabulary)
    nats, hits = model.scores(rows[0], 3)
    assert nats.shape == hits.shape == (len(rows[0]) - 1, 4)
    bits = ngram.bits_by_order(model, rows)
    assert bits[3] < bits[0]
    together = sum(float(model.scores(piece, 3)[0][:, :3].sum()) for piece in rows)
    assert bits[3] == pytest.approx(together / np.log(2) / sum(len(piece) - 1 for piece in rows), rel=1e-4)


def test_recall_learns_repeats_within_a_piece() -> None:
    model = ngram.fit([shuffled()], VOCABULARY)
    verse = shuffled(60)[:, :]
    verse[:, PITCH] = np.random.default_rng(7).integers(20, 60, 60)
    verse[:, STEP] = 1
    rows = np.concatenate([verse, verse, verse])
    nats, hits = model.scores(rows, 2, recall=True)
    without, _ = model.scores(rows, 2)
    first, third = slice(0, 59), slice(130, 179)
    assert hits[third, :3].all()
    assert nats[third, :3].sum() < without[third, :3].sum() / 4
    assert nats[first, :3].sum() == pytest.approx(without[first, :3].sum(), rel=0.1)


def test_recall_does_not_use_later_notes() -> None:
    model = ngram.fit([shuffled()], VOCABULARY)
    rows = shuffled(200)
    whole, _ = model.scores(rows, 2, recall=True)
    cut, _ = model.scores(rows[:120], 2, recall=True)
    assert np.array_equal(whole[:119], cut)


@pytest.mark.parametrize("stream", ngram.PREDICTED)
def test_recalled_probabilities_add_up_to_one(stream: int) -> None:
    model, rows = ngram.fit([shuffled()], VOCABULARY), np.concatenate([shuffled(100)] * 3)
    p = ngram.recalled(rows, stream, model.probabilities(rows, stream, 2))
    assert p.sum(axis=1) == pytest.approx(1.0)


def test_a_higher_order_uses_more_counts() -> None:
    model = ngram.fit([shuffled()], VOCABULARY)
    numbers = [model.numbers(order) for order in range(ngram.LONGEST + 1)]
    assert numbers[0] == 3 + PITCHES + 3 + 4
    assert numbers == sorted(set(numbers))
