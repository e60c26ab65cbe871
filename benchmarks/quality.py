"""Claim: on pieces never seen, music takes less than half the bits a quarter note that the original's architecture needs.

In one table, trained on the same pieces and measured on the same held-out works:

- unigram and order-k Markov chains (``musiclstm/evaluation/ngram.py``), k chosen on the validation pieces;
- the original: its tokens and its three networks (``benchmarks/original.py``, ``learning.py``), each trained for --minutes;
- ours: a checkpoint, which must have been trained on this split's training pieces; it has never seen the chorales.

One more row shows the original's own way to measure: windows of some pieces, each sharing 63 of 64 tokens with the next, shuffled
and then split. The networks are kept in --work: a later run with more --minutes goes on from there.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from benchmarks.music import begin, parser
from benchmarks.report import Figure, cores, publish, section

Sides = dict[str, list[Any]]

CHECKED = 2_000  # windows at each look at the validation side
LEAKY_SHARE = 0.2  # of the original's windows were set aside
ABOUT_THE_TABLE = (
    "Bits are those of step, pitch and duration of every note but a piece's first; new material are notes after three that have "
    "not occurred together before. The original predicts events, a note or what one hand begins and ends together: gap, note or "
    "chord without octaves, one duration. So it has no bits a note, its bits a quarter cover less, and its accuracies stand in "
    "the nearest column. The parameters of a Markov chain are counts."
)
ABOUT_TOKENS = (
    "Next token right: on the original's test windows, ours greedy from the true notes before, turned into its tokens. A lower "
    "bound, since ours must have every pitch of a chord right, octave included, add none, and make the same notes end together."
)


def main() -> None:
    """Measure and publish."""
    asking = parser(__doc__)
    asking.add_argument("--minutes", type=float, default=1.0, help="training of each of the original's networks")
    asking.add_argument("--leaky-minutes", type=float, metavar="MINUTES", help="of each with its own split; default: as many")
    asking.add_argument("--sample", type=int, default=8000, help="test windows of the original; 0 for all")
    asking.add_argument("--leaky-pieces", type=int, default=30, help="pieces of the original's own split")
    asking.add_argument("--threads", type=int, default=cores())
    options = asking.parse_args()
    begin(options.threads)
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # each of six networks is compiled once, and TensorFlow warns of so many
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(options.threads)
    measure(options)


@dataclass(frozen=True)
class Line:
    """One line of the table; None where a figure means nothing. ``right``: shares of step, pitch and duration predicted right."""

    name: str
    bits_per_note: float | None
    bits_per_quarter: float
    right: Sequence[float]
    new: float | None
    parameters: int
    training: str

    def text(self) -> str:
        """The line in Markdown."""
        bits = ["–" if number is None else f"{number:.2f}" for number in (self.bits_per_note, self.bits_per_quarter, self.new)]
        cells = [self.name, *bits, *map(percent, self.right), f"{self.parameters:,}", self.training]
        return f"| {' | '.join(cells)} |"


def measure(options: argparse.Namespace) -> None:
    """The whole section: train, predict, compare, publish."""
    from benchmarks.heldout import opened
    from benchmarks.original import tokens_of
    from musiclstm.model import encode

    loaded, held = opened(options)
    pieces = {side: held.pieces(side) for side in held.sides}
    rows = {side: [encode(piece, loaded.vocabulary) for piece in pieces[side]] for side in pieces}
    remarks = [*about_the_split(held, rows), ABOUT_THE_TABLE]
    counted, remark = counting(rows, loaded.vocabulary)
    tokens = {side: [tokens_of(piece) for piece in found] for side, found in pieces.items()}
    mine, no_more, flags = ours(loaded, pieces["test"], tokens["test"], held.own)
    theirs, targets, right, about_them = split_by_work(options, tokens)
    leaky, about_leaking = split_by_window(options, tokens, targets)
    shares = {
        "the original": [float(flag.mean()) for flag in (*right.values(), all_three(right))],
        "ours, at least": [float(flag[targets].mean()) for flag in (*flags.values(), all_three(flags))],
    }
    figures = [
        Figure("ours: bits a note", mine.bits_per_note or 0.0, most=2.9),
        Figure("ours: bits a note of new material", mine.new or 0.0, most=4.5),
        Figure("ours: share of pitches right", mine.right[1], least=0.68),
        Figure("bits a quarter, ours / the original", mine.bits_per_quarter / theirs.bits_per_quarter, most=0.5),
        Figure("the same without the durations that the original leaves out", no_more / theirs.bits_per_quarter),
        Figure("next note or chord right, ours / the original", shares["ours, at least"][0] / shares["the original"][0], least=2),
    ]
    if held.own and 3 * options.minutes < loaded.metrics["training"]["minutes"]:
        figures = [replace(f, least=None, most=None) if "ours / the original" in f.name else f for f in figures]
        remarks.append("The original had less time to learn than ours: no target is set against it.")
    if not held.own:
        figures = [replace(figure, least=None, most=None) for figure in figures]
        remarks.append("Our checkpoint was trained on other music, none of it here, so there are no targets.")
    text = section(
        "\n\n".join([(__doc__ or "").splitlines()[0], main_table([*counted, theirs, leaky, mine]), token_table(shares)]),
        figures,
        notes=[*remarks, remark, about_them, about_leaking, ABOUT_TOKENS],
        threads=f"{options.threads} thread{'s' if options.threads > 1 else ''}",
        libraries=("numpy", "keras", "tensorflow"),
    )
    publish("Quality", text)


def counting(rows: Sides, vocabulary: Any) -> tuple[list[Line], str]:
    """The lines of the unigram and of the Markov chain, and what is to be said about its order."""
    from musiclstm.evaluation import NoteScores, is_new, ngram, total
    from musiclstm.model import quarters

    started = time.perf_counter()
    model = ngram.fit(rows["train"], vocabulary)
    training = f"{time.perf_counter() - started:.0f} s"
    bits = ngram.bits_by_order(model, rows["validation"])
    best = ngram.best_order(bits)
    lines = []
    chain = f"Markov chain, order {best}"
    for name, order, recall in (("unigram", 0, False), (chain, best, False), (f"{chain}, counting the piece too", best, True)):
        scores = [NoteScores(*model.scores(piece, order, recall=recall), is_new(piece)) for piece in rows["test"]]
        summary = total(scores, quarters(rows["test"], vocabulary)).summary()
        lines.append(line(name, summary, model.numbers(order), training))
    tried = ", ".join(f"{bits[order]:.2f}" for order in range(1, ngram.LONGEST + 1))
    return lines, f"Markov chains of order 1 to {ngram.LONGEST} needed {tried} bits a note on the validation pieces."


def ours(loaded: Any, pieces: Sequence[Any], tokens: Sequence[Any], own: bool) -> tuple[Line, float, dict[str, Any]]:
    """The checkpoint's line; its bits a quarter without the durations that the original leaves out; and which of the original's
    tokens it gets right, for every event of the pieces laid end to end.
    """
    import numpy as np

    from benchmarks.greedy import right_tokens
    from benchmarks.original import STREAMS
    from musiclstm.evaluation import LANES, Evaluator, total
    from musiclstm.model import DURATION, encode, quarters

    evaluator = Evaluator(loaded, min(LANES, len(pieces)))
    scores = evaluator.scores(pieces)
    covered = quarters([encode(piece, loaded.vocabulary) for piece in pieces], loaded.vocabulary)
    summary = total(scores, covered).summary()
    left_out = 0.0  # durations of a chord's upper notes
    for piece, score in zip(tokens, scores, strict=True):
        upper = np.ones(len(piece.event), bool)
        upper[np.unique(piece.event, return_index=True)[1]] = False
        left_out += float(score.nats[upper[1:], DURATION].sum()) / np.log(2)
    right = right_tokens(evaluator, pieces)
    flags = {name: np.concatenate([getattr(piece, name) for piece in right]) for name in STREAMS}
    training = f"{loaded.metrics['training']['minutes']:.0f} min" + ("" if own else " on other music")
    made = line(f"ours ({loaded.name})", summary, loaded.network.count_params(), training)
    return made, made.bits_per_quarter - left_out / covered, flags


def split_by_work(options: argparse.Namespace, tokens: Sides) -> tuple[Line, Any, dict[str, Any], str]:
    """The original trained and measured as everything else: its line, the test targets, which of them were right, a remark."""
    from benchmarks.learning import Trio
    from benchmarks.original import material, sampled

    train, validation, test = (material(tokens[side]) for side in ("train", "validation", "test"))
    targets = sampled(test.targets, options.sample)
    trio = Trio(train, train.targets, validation, sampled(validation.targets, CHECKED), options.work / "original")
    trio.learn(options.minutes)
    answers = trio.answers(test, targets)
    remark = (
        f"The original by work: {len(train.targets):,} training windows, of which its networks saw {seen(trio)}; "
        f"{len(targets):,} of {len(test.targets):,} test windows. Tokens met less than twice in training "
        f"({listed(answers.unknown)} of the test's) share one class, are charged the bits of that class, and are "
        "never right; the first 64 tokens of a piece are not charged. Both favour the original."
    )
    return original_line("the original, split by work", trio, answers), targets, answers.right, remark


def split_by_window(options: argparse.Namespace, tokens: Sides, targets: Any) -> tuple[Line, str]:
    """The original measured its own way, and the same networks on the test pieces' ``targets``: a line and a remark."""
    import numpy as np

    from benchmarks.learning import Trio
    from benchmarks.original import RANDOM_SEED, material, sampled

    rng = np.random.default_rng(RANDOM_SEED)
    chosen = rng.permutation(len(tokens["train"]))[: options.leaky_pieces]
    mixed = material([tokens["train"][index] for index in chosen])
    shuffled = rng.permutation(mixed.targets)
    aside = int(LEAKY_SHARE * len(shuffled))
    shared = sampled(shuffled[:aside], options.sample)
    trio = Trio(mixed, shuffled[aside:], mixed, sampled(shuffled[:aside], CHECKED), options.work / "leaky")
    trio.learn(options.minutes if options.leaky_minutes is None else options.leaky_minutes)
    elsewhere = trio.answers(material(tokens["test"]), targets)
    right = {name: float(flags.mean()) for name, flags in elsewhere.right.items()}
    highest = max((check[2] for check in trio.learners["note"].progress.checks), default=0.0)
    remark = (
        f"The original's own split: the {len(shuffled):,} windows of {len(chosen)} training pieces shuffled, "
        f"{percent(LEAKY_SHARE)} of them set aside, each sharing 63 of 64 tokens with a training window; the networks "
        f"saw {seen(trio)}. The highest accuracy on notes at any look was {percent(highest)}: it grows as windows are "
        f"memorised. The same networks on the test pieces of the other lines: {listed(right)}, "
        f"{elsewhere.bits / elsewhere.quarters:.1f} bits a quarter."
    )
    return original_line("the original, its own leaky split", trio, trio.answers(mixed, shared)), remark


