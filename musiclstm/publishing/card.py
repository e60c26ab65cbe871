"""The model card: card.md filled with measured facts, which becomes a checkpoint's README.md with the Hub's metadata."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from string import Template
from typing import Any

from musiclstm.seeds import Seed

_KNOWN = Template("""
`originality.npz` contains hashes of every $n consecutive steps and intervals of $known known pieces, but no notes: those that
the network was trained on, and the works that the seeds are from. With them the program finds the longest passage that a
continuation shares note for note with one of these pieces, in any key and with any durations, and names the piece.""")
_CRITIC = """
`critic.json` holds small networks that choose among several candidates while music is written. They learnt to tell human
continuations from the network's own continuations of the same seeds, in the training pieces and in the works of the seeds.
Validation and test pieces had no part in it.""".strip()
_HUMAN = Template(""" Human music shares passages too: of $passages passages of $bars bars from
held-out pieces, half share at most $at_50 notes in a row with a known piece, three quarters at most $at_75, and 95 % at most
$at_95.""")

_FINETUNING = Template("""
## Fine-tuned

Fine-tuned from $name ($origin), which learnt from $listed. All above is about the new music, but for the critic, the known pieces
and the openings: those of $name were kept, its critic too if it had one.

| held-out music | works | notes | bits per note before | after | change |
|---|---|---|---|---|---|
$rows

New music: the test pieces above. Old music: the openings of $name and what their composers wrote next, where that is known; no
training read them, neither the earlier one nor this one. Before and after are measured on the same notes. The change holds 95 %
of bootstrap samples that draw works; of fewer than five works only the change itself is known. So that it forgot less, it also
read $takes takes ($notes notes) that $name wrote after its openings.""")

BEGIN = "<!-- Written by musiclstm from here on; what you write above or below stays when a new version is pushed. -->"
END = "<!-- Written by musiclstm up to here. -->"
_FRONT = re.compile(r"---\r?\n(.*?)\r?\n---\r?\n?", re.DOTALL)
_KEY = re.compile(r"[A-Za-z_][\w-]*:")


@dataclass(frozen=True)
class Dataset:
    """The origin of training data: its short name in the collection, its full name, its authors or site, and its licence."""

    key: str
    name: str
    source: str
    licence: str


def model_card(
    name: str, metrics: Mapping[str, Any], datasets: Sequence[Dataset], composers: Mapping[str, int], seeds: Sequence[Seed]
) -> str:
    """The card as Markdown. ``metrics`` as from ``package.measured``; ``composers`` counts pieces by composer."""
    test, training = metrics["test"], metrics["training"]
    pieces, notes, options = training["pieces"], training["notes"], training["options"]
    names, licences = [dataset.name for dataset in datasets], list(dict.fromkeys(dataset.licence for dataset in datasets))
    named = sorted(composers.items(), key=lambda item: (-item[1], item[0]))
    facts = {
        "name": name,
        "quoted_name": json.dumps(name, ensure_ascii=False),
        "licence_name": json.dumps(f"weights Apache-2.0, training data {'; '.join(licences)}", ensure_ascii=False),
        "dataset_name": json.dumps(f"{' and '.join(names)}, pieces held out by work", ensure_ascii=False),
        "bits_per_note": test["bits_per_note"],
        "bits_per_quarter": test["bits_per_quarter"],
        "pitch_accuracy": test["accuracy"]["pitch"],
        "parameters": f"{metrics['parameters']:,}",
        "datasets": "\n".join(_dataset(dataset, training["datasets"].get(dataset.key, {})) for dataset in datasets),
        "pieces": sum(pieces.values()),
        "notes": f"{sum(notes.values()):,}",
        **{side: f"{pieces[side]} pieces ({notes[side]:,} notes)" for side in ("train", "validation", "test")},
        "seeds_side": f"{pieces['seeds']} pieces ({notes['seeds']:,} notes)",
        "composers": ", ".join(f"{composer} {count}" for composer, count in named) or "unknown",
        "figures": "\n".join(_figures(side, metrics[side]) for side in ("test", "validation")),
        "epochs": training["epochs"],
        "best_epoch": training["best_epoch"],
        "minutes": f"{training['minutes']:.0f}",
        "machine": training["machine"],
        **{key: f"{options[key]:g}" for key in ("transpose", "window", "lanes", "learning_rate", "random_seed")},
        "critic": _CRITIC if metrics.get("critic") else "This checkpoint has none: it writes one candidate of each phrase.",
        "originality": _originality(metrics.get("originality")),
        "seeds": "\n".join(f"- {seed.composer}: {seed.title} ({seed.source}; {seed.licence})" for seed in seeds) or "none",
        "first_seed": seeds[0].id if seeds else "my-own.mid",
    }
    return Template((files("musiclstm.publishing") / "card.md").read_text(encoding="utf-8")).substitute(facts)


def _dataset(dataset: Dataset, counts: Mapping[str, int]) -> str:
    """One row of the table of datasets."""
    return f"| {dataset.name} | {dataset.source} | {dataset.licence} | {counts.get('pieces', 0):,} | {counts.get('notes', 0):,} |"


def _originality(shared: Mapping[str, Any] | None) -> str:
    """What originality.npz contains, and how much held-out human music shares with the known pieces."""
    if shared is None:
        return "Not measured for this checkpoint."
    human = "" if not shared["passages"] else _HUMAN.substitute(shared, **{f"at_{k}": v for k, v in shared["people"].items()})
    return (_KNOWN.substitute(shared) + human).strip()


def _figures(side: str, summary: Mapping[str, Any]) -> str:
    """One row of the table of figures."""
    new = summary["new_material"]
    accuracies = " | ".join(f"{summary['accuracy'][stream]:.1%}" for stream in ("pitch", "step", "duration"))
    return (
        f"| {side}, {summary['pieces']} pieces | {summary['notes']:,} | {summary['bits_per_note']:.3f} | "
        f"{summary['bits_per_quarter']:.2f} | {new['bits_per_note']:.3f} ({new['share']:.0%}) | {accuracies} |"
    )


def with_finetuning(card: str, found: Mapping[str, Any], base: Mapping[str, Any]) -> str:
    """The card with what fine-tuning changed, ``found`` as from ``finetuning.compared``; ``base``: the metrics of the start."""
    counts = base.get("training", {}).get("datasets", {})
    listed = ", ".join(f"{name} ({each['pieces']:,} pieces)" for name, each in counts.items()) or "music that it does not name"
    rows = "\n".join(_compared(kind, found[kind]) for kind in ("new", "old") if kind in found)
    facts = {
        "name": found["from"],
        "notes": f"{found['memory']['notes']:,}",
        "takes": found["memory"]["takes"],
        "origin": found["origin"] or f"weights {found['weights'][:12]}",
        "listed": listed,
    }
    text = _FINETUNING.substitute(facts, rows=rows).strip()
    matter = front_matter(card)
    licence = json.loads(matter["license_name"].partition(":")[2])
    said = json.dumps(f"{licence}; before that, the training data of {found['from']}", ensure_ascii=False)
    matter["license_name"] = f"license_name: {said}"
    if found["origin"]:
        matter |= {"base_model": f"base_model: {found['origin'].partition('@')[0]}"}
        matter |= {"base_model_relation": "base_model_relation: finetune"}
    return with_sections(with_front_matter(card, matter), [text])


def _compared(kind: str, found: Mapping[str, Any]) -> str:
    """One row of the table of what fine-tuning changed."""
    low, high = found["change"]
    change = f"{low:+.3f} to {high:+.3f}" if low < high else f"{low:+.3f}"
    return f"| {kind} | {found['works']} | {found['notes']:,} | {found['before']:.3f} | {found['after']:.3f} | {change} |"


def with_sections(card: str, sections: Sequence[str]) -> str:
    """The card with ``sections`` appended to the text that the program wrote."""
    matter, above, body, below = _parts(card)
    if not body:  # a card of an earlier version, which did not mark its own text
        body, below = below, ""
    return _joined(matter, above, "\n\n".join([body, *sections]), below)


def merged(card: str, published: str) -> str:
    """The new ``card`` with what users added to the ``published`` one: text above and below the program's, other metadata."""
    matter, _, body, _ = _parts(card)
    theirs, above, _, below = _parts(published)
    return _joined(matter | {key: lines for key, lines in theirs.items() if key not in matter}, above, body, below)


