"""The model card: measured facts, put into card.md, become the README.md of a checkpoint folder with the Hub's metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from string import Template
from typing import Any

from musiclstm.seeds import Seed

_KNOWN = Template("""
`originality.npz` keeps hashes of every $n consecutive steps and intervals of $known training pieces, no notes. With them the
program finds the longest passage that a continuation shares note for note with one of these pieces, in any key and however
long the notes are held, and names the piece.""")
_PEOPLE = Template(""" People borrow too: of $passages passages of $bars bars from held-out pieces, half
share at most $at_50 notes in a row with a training piece, three quarters at most $at_75, 95 of 100 at most $at_95.""")


@dataclass(frozen=True)
class Credit:
    """Where training data comes from: its name, its authors or site, and its licence, in plain words."""

    data: str
    source: str
    licence: str


def model_card(name: str, metrics: Mapping[str, Any], credit: Credit, composers: Mapping[str, int], seeds: Sequence[Seed]) -> str:
    """The card as Markdown. ``metrics`` as ``packaging.measured`` gives them; ``composers`` counts pieces by composer.

    Nothing is claimed that was not measured.
    """
    test, training = metrics["test"], metrics["training"]
    pieces, notes, options = training["pieces"], training["notes"], training["options"]
    named = sorted(composers.items(), key=lambda item: (-item[1], item[0]))
    facts = {
        "name": name,
        "quoted_name": json.dumps(name, ensure_ascii=False),
        "licence_name": json.dumps(f"weights Apache-2.0, training data {credit.licence}", ensure_ascii=False),
        "dataset_name": json.dumps(f"{credit.data}, pieces held out by work", ensure_ascii=False),
        "bits_per_note": test["bits_per_note"],
        "bits_per_quarter": test["bits_per_quarter"],
        "pitch_accuracy": test["accuracy"]["pitch"],
        "parameters": f"{metrics['parameters']:,}",
        "data": credit.data,
        "source": credit.source,
        "licence": credit.licence,
        "pieces": sum(pieces.values()),
        "notes": f"{sum(notes.values()):,}",
        **{side: f"{pieces[side]} pieces ({notes[side]:,} notes)" for side in ("train", "validation", "test")},
        "composers": ", ".join(f"{composer} {count}" for composer, count in named) or "unknown",
        "figures": "\n".join(_figures(side, metrics[side]) for side in ("test", "validation")),
        "epochs": training["epochs"],
        "best_epoch": training["best_epoch"],
        "minutes": f"{training['minutes']:.0f}",
        "machine": training["machine"],
        **{key: f"{options[key]:g}" for key in ("transpose", "window", "lanes", "learning_rate", "random_seed")},
        "originality": _originality(metrics.get("originality")),
        "seeds": "\n".join(f"- {seed.composer}: {seed.title} ({seed.source}; {seed.licence})" for seed in seeds) or "none",
        "first_seed": seeds[0].id if seeds else "my-own.mid",
    }
    return Template((files("musiclstm") / "card.md").read_text(encoding="utf-8")).substitute(facts)


def _originality(shared: Mapping[str, Any] | None) -> str:
    """What the checkpoint knows of its training pieces, and how much people share with these."""
    if shared is None:
        return "Not measured for this checkpoint."
    people = "" if not shared["passages"] else _PEOPLE.substitute(shared, **{f"at_{k}": v for k, v in shared["people"].items()})
    return (_KNOWN.substitute(shared) + people).strip()


def _figures(side: str, summary: Mapping[str, Any]) -> str:
    """One row of the table of figures."""
    new = summary["new_material"]
    accuracies = " | ".join(f"{summary['accuracy'][stream]:.1%}" for stream in ("pitch", "step", "duration"))
    return (
        f"| {side}, {summary['pieces']} pieces | {summary['notes']:,} | {summary['bits_per_note']:.3f} | "
        f"{summary['bits_per_quarter']:.2f} | {new['bits_per_note']:.3f} ({new['share']:.0%}) | {accuracies} |"
    )