def original_line(name: str, trio: Any, answers: Any) -> Line:
    """A line from the original's answers; its gap stands for our step, its note or chord for our pitch."""
    right = [float(answers.right[stream].mean()) for stream in ("gap", "note", "duration")]
    return Line(name, None, answers.bits / answers.quarters, right, None, trio.parameters, f"{trio.minutes:.0f} min")


def about_the_split(held: Any, rows: Sides) -> list[str]:
    """What is measured on, by name, and how little of it occurs in the training pieces."""
    from benchmarks.heldout import FIGURE, shared_figures

    sizes = ", ".join(f"{side} {len(found)} pieces with {sum(map(len, found)):,} notes" for side, found in rows.items())
    works = [{held.collection.entries[index].work for index in found} for found in held.sides.values()]
    if len(set.union(*works)) < sum(map(len, works)):
        raise SystemExit("A work lies on two sides of the split.")
    shares = shared_figures(rows["test"], rows["train"])
    most = max(range(len(shares)), key=shares.__getitem__)
    return [
        f"Split by work, none of which is on two sides: {sizes}.",
        f"Leakage check: of the figures of {FIGURE} notes in a test piece, in any key, {percent(median(shares))} (median) and at "
        f"most {percent(shares[most])} ({held.names('test')[most]}) occur in a training piece.",
        f"Test pieces: {', '.join(held.names('test'))}.",
        f"Validation pieces: {', '.join(held.names('validation'))}.",
    ]


