"""Claim: the default diversity and top-p, and the ends of the slider, follow from measures on held-out pieces.

For each diversity, and for each top-p at the default diversity, the checkpoint continues the same held-out passages. Every
score is compared with that of the human continuations. The table and the curves use passages of the validation pieces; the
chosen defaults are then measured on the test pieces, which had no part in the choice.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.music import run
from benchmarks.report import Figure, cores, publish, section

DIVERSITIES = (0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 1.0, 1.05, 1.1, 1.2, 1.3, 1.4)
TOP_PS = (0.8, 0.9, 0.95, 0.98, 1.0)
CURVES = Path(__file__).parent / "diversity.svg"
GENERATED, HUMAN = "#D55E00", "#0072B2"
HEAD = (
    "musicality: share of the human ceiling",
    "takes that end in a loop",
    "repeated figures, median",
    "share longer passages than 95 % of human music",
    "notes a bar",
)


def measure(options: argparse.Namespace) -> None:
    """Both curves, the table and the picture."""
    from benchmarks.heldout import opened
    from musiclstm.config import SamplingOptions
    from musiclstm.evaluation import Trial, compare_continuations

    loaded, held = opened(options)
    pieces, unseen = held.pieces("validation"), held.pieces("test")
    default = SamplingOptions()
    settings = [replace(default, diversity=value) for value in DIVERSITIES]
    settings += [replace(default, top_p=value) for value in TOP_PS if value != default.top_p]
    found = {}
    for sampling in dict.fromkeys([*settings, default]):
        found[sampling] = compare_continuations(loaded, pieces, Trial(options.passages, sampling=sampling))
        print(row(sampling, found[sampling]), flush=True)
    draw([found[s] for s in settings if s.top_p == default.top_p], DIVERSITIES, default.diversity)
    head = [f"| | {' | '.join(HEAD)} |", "|---" * (len(HEAD) + 1) + "|"]
    lines = [*head, *(row(sampling, found[sampling]) for sampling in found), human_row(found[default])]
    verdict = compare_continuations(loaded, unseen, Trial(options.verdict))
    lines += ["", "The defaults on the test pieces:", "", *head, row(default, verdict), human_row(verdict)]
    scores, looping = verdict["musicality"], verdict["loops"]["looping"]["generated"]
    about = [
        f"{found[default]['passages']} passages of the validation pieces for each setting, {verdict['passages']} of the test "
        f"pieces: seeds of {verdict['seed_bars']} bars continued for {verdict['bars']}, compared with human continuations. "
        "Musicality: mean overlapping area of five features over the area that human music reaches with itself.",
        f"95 % intervals on the test pieces: mean overlapping area {interval(scores['mean_overlapping_area'])}, its share of "
        f"the human ceiling {interval(scores['share_of_ceiling'])}, takes that end in a loop {interval(looping)}.",
    ]
    claim = "\n\n".join([(__doc__ or "").splitlines()[0], "\n".join(lines), f"![Scores over diversity]({CURVES.name})"])
    libraries = ("numpy", "keras", "tensorflow")
    text = section(claim, figure_list(verdict), notes=about, threads=f"{cores()} threads", libraries=libraries)
    publish("Diversity", text)


def interval(estimate: dict[str, Any]) -> str:
    """The middle 95 % of a figure's bootstrap samples."""
    return " to ".join(f"{end:.3f}" for end in estimate["interval"])


