"""The page's words: labels, sentences and small pieces of HTML. Pure text, nothing that plays or draws."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from html import escape

from musiclstm.checkpoint import Checkpoint
from musiclstm.compose import Composition, Take
from musiclstm.curation import estimate_key, key_name
from musiclstm.notes import Piece
from musiclstm.seeds import Seed

_LEAST_NOTES_FOR_A_KEY = 24  # fewer notes than that fit several keys


def seed_choices(seeds: Iterable[Seed]) -> list[tuple[str, str]]:
    """(label, id) of each seed, grouped by composer: composers by surname, each one's pieces together."""
    seeds = tuple(seeds)
    bearers = Counter(surname for surname, _ in {(_surname(seed.composer), seed.composer) for seed in seeds})

    def label(seed: Seed) -> str:
        surname = _surname(seed.composer)
        composer = seed.composer if bearers[surname] > 1 else surname
        return f"{composer} · {seed.title}" if composer else seed.title

    def place(seed: Seed) -> tuple[bool, str, str, str]:
        return not seed.composer, _plain(_surname(seed.composer)), _plain(seed.composer), _plain(seed.title)

    return [(label(seed), seed.id) for seed in sorted(seeds, key=place)]


def seed_facts(seed: Seed, tempo: float | None = None) -> str:
    """Key, metre, tempo and length of a seed, and where it comes from."""
    bars = f"bars {seed.bars[0]}–{seed.bars[1]}"
    facts = " · ".join(escape(fact) for fact in (seed.key, seed.metre, f"♩ = {tempo or seed.tempo:g}", bars))
    work = " · ".join(escape(fact) for fact in dict.fromkeys((seed.composer, seed.work)) if fact)
    return f"<p><b>{facts}</b><br>{work}</p>"


def take_heading(composition: Composition) -> str:
    """What stands above a take: the music it continues, and the settings that made it."""
    request = composition.request
    settings = [
        counted(composition.bars, "new bar"),
        f"diversity {request.sampling.diversity:g}",
        f"random seed {request.random_seed}",
    ]
    return f"<h2>{escape(_named(request.seed))}</h2><p>{' · '.join(settings)}</p>"


def waiting_heading(seed: Seed) -> str:
    """What stands there before the first take."""
    return f"<h2>{escape(_named(seed))}</h2><p>Press Generate, and the model writes on from here.</p>"


def take_sentence(composition: Composition, take: Take) -> str:
    """How a take came out: length, key, density beside the seed's, what the loop guard did."""
    said = f"{counted(composition.bars, 'bar')} with {counted(len(take.continuation), 'note')}"
    if key := _heard_key(take.continuation):
        home = composition.request.seed.key
        said += f", in {key} like the seed" if key == home else f", in {key} after a seed in {home}"
    said += f", {_density(composition, take)}."
    if take.loops:
        often = "once" if take.loops == 1 else f"{take.loops} times"
        said += f" The loop guard stepped in {often}, where the music began to circle."
    return f"<p>{escape(said)}</p>"


def progress(said: str, share: float | None = None) -> str:
    """A line of text, above a bar that is full at ``share`` 1.0 if one is given."""
    bar = "" if share is None else f'<span class="bar"><span style="width:{100 * min(1.0, max(0.0, share)):.0f}%"></span></span>'
    return f'<p role="status">{escape(said)}</p>{bar}'


def growing(roll: str) -> str:
    """A roll that is being written; the style sheet and the script know it by its class."""
    return f'<div class="growing">{roll}</div>'


def notice(sentence: str) -> str:
    """Something a visitor should know, such as why there is no sound."""
    return f"<p>{escape(sentence)}</p>"


def masthead(checkpoint: Checkpoint, note: str = "") -> str:
    """The page's name, what it does, which checkpoint and revision plays, and why if it is not the one asked for."""
    playing = f"{escape(checkpoint.name)} @ {escape(checkpoint.revision)}"
    return (
        "<div><h1>musiclstm</h1><p>An LSTM continues a classical opening.</p></div>"
        f'<p class="playing" title="The checkpoint and its revision">plays: <b>{playing}</b>'
        f"{f'<br><span>{escape(note)}</span>' if note else ''}</p>"
    )


def counted(number: int, what: str) -> str:
    """A number and its noun: 1 bar, 2 bars."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _named(seed: Seed) -> str:
    surname = _surname(seed.composer)
    return f"{surname} · {seed.title}" if surname else seed.title


def _surname(composer: str) -> str:
    """The last word of a name, with "van", "de" and the like left to its first names."""
    return composer.rsplit(maxsplit=1)[-1] if composer.split() else ""


def _plain(text: str) -> str:
    """For sorting: lower case without accents or quotation marks."""
    letters = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in letters if letter.isalnum() or letter == " ")


def _heard_key(piece: Piece) -> str:
    return key_name(estimate_key(piece)[0]) if len(piece) >= _LEAST_NOTES_FOR_A_KEY else ""


def _density(composition: Composition, take: Take) -> str:
    """Notes a bar, beside the seed's."""
    bar = composition.seed.metre_at(composition.split).bar_ticks
    before = len(composition.seed) * bar / max(1, composition.split)
    after = len(take.continuation) / max(1, composition.bars)
    ratio = after / max(before, 1e-9)
    if ratio < 0.87:
        return "much sparser" if ratio < 0.65 else "a little sparser"
    if ratio > 1.15:
        return "much denser" if ratio > 1.5 else "a little denser"
    return "about as dense"