def main_table(lines: Sequence[Line]) -> str:
    """All models."""
    head = ["", "bits a note", "bits a quarter", "new material, bits a note", "step right", "pitch right", "duration right"]
    return table([*head, "parameters", "training"], [line.text() for line in lines])


def token_table(shares: dict[str, list[float]]) -> str:
    """The original's question, like for like."""
    rows = [f"| {name} | {' | '.join(map(percent, values))} |" for name, values in shares.items()]
    return table(["next token right", "note or chord", "gap", "duration", "all three"], rows)


def table(head: Sequence[str], rows: Sequence[str]) -> str:
    """A table in Markdown."""
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *rows])


def line(name: str, summary: dict[str, Any], parameters: int, training: str) -> Line:
    """A line from the figures of ``Likelihood.summary``."""
    right = [summary["accuracy"][stream] for stream in ("step", "pitch", "duration")]
    new = summary["new_material"]["bits_per_note"]
    return Line(name, summary["bits_per_note"], summary["bits_per_quarter"], right, new, parameters, training)


def all_three(flags: dict[str, Any]) -> Any:
    """Where note, gap and duration are all right."""
    return flags["note"] & flags["gap"] & flags["duration"]


def seen(trio: Any) -> str:
    """How many windows each network of the original was shown."""
    return listed({name: learner.progress.windows for name, learner in trio.learners.items()}, "{:,}".format)


def listed(values: dict[str, Any], shown: Callable[[Any], str] | None = None) -> str:
    """Values by stream, as words: note 1 %, gap 2 %, duration 3 %."""
    return ", ".join(f"{name} {(shown or percent)(value)}" for name, value in values.items())


def percent(share: float) -> str:
    """A share of 1 as per cent."""
    return f"{100 * share:.1f} %"


if __name__ == "__main__":
    main()
