"""Writing note by note: the same probabilities as in training, and what is promised about takes, time and chords."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from musiclstm.checkpoint import Checkpoint
from musiclstm.config import HORIZON, SamplingOptions
from musiclstm.errors import OptionError
from musiclstm.formats.score import read_corpus
from musiclstm.model.batches import FeatureScanner, Part, iterate_batches
from musiclstm.model.continuous_batching import LANES
from musiclstm.model.decoder import KNOWN, Chunk, Decoder
from musiclstm.model.features import FeatureSpec
from musiclstm.model.lanes import CHUNK, JUDGED, State
from musiclstm.model.loop_guard import GUARD
from musiclstm.model.loops import Loops
from musiclstm.model.modules import Bound
from musiclstm.model.network import STREAMS, Network, build_network, reset_memory
from musiclstm.model.rules import KEY_NOTES
from musiclstm.model.sampling import heated, nucleus, sample
from musiclstm.model.vocabulary import BAR, DURATION, PITCH, POSITION, STEP, Rows, encode
from musiclstm.music.key import likeliest_key
from musiclstm.music.notes import LOWEST_PITCH, PITCHES, Piece, join, make_notes, transpose

Array = np.ndarray[Any, Any]
Known = Callable[[State, Array], tuple[dict[str, Array], State]]
BAR_TICKS = 96
LONG = 24 * BAR_TICKS
STEADY = SamplingOptions(diversity=1.0, top_p=1.0, loop_guard=False)
FOUR = [1, 2, 3, 4]  # random seeds of four takes


# The same probabilities as in training


@pytest.fixture(scope="module")
def music(tunes: dict[str, Piece]) -> Piece:
    """A chorale and tunes that return, once higher: 300 notes, chords, matches and transposed matches."""
    whole = read_corpus("bach/bwv66.6")
    for tune in (tunes["march"], transpose(tunes["march"], 5), tunes["waltz"]):
        whole = join(whole, tune, -(-whole.end // BAR_TICKS) * BAR_TICKS)
    return whole


@pytest.fixture(scope="module", params=[False, True], ids=["open", "with its end"])
def end_given(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="module")
def lanes(small_checkpoint: Checkpoint) -> tuple[Network, FeatureScanner]:
    """The network as in training, for two lanes, and its scanner of features."""
    network = build_network(small_checkpoint.config, lanes=2)
    network.set_weights(small_checkpoint.network.get_weights())
    return network, FeatureScanner(FeatureSpec.of(small_checkpoint.vocabulary), lanes=2, jit_compile=False)


@pytest.fixture(scope="module")
def known(small_checkpoint: Checkpoint) -> Known:
    """Logits [B, classes] of every stream for a known next row [B, 6], and the state after it, as arrays."""
    facts = small_checkpoint.config, small_checkpoint.vocabulary
    function = tf.function(Loops(small_checkpoint.network, *facts).known, autograph=False)

    def run(state: State, row: Array) -> tuple[dict[str, Array], State]:
        found = function(*tf.nest.map_structure(tf.constant, (state, row.astype(np.int32))))
        return tf.nest.map_structure(lambda each: each.numpy(), found)

    return run


@pytest.fixture(scope="module")
def trained_on(
    music: Piece,
    small_checkpoint: Checkpoint,
    lanes: tuple[Network, FeatureScanner],
    tunes: dict[str, Piece],
    end_given: bool,
) -> dict[str, Array]:
    """Probabilities [rows - 1, classes] of each stream as training sees them: windows, beside another lane, state carried."""
    network, scanner = lanes
    spec = scanner.spec
    assert spec.horizon != HORIZON
    pieces = [encode(piece, small_checkpoint.vocabulary) for piece in (tunes["jig"], music)]
    left = [bars_by_clock(piece, spec.steps) if end_given else None for piece in pieces]
    parts: dict[str, list[Array]] = {stream: [] for stream in STREAMS}
    # The music comes second in its lane: nothing of the piece before may be left.
    for batch in iterate_batches([[0, 0], [0, 1]], 64, lambda index: Part(pieces[index], index, left[index])):
        reset_memory(network, ~batch.fresh)
        logits = network.predict_on_batch(scanner.inputs(batch))
        if batch.piece[1] == 1:
            size = int(batch.weight[1].sum())
            for stream in STREAMS:
                parts[stream].append(softmax(logits[stream][1, :size]))
    assert len(parts["step"]) >= 4
    return {stream: np.concatenate(windows) for stream, windows in parts.items()}


def bars_by_clock(rows: Rows, steps: tuple[int, ...]) -> Array:
    """Bars left as the decoder counts them: by the ticks of its vocabulary, to which these rows were rounded."""
    bar = (np.asarray(steps)[rows[:, STEP]].cumsum() - steps[rows[0, STEP]] + rows[0, POSITION]) // int(rows[0, BAR])
    return (bar[-1] - bar).astype(np.int32)


def softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("primed", [1, 50])
def test_note_by_note_gives_the_probabilities_of_training(
    primed: int, music: Piece, small_checkpoint: Checkpoint, known: Known, trained_on: dict[str, Array], end_given: bool
) -> None:
    rows, decoder = encode(music, small_checkpoint.vocabulary), small_checkpoint.decoder
    assert 150 <= len(rows) < HORIZON
    assert (rows[:, STEP] == 0).sum() > 100
    # The end counts in ticks after the bar line to which a state is primed, here one that the next row ignores.
    left = bars_by_clock(rows, small_checkpoint.vocabulary.steps)
    bar, onset = (
        int(rows[0, BAR]),
        int(rows[0, POSITION]) + int(np.asarray(small_checkpoint.vocabulary.steps)[rows[1:primed, STEP]].sum()),
    )
    gap = -onset % bar
    end = (int(left[primed - 1]) + (gap == 0)) * bar
    state = decoder.prime(rows[:primed], composer=1, gap=gap, end=end if end_given else None)
    # What is written keeps its metre, so bars are counted in one; the waltz at the end has another.
    until = int((rows[:, BAR] == bar).sum()) if end_given else len(rows)
    assert until > 200
    for index in range(primed, until):
        logits, state = known(state, rows[index][None])
        for stream in STREAMS:
            off = np.abs(softmax(logits[stream])[0] - trained_on[stream][index - 1]).max()
            assert off < 1e-4, f"{stream} of row {index} is off by {off}"


def test_the_log_likelihood_of_rows_is_the_sum_of_their_logits(music: Piece, small_checkpoint: Checkpoint, known: Known) -> None:
    rows, decoder = encode(music, small_checkpoint.vocabulary), small_checkpoint.decoder
    steps = np.asarray(small_checkpoint.vocabulary.steps)
    state = start = decoder.prime(rows[:50], gap=0, takes=4)
    nats, following = np.zeros(4), rows[50:60]
    for row in following:
        all_takes = np.stack([row] * 4)
        logits, state = known(state, all_takes)
        for stream, column in (("step", STEP), ("pitch", PITCH), ("duration", DURATION)):
            nats += np.log(softmax(logits[stream])[:, row[column]])
    tick = int(steps[following[0, STEP]])
    assert decoder.log_likelihood(start, following, tick=tick) == pytest.approx(nats, rel=1e-4)
    # The first step is the one that leads to the tick from where each take is, whatever its row says.
    elsewhere = following.copy()
    elsewhere[0, STEP] = 0
    assert decoder.log_likelihood(start, elsewhere, tick=tick) == pytest.approx(nats, rel=1e-4)
    assert decoder.log_likelihood(start, np.repeat(following, 30, axis=0), tick=tick) == pytest.approx(
        decoder.log_likelihood(start, np.repeat(following, 30, axis=0)[:JUDGED], tick=tick)
    )


def test_a_given_note_is_struck_at_its_tick_by_every_take(music: Piece, small_checkpoint: Checkpoint) -> None:
    rows, decoder = encode(music, small_checkpoint.vocabulary)[:50], small_checkpoint.decoder
    rngs = [np.random.default_rng(number) for number in FOUR]
    *_, chunk = decoder.write(decoder.prime(rows, gap=24, takes=4), STEADY, rngs, until=96, most=CHUNK)
    assert chunk.done.all()
    for tick in (96, 101, 150):  # whether or not a step leads exactly there
        state = decoder.strike(chunk.state, rows[7], tick=tick)
        assert state["clock"].tolist() == [tick] * 4
        assert not state["done"].any()
        assert (state["row"][:, 1:] == rows[7, 1:]).all()


def test_what_was_compiled_beforehand_is_what_reads_and_writes(music: Piece, small_checkpoint: Checkpoint) -> None:
    decoder = small_checkpoint.decoder
    graph: Any = decoder.graph
    decoder.compile()
    decoder.compile()
    graph.warm_up()
    before = dict(graph._modules._found)
    assert set(before) == {"prime-1", "write-1", f"write-{LANES}", f"judge-{LANES}"}
    rows, rngs = encode(music, small_checkpoint.vocabulary), [np.random.default_rng(take) for take in range(LANES)]
    state = decoder.prime(rows, gap=0, takes=LANES)
    list(decoder.write(state, SamplingOptions(), rngs, until=48, most=8))
    for takes in (1, LANES + 1):  # any number
        several = decoder.choose(state, 0, takes=takes, begin=0)
        assert len(decoder.strike(several, rows[7], tick=48)["clock"]) == takes
        assert len(decoder.log_likelihood(several, rows, tick=0)) == takes
    list(decoder.write(decoder.prime(rows, gap=0), SamplingOptions(), rngs[:1], until=48, most=8))
    assert graph._modules._found == before


def test_these_probabilities_depend_on_the_past(trained_on: dict[str, Array]) -> None:
    # Else the test above would prove nothing.
    for stream in STREAMS:
        assert trained_on[stream].std(axis=0).max() > 0.05


def test_what_is_written_is_chosen_from_those_logits(music: Piece, small_checkpoint: Checkpoint, known: Known) -> None:
    rows, decoder = encode(music, small_checkpoint.vocabulary)[:50], small_checkpoint.decoder
    options = SamplingOptions(diversity=0.8, top_p=0.9, loop_guard=False)
    state = decoder.prime(rows, gap=24, takes=4)
    chunk = next(decoder.write(state, options, [np.random.default_rng(seed) for seed in FOUR], until=10**6, most=CHUNK))
    assert [len(take) for take in chunk.rows] == [CHUNK] * 4
    written = np.stack(chunk.rows, axis=1)
    uniform = np.stack([np.random.default_rng(seed).random((CHUNK, 4), dtype=np.float32) for seed in FOUR], axis=1)
    for index, row in enumerate(written):
        logits, state = known(state, row)
        # The first step has to reach the bar line, and above the highest key no chord goes on.
        bound = (written[index - 1, :, PITCH] == PITCHES - 1) | (index == 0)
        for column, stream in enumerate(STREAMS):
            chance = uniform[index, :, column]
            picked = sample(nucleus(heated(logits[stream], np.full(4, 0.8, np.float32)), np.full(4, 0.9, np.float32)), chance)
            free = ~bound if stream == "step" else np.full(4, True)
            assert (np.asarray(picked) == row[:, column])[free].all(), f"{stream} of note {index}"


# Takes


def write(
    checkpoint: Checkpoint, seeds: list[int], *, tune: int = 0, gap: int = 24, options: SamplingOptions = STEADY, **limits: int
) -> list[Chunk]:
    """Chunks that one take for each random seed adds to a tune."""
    decoder = checkpoint.decoder
    rows = encode(checkpoint.seeds[tune].piece, checkpoint.vocabulary)
    rngs = [np.random.default_rng(seed) for seed in seeds]
    state = decoder.prime(rows, takes=len(seeds), gap=gap)
    until, most = limits.get("until", LONG), limits.get("most", 400)
    return list(decoder.write(state, options, rngs, until=until, most=most))


def joined(chunks: list[Chunk]) -> list[Rows]:
    return [np.concatenate([chunk.rows[take] for chunk in chunks]) for take in range(len(chunks[0].rows))]


def onsets(rows: Rows, checkpoint: Checkpoint, gap: int) -> Array:
    """Ticks from the bar line at which the continuation begins."""
    return np.cumsum(np.asarray(checkpoint.vocabulary.steps)[rows[:, STEP]]) - gap


@pytest.fixture(scope="module")
def four(small_checkpoint: Checkpoint) -> list[Chunk]:
    return write(small_checkpoint, FOUR)


def test_the_same_random_numbers_give_the_same_rows_and_others_others(small_checkpoint: Checkpoint, four: list[Chunk]) -> None:
    again = joined(write(small_checkpoint, FOUR))
    assert all(np.array_equal(left, right) for left, right in zip(joined(four), again, strict=True))
    assert len({rows.tobytes() for rows in again}) == 4


def test_a_take_does_not_depend_on_the_others_in_its_batch(small_checkpoint: Checkpoint, four: list[Chunk]) -> None:
    alone = joined(write(small_checkpoint, FOUR[:1]))[0]
    assert len(alone) > CHUNK
    assert np.array_equal(alone, joined(four)[0])
    mixed = joined(write(small_checkpoint, [9, 8, 1, 7]))[2]
    assert np.array_equal(alone, mixed)


def test_a_state_may_be_continued_twice(small_checkpoint: Checkpoint) -> None:
    rows = encode(small_checkpoint.seeds[0].piece, small_checkpoint.vocabulary)
    state: State = small_checkpoint.decoder.prime(rows, takes=4, gap=24)
    rngs = [[np.random.default_rng(seed) for seed in FOUR] for _ in range(2)]
    first, second = (next(small_checkpoint.decoder.write(state, STEADY, each, until=10**6, most=CHUNK)) for each in rngs)
    assert all(np.array_equal(one, other) for one, other in zip(first.rows, second.rows, strict=True))


# Time


@pytest.mark.parametrize("gap", [1, 24, 96])
def test_nothing_begins_before_the_bar_line_nor_at_the_end_or_later(small_checkpoint: Checkpoint, gap: int) -> None:
    until = 5 * BAR_TICKS
    earliest, latest = [], []
    for seeds in ([1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]):
        chunks = write(small_checkpoint, seeds, gap=gap, until=until)
        assert chunks[-1].done.all()
        for rows in joined(chunks):
            at = onsets(rows, small_checkpoint, gap)
            earliest.append(at[0])
            latest.append(at[-1])
    assert min(earliest) >= 0
    assert max(latest) < until
    assert max(latest) >= until - BAR_TICKS


@pytest.mark.parametrize(("gap", "until"), [(24, 1), (24, 24), (20, 1)])
def test_even_the_shortest_continuation_has_a_note_if_any_step_leads_into_it(
    small_checkpoint: Checkpoint, gap: int, until: int
) -> None:
    for seeds in ([1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]):
        for rows in joined(write(small_checkpoint, seeds, gap=gap, until=until)):
            at = onsets(rows, small_checkpoint, gap)
            if gap == 20:  # no step is 20 ticks long
                assert len(at) == 0
            else:
                assert 0 <= at[0] < until


def test_rows_say_their_place_in_the_bar(small_checkpoint: Checkpoint) -> None:
    waltz = encode(small_checkpoint.seeds[1].piece, small_checkpoint.vocabulary)
    for rows in joined(write(small_checkpoint, FOUR, tune=1, gap=72)):
        at = onsets(rows, small_checkpoint, 72)
        assert (rows[:, BAR] == 72).all()
        assert np.array_equal(rows[:, POSITION], (at + 72 + waltz[-1, POSITION]) % 72)


def test_pitches_of_a_chord_ascend(small_checkpoint: Checkpoint) -> None:
    seed = encode(small_checkpoint.seeds[0].piece, small_checkpoint.vocabulary)
    wild = SamplingOptions(diversity=2.0, top_p=1.0, loop_guard=False)
    for rows in joined(write(small_checkpoint, FOUR, options=wild)):
        pitch = np.concatenate((seed[-1:, PITCH], rows[:, PITCH])).astype(int)
        chord = rows[:, STEP] == 0
        assert chord.any()
        assert (np.diff(pitch)[chord] > 0).all()
        assert pitch.min() >= 0
        assert pitch.max() < PITCHES


def test_a_piece_closes_with_a_chord_of_its_key_over_the_tonic(small_checkpoint: Checkpoint) -> None:
    decoder, wild = small_checkpoint.decoder, SamplingOptions(diversity=2.0, top_p=1.0, loop_guard=False)
    for tune in (0, 1, 2):
        seed = encode(small_checkpoint.seeds[tune].piece, small_checkpoint.vocabulary)
        until = 6 * int(seed[-1, BAR])
        state = decoder.prime(seed, takes=4, gap=1, end=until)
        rngs = [np.random.default_rng(number) for number in FOUR]
        for rows in joined(list(decoder.write(state, wild, rngs, until=until, most=2000))):
            at = onsets(rows, small_checkpoint, 1)
            chord = at == at[-1]
            assert at[-1] == until - seed[-1, BAR]
            before = np.concatenate([seed, rows[~chord]])[-KEY_NOTES:]
            lengths = np.asarray(small_checkpoint.vocabulary.durations)[before[:, DURATION]]
            key = likeliest_key(np.bincount((before[:, PITCH] + LOWEST_PITCH) % 12, lengths, minlength=12))[0]
            tonic = (7 * key.fifths + (9 if key.mode == "minor" else 0)) % 12
            closing = rows[chord, PITCH].astype(int) + LOWEST_PITCH
            assert closing.min() % 12 == tonic
            assert set((closing[:2] - tonic) % 12) <= ({0, 4, 7} if key.mode == "major" else {0, 3, 7})


def test_above_the_highest_key_no_chord_goes_on(small_checkpoint: Checkpoint) -> None:
    rows = encode(small_checkpoint.seeds[0].piece, small_checkpoint.vocabulary).copy()
    rows[-1, PITCH] = PITCHES - 1
    state = small_checkpoint.decoder.prime(rows, takes=4, gap=0)  # a gap of 0 allows every step
    following = [
        next(small_checkpoint.decoder.write(state, STEADY, [np.random.default_rng([s, t]) for t in range(4)], until=99, most=1))
        for s in range(10)
    ]
    steps = [int(rows[0, STEP]) for chunk in following for rows in chunk.rows if len(rows)]
    assert len(steps) > 20
    assert 0 not in steps


# Chunks


def test_stopping_early_gives_the_beginning_of_the_whole(small_checkpoint: Checkpoint, four: list[Chunk]) -> None:
    rows = encode(small_checkpoint.seeds[0].piece, small_checkpoint.vocabulary)
    state = small_checkpoint.decoder.prime(rows, takes=4, gap=24)
    stream = small_checkpoint.decoder.write(state, STEADY, [np.random.default_rng(seed) for seed in FOUR], until=LONG, most=400)
    assert len(four) >= 2
    for chunk, whole in zip((next(stream), next(stream)), four, strict=False):
        assert all(np.array_equal(left, right) for left, right in zip(chunk.rows, whole.rows, strict=True))


@pytest.mark.parametrize("most", [1, CHUNK - 1, CHUNK, CHUNK + 1, 50])
def test_a_take_ends_after_the_most_notes_it_may_have(small_checkpoint: Checkpoint, most: int) -> None:
    chunks = write(small_checkpoint, FOUR, until=10**6, most=most)
    assert [len(rows) for rows in joined(chunks)] == [most] * 4
    assert [bool(chunk.done.all()) for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    longer = joined(write(small_checkpoint, FOUR, until=10**6, most=most + 7))
    assert all(np.array_equal(rows, more[:most]) for rows, more in zip(joined(chunks), longer, strict=True))


def test_each_row_says_whether_the_guard_was_active(four: list[Chunk]) -> None:
    for chunk in four:
        assert [len(flags) for flags in chunk.guarded] == [len(rows) for rows in chunk.rows]
        assert not any(flags.any() for flags in chunk.guarded)  # it was off


# Options


def test_the_tamest_options_take_the_likeliest_notes_whatever_the_random_numbers(small_checkpoint: Checkpoint) -> None:
    tame = SamplingOptions(diversity=0.1, top_p=0.05, loop_guard=False)
    takes = joined(write(small_checkpoint, FOUR, options=tame, until=10**6, most=40))
    assert all(np.array_equal(takes[0], other) for other in takes[1:])


@pytest.fixture
def wants_one_note(small_checkpoint: Checkpoint) -> Iterator[int]:
    """For one test the network wants nothing but one pitch, an eighth after the last note: that pitch."""
    wanted, network = 40, small_checkpoint.network
    graph: Any = small_checkpoint.decoder.graph
    before = network.get_weights()
    for head, index in (("step_head", small_checkpoint.vocabulary.steps.index(12)), ("pitch_head", wanted)):
        bias = network.get_layer(head).get_layer("logits").bias
        bias.assign(bias.numpy() + 45 * (np.arange(len(bias.numpy())) == index))
    with pytest.MonkeyPatch.context() as patch:
        graph.compile()
        weights = [tf.constant(weight) for weight in network.get_weights()]
        found = {name: Bound(function.module, weights) for name, function in graph._modules._found.items()}
        patch.setattr(graph._modules, "_found", found)
        network.set_weights(before)
        yield wanted


def test_the_guard_leads_out_of_a_loop_that_lasts_without_it(small_checkpoint: Checkpoint, wants_one_note: int) -> None:
    limits = {"until": 10**6, "most": 260}
    without = write(small_checkpoint, FOUR, options=STEADY, **limits)
    guarded = write(small_checkpoint, FOUR, options=replace(STEADY, loop_guard=True), **limits)
    for take in range(4):
        looping, led_out = joined(without)[take][:, PITCH], joined(guarded)[take][:, PITCH]
        flags = np.concatenate([chunk.guarded[take] for chunk in guarded])
        start = int(np.argmax(flags))
        assert (looping[1:] == wants_one_note).all()
        assert (led_out[1:start] == wants_one_note).all()
        assert start >= GUARD.fewest
        assert (led_out[start:] != wants_one_note).any()
        first = start + int(np.argmax(led_out[start:] != wants_one_note))
        assert flags[start : first + 1].all()
        assert not flags[first + 1]  # the loop is left, and so is the guard


@pytest.mark.parametrize("guard", [False, True])
def test_in_a_loop_that_climbs_the_next_higher_note_is_avoided(
    small_checkpoint: Checkpoint, wants_one_note: int, guard: bool
) -> None:
    upwards = np.arange(36) + LOWEST_PITCH + wants_one_note - 36  # half a tone up each eighth, to just below the pitch wanted
    rows = encode(Piece(make_notes(np.arange(36) * 12, upwards, [12] * 36, [64] * 36)), small_checkpoint.vocabulary)
    state = small_checkpoint.decoder.prime(rows, takes=4, gap=12)
    state |= {"guarded": np.full(4, 200, np.int32)}  # as if the guard had been at work for a while
    rngs = [np.random.default_rng(seed) for seed in FOUR]
    chunk = next(small_checkpoint.decoder.write(state, replace(STEADY, loop_guard=guard), rngs, until=10**6, most=1))
    assert [bool(flags[0]) for flags in chunk.guarded] == [guard] * 4
    assert [rows[0, PITCH] != wants_one_note for rows in chunk.rows] == [guard] * 4


@pytest.mark.parametrize(("notes", "takes", "gap"), [(0, 1, 24), (5, 0, 24), (5, 1, -1), (5, 1, 97)])
def test_an_impossible_beginning_is_refused(small_checkpoint: Checkpoint, notes: int, takes: int, gap: int) -> None:
    rows = encode(small_checkpoint.seeds[0].piece, small_checkpoint.vocabulary)[:notes]
    with pytest.raises(OptionError):
        small_checkpoint.decoder.prime(rows, takes=takes, gap=gap)


def test_a_seed_is_read_once_for_takes_one_after_the_other(small_checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = Decoder(small_checkpoint.decoder.graph, small_checkpoint.vocabulary)
    rows, read = encode(small_checkpoint.seeds[0].piece, small_checkpoint.vocabulary), list[int]()
    prime = decoder.graph.prime

    def counted(*arguments: Any) -> State:
        read.append(len(read))
        return prime(*arguments)

    monkeypatch.setattr(decoder.graph, "prime", counted)
    first = decoder.prime(rows, takes=2, gap=24, end=96)
    for value in first.values():
        value[...] = 0  # whoever changes their state changes nobody else's
    again = decoder.prime(rows, takes=4, gap=24, end=96)
    assert len(read) == 1
    fresh = Decoder(decoder.graph, small_checkpoint.vocabulary).prime(rows, takes=4, gap=24, end=96)
    assert all(np.array_equal(again[name], fresh[name]) for name in fresh)
    others: list[dict[str, Any]] = [{"gap": 12, "end": 96}, {"gap": 24, "end": 192}, {"gap": 24, "end": 96, "composer": 1}]
    for number, options in enumerate(others):
        decoder.prime(rows, **options)
        assert len(read) == 3 + number
    for gap in range(KNOWN):  # others follow, until the first is forgotten
        decoder.prime(rows, gap=gap)
    before = len(read)
    decoder.prime(rows, gap=24, end=96)
    assert len(read) == before + 1