def figure_list(judged: dict[str, Any]) -> list[Figure]:
    """The targets at the default."""
    area, share = (judged["musicality"][name]["mean"] for name in ("mean_overlapping_area", "share_of_ceiling"))
    looping, repeated = (judged["loops"][name] for name in ("looping", "repeated_figures"))
    low, high = repeated["people"]["quartiles"]
    more = looping["generated"]["mean"] - looping["people"]["mean"]
    figures = [
        Figure("test pieces: mean overlapping area", area, least=0.92),
        Figure("test pieces: share of the human ceiling", share, least=0.97),
        Figure("test pieces: takes that end in a loop, generated - human", more, most=0.01),
        Figure("test pieces: repeated figures in human music, median", repeated["people"]["median"]),
        Figure(
            "test pieces: repeated figures, median", repeated["generated"]["median"], least=round(low, 3), most=round(high, 3)
        ),
    ]
    if judged["originality"] is not None:
        above = judged["originality"]["above_people_95"]["generated"]["mean"]
        figures.append(Figure("test pieces: takes that share longer passages than 95 % of human music", above, most=0.05))
    return figures


def row(sampling: Any, judged: dict[str, Any]) -> str:
    """One line of the table."""
    return f"| diversity {sampling.diversity:g}, top-p {sampling.top_p:g} | {' | '.join(cells(judged, 'generated'))} |"


def human_row(judged: dict[str, Any]) -> str:
    """The last line: human music."""
    return f"| human music | {' | '.join(cells(judged, 'people'))} |"


def cells(judged: dict[str, Any], side: str) -> list[str]:
    """The scores of one side as text."""
    share = judged["musicality"]["share_of_ceiling"]["mean"] if side == "generated" else 1.0
    shared_passage = judged["originality"]
    above = "–" if shared_passage is None else f"{100 * shared_passage['above_people_95'][side]['mean']:.0f} %"
    return [
        f"{share:.3f}",
        f"{100 * judged['loops']['looping'][side]['mean']:.0f} %",
        f"{judged['loops']['repeated_figures'][side]['median']:.3f}",
        above,
        f"{judged['musicality']['features']['notes_per_bar'][side]['mean']:.1f}",
    ]


def draw(judged: Sequence[dict[str, Any]], diversities: Sequence[float], default: float) -> None:
    """Four curves over diversity; human music as a dashed line where there is one, its middle half shaded."""
    import matplotlib as mpl
    from matplotlib.figure import Figure as Picture

    with mpl.rc_context({"svg.hashsalt": "musiclstm", "font.size": 9}):
        picture = Picture(figsize=(9, 5.5), layout="constrained")
        share, repeated, looping, shared_passage = picture.subplots(2, 2).ravel()

        def plot(axes: Any, values: Sequence[float]) -> None:
            axes.plot(diversities, values, color=GENERATED, marker="o")

        share.set_title("musicality, share of the human ceiling")
        plot(share, [j["musicality"]["share_of_ceiling"]["mean"] for j in judged])
        share.axhline(1.0, color=HUMAN, linestyle="--")
        repeated.set_title("share of repeated 4-note figures, median")
        plot(repeated, [j["loops"]["repeated_figures"]["generated"]["median"] for j in judged])
        repeated.axhspan(*judged[0]["loops"]["repeated_figures"]["people"]["quartiles"], color=HUMAN, alpha=0.15)
        looping.set_title("takes that end in a loop")
        plot(looping, [j["loops"]["looping"]["generated"]["mean"] for j in judged])
        looping.axhline(judged[0]["loops"]["looping"]["people"]["mean"], color=HUMAN, linestyle="--")
        shared_passage.set_title("longest passage shared with a known piece, notes")
        if all(j["originality"] is not None for j in judged):
            lengths = [j["originality"]["longest"]["generated"]["mean"] for j in judged]
            plot(shared_passage, lengths)
            shared_passage.axhline(judged[0]["originality"]["longest"]["people"]["mean"], color=HUMAN, linestyle="--")
        for axes in (share, repeated, looping, shared_passage):
            axes.axvline(default, color="0.6", linewidth=0.8)
            axes.grid(alpha=0.3)
            axes.set_xlabel("diversity")
        picture.savefig(CURVES, format="svg", metadata={"Date": None})


if __name__ == "__main__":
    verdict = {"type": int, "default": 200, "help": "passages of the test pieces, at the defaults"}
    run(__doc__, measure, passages=48, more={"--verdict": verdict})
