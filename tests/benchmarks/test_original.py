"""The original's tokens and networks, as the table of results measures them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import original
from benchmarks.original import WINDOW, Classes, Windows, material, on_grid, sampled, tokens_of
from musiclstm.music.notes import PITCHES, Piece, make_notes


def piece(*notes: tuple[int, int, int]) -> Piece:
    """A piece of (onset, pitch, duration)."""
    onset, pitch, duration = zip(*notes, strict=True)
    return Piece(make_notes(onset, pitch, duration, [64] * len(notes)))


def one_hand(*notes: tuple[int, int, int]) -> original.Tokens:
    """The tokens of (onset, pitch, duration) if one hand plays them all."""
    return original.tokens(piece(*notes).notes, np.zeros(len(notes), np.int64))


def scale(notes: int) -> Piece:
    """A rising scale of crotchets, as long as wanted."""
    return piece(*((24 * i, 40 + i % 40, 24) for i in range(notes)))


def test_a_triad_is_one_token_in_every_octave_inversion_and_doubling() -> None:
    close, low, sixth, wide = ([60, 64, 67], [36, 40, 43], [64, 67, 72], [36, 48, 64, 67])
    found = [one_hand(*((0, pitch, 24) for pitch in chord)).note.tolist() for chord in (close, low, sixth, wide)]
    assert found == [[PITCHES + (1 << 0 | 1 << 4 | 1 << 7)]] * 4


def test_other_pitch_classes_are_another_token() -> None:
    major, minor = (one_hand((0, 60, 24), (0, third, 24), (0, 67, 24)).note for third in (64, 63))
    assert major != minor


def test_a_single_note_keeps_its_octave() -> None:
    assert one_hand((0, 60, 24), (24, 72, 24)).note.tolist() == [60 - 21, 72 - 21]


def test_an_octave_is_a_chord_of_one_pitch_class() -> None:
    assert one_hand((0, 60, 24), (0, 72, 24)).note.tolist() == [PITCHES + 1]


def test_each_hand_plays_its_own_chord() -> None:
    found = tokens_of(piece((0, 36, 24), (0, 43, 24), (0, 72, 24), (0, 76, 24)))
    assert found.note.tolist() == [PITCHES + (1 << 0 | 1 << 7), PITCHES + (1 << 0 | 1 << 4)]
    assert found.gap.tolist() == [0, 0]
    assert found.hand.tolist() == [1, 1, 0, 0]


def test_what_ends_apart_is_an_event_of_its_own() -> None:
    """A bass note under a chord: two events with no gap between them, the lower first."""
    found = one_hand((0, 40, 96), (0, 64, 24), (0, 67, 24), (24, 72, 24))
    assert found.note.tolist() == [40 - 21, PITCHES + (1 << 4 | 1 << 7), 72 - 21]
    assert found.gap.tolist() == [0, 0, 24]
    assert found.duration.tolist() == [96, 24, 24]
    assert found.event.tolist() == [0, 1, 1, 2]


def test_chords_are_those_that_music21_reads_in_a_track(tmp_path: Path) -> None:
    from music21 import converter

    from musiclstm.formats.midi import write_midi

    rng = np.random.default_rng(3)
    onset, length = np.repeat(np.arange(0, 480, 12), 3) + rng.integers(0, 3, 120), rng.choice([2, 12, 24], 120)
    pitches = rng.permutation(np.arange(120) % 88 + 21)
    written = piece(*zip(onset.tolist(), pitches.tolist(), length.tolist(), strict=True))
    write_midi(written, tmp_path / "x.mid")
    read = [e for e in converter.parse(tmp_path / "x.mid").recurse().notes if e.tie is None or e.tie.type == "start"]
    theirs = sorted(tuple(sorted(pitch.midi for pitch in element.pitches)) for element in read)
    event, pitch = original.tokens(written.notes, np.zeros(len(written), np.int64)).event, written.notes["pitch"]
    assert sorted(tuple(sorted(pitch[event == number].tolist())) for number in range(event.max() + 1)) == theirs


def test_gaps_lead_from_one_onset_to_the_next() -> None:
    found = one_hand((0, 60, 24), (0, 64, 24), (24, 62, 12), (36, 64, 60))
    assert found.gap.tolist() == [0, 24, 12]
    assert found.duration.tolist() == [24, 12, 60]


def test_the_lowest_notes_duration_is_the_chords() -> None:
    assert one_hand((0, 40, 24), (0, 64, 30)).duration.tolist() == [24]


def test_the_grid_is_music21s() -> None:
    from music21 import note, stream

    ticks = list(range(1, 60))
    expected = []
    for tick in ticks:  # one at a time: music21 stretches durations to the next note
        alone = stream.Stream()
        alone.insert(tick / 24, note.Note(quarterLength=tick / 24))
        alone.quantize([4, 3], processOffsets=True, processDurations=True, inPlace=True)
        element = alone.notes[0]
        expected.append((round(24 * float(element.offset)), round(24 * float(element.duration.quarterLength))))
    values = np.asarray(ticks, np.int64)
    assert list(zip(on_grid(values).tolist(), on_grid(values, least=1).tolist(), strict=True)) == expected


def test_no_window_reaches_into_another_piece() -> None:
    pieces = [tokens_of(scale(notes)) for notes in (WINDOW + 3, WINDOW, WINDOW + 1)]
    laid = material(pieces)
    assert laid.targets.tolist() == [WINDOW, WINDOW + 1, WINDOW + 2, 2 * WINDOW + 3 + WINDOW]
    assert laid.quarters(laid.targets) == 4.0


def test_a_window_holds_what_came_before_its_target() -> None:
    laid = material([tokens_of(scale(WINDOW + 2))])
    inputs, came = Windows(laid.streams["note"], laid.targets).batch(np.array([1]))
    assert inputs.tolist() == [laid.streams["note"][1 : WINDOW + 1].tolist()]
    assert came.tolist() == [laid.streams["note"][WINDOW + 1]]


def test_tokens_hardly_met_in_training_are_one_class() -> None:
    classes = Classes.of(np.array([5, 5, 9, 9, 9, 7]))
    assert len(classes) == 3
    assert classes.encode(np.array([9, 5, 7, 4, 1000])).tolist() == [1, 0, 2, 2, 2]


def test_a_sample_is_drawn_once_for_all() -> None:
    targets = np.arange(100, 200)
    assert np.array_equal(sampled(targets, 10), sampled(targets, 10))
    assert len(set(sampled(targets, 10).tolist())) == 10
    assert np.array_equal(sampled(targets, 0), targets)


def test_looking_up_is_the_mathematics_of_one_hot_vectors() -> None:
    """Both networks give the same chances, and take the same step in training."""
    import keras

    classes, rng = 11, np.random.default_rng(1)
    windows, came = rng.integers(0, classes, (4, WINDOW)), rng.integers(0, classes, 4)
    keras.utils.set_random_seed(1)
    quick, slow = original.lookup_network(classes, 8, dropout=0.0), original.network(classes, 8, dropout=0.0)
    slow.set_weights(quick.get_weights())
    one_hot = np.eye(classes, dtype=np.float32)[windows]
    for network, logits in ((quick, True), (slow, False)):  # eagerly: two steps take less time than compiling them
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=logits)
        network.compile(keras.optimizers.Adam(1e-2), loss, run_eagerly=True)
    for _ in range(2):
        chances = keras.ops.convert_to_numpy(keras.ops.softmax(quick(windows)))
        np.testing.assert_allclose(chances, keras.ops.convert_to_numpy(slow(one_hot)), atol=1e-6)
        quick.train_on_batch(windows, came)
        slow.train_on_batch(one_hot, came)
    for mine, theirs in zip(quick.get_weights(), slow.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)


def test_both_networks_begin_alike() -> None:
    """The same shapes, the same spread of random weights, and forget gates that begin open."""
    quick, slow = original.lookup_network(300), original.network(300)
    for mine, theirs in zip(quick.get_weights(), slow.get_weights(), strict=True):
        assert mine.shape == theirs.shape
        assert mine.mean() == pytest.approx(theirs.mean(), abs=2e-3)
        assert mine.std() == pytest.approx(theirs.std(), rel=0.03)