def front_matter(card: str) -> dict[str, str]:
    """The metadata at the top of a README: for each key its lines, unchanged, beginning with the line of the key."""
    front = _FRONT.match(card)
    matter: dict[str, str] = {}
    for line in front[1].splitlines() if front else ():
        key = line.partition(":")[0] if _KEY.match(line) else next(reversed(matter), "")
        matter[key] = f"{matter[key]}\n{line}" if key in matter else line
    return matter


def with_front_matter(card: str, matter: Mapping[str, str]) -> str:
    """The README with its metadata replaced."""
    return "\n".join(["---", *matter.values(), "---", _text(card)])


def _text(card: str) -> str:
    front = _FRONT.match(card)
    return card[front.end() :] if front else card


def _parts(card: str) -> tuple[dict[str, str], str, str, str]:
    """Metadata by key, the text above the program's text, the program's text, and the text below it."""
    matter, text = front_matter(card), _text(card)
    above, begun, rest = text.partition(BEGIN)
    body, ended, below = rest.partition(END)
    # The user's text if the program did not write the card: it goes below.
    return (matter, above.strip(), body.strip(), below.strip()) if begun and ended else (matter, "", "", text.strip())


def _joined(matter: Mapping[str, str], above: str, body: str, below: str) -> str:
    front = "\n".join(["---", *matter.values(), "---"])
    return "\n\n".join(part for part in (front, above, BEGIN, body, END, below) if part) + "\n"
