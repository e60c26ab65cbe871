"""The page's words: labels, sentences and small pieces of HTML. Pure text, nothing that plays or draws."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from musiclstm.checkpoint import Checkpoint
from musiclstm.generation import Composition, Take
from musiclstm.music import Key, Piece, estimate_key, key_name
from musiclstm.render.sheet import Sheet
from musiclstm.seeds import Seed
from musiclstm.ui.results import Result, Shown
from musiclstm.ui.session import OWN, OwnMusic

_LEAST_NOTES_FOR_A_KEY = 24  # fewer notes than that fit several keys


def seed_choices(seeds: Iterable[Seed], own: OwnMusic | None = None) -> list[tuple[str, str]]:
    """(label, id) of each seed, grouped by composer: composers by surname, each one's pieces together; one's own music first."""
    seeds = tuple(seeds)
    mine = [] if own is None else [(f"Yours · {own.seed.title}", OWN)]
    bearers = Counter(surname for surname, _ in {(_surname(seed.composer), seed.composer) for seed in seeds})

    def label(seed: Seed) -> str:
        surname = _surname(seed.composer)
        composer = seed.composer if bearers[surname] > 1 else surname
        return f"{composer} · {seed.title}" if composer else seed.title

    def place(seed: Seed) -> tuple[bool, str, str, str]:
        return not seed.composer, _plain(_surname(seed.composer)), _plain(seed.composer), _plain(seed.title)

    return mine + [(label(seed), seed.id) for seed in sorted(seeds, key=place)]


def seed_facts(seed: Seed, tempo: float | None = None) -> str:
    """Key, metre, tempo and length of a seed, and where it comes from."""
    bars = f"bars {seed.bars[0]}–{seed.bars[1]}"
    facts = " · ".join(escape(fact) for fact in (seed.key, seed.metre, f"♩ = {tempo or seed.tempo:g}", bars))
    work = " · ".join(escape(fact) for fact in dict.fromkeys((seed.composer, seed.work)) if fact)
    return f"<p><b>{facts}</b><br>{work}</p>"


def own_facts(own: OwnMusic) -> str:
    """What was understood of the visitor's own file."""
    seed, piece = own.seed, own.piece
    used = f"{counted(len(seed.piece), 'note')} in bars {seed.bars[0]}–{seed.bars[1]} of {own.bars} are the seed"
    known = f"{seed.key}, {seed.metre}, ♩ = {seed.tempo:g}"
    left_out = "" if len(seed.piece) < len(piece) else " (all of it)"
    return f"<p>Understood: <b>{escape(known)}</b>; {escape(used)}{left_out}. Percussion is left out.</p>"


def take_heading(composition: Composition) -> str:
    """What stands above a take: the music it continues, and the settings that made it."""
    request = composition.request
    new = counted(composition.bars, "new bar")
    if request.after is not None:
        new = f"{counted(composition.bars, 'new bar')} ({composition.bars - request.after.bars} of them by extending)"
    settings = [new, f"diversity {request.sampling.diversity:g}", f"random seed {request.random_seed}"]
    if request.transposition:
        settings.append(f"transposed by {request.transposition:+d}")
    return f"<h2>{escape(_named(request.seed))}</h2><p>{' · '.join(settings)}</p>"


def waiting_heading(seed: Seed) -> str:
    """What stands there before the first take."""
    return f"<h2>{escape(_named(seed))}</h2><p>Press Generate, and the model writes on from here.</p>"


def take_story(shown: Shown, checkpoint: Checkpoint) -> str:
    """How a take came out, in two sentences; each figure is explained one click away."""
    composition, take = shown.composition, shown.take
    parts = [take_sentence(composition, take), _loop_sentence(take), _shared_sentence(take, checkpoint)]
    return (
        f"<p>{escape(' '.join(part for part in parts if part))}</p>"
        "<details><summary>What do these words mean?</summary><dl>"
        "<dt>Key</dt><dd>The major or minor key that fits the notes best. Steady: nearly all notes belong to it.</dd>"
        "<dt>Density</dt><dd>Notes in a bar, beside the seed's.</dd>"
        "<dt>Loop guard</dt><dd>When a figure or a phrase comes round once too often, the guard holds back what would continue "
        "it and makes the next notes more daring, until the music moves on.</dd>"
        "<dt>Longest shared passage</dt><dd>The most notes in a row, in any key, that also stand in one of the pieces the model "
        "learnt from. People who write in this style share some too: their figure is that of the pieces held back from "
        "learning.</dd>"
        "<dt>The best take</dt><dd>The one that relates to its seed most as people's continuations relate to theirs, in rhythm, "
        "register, harmony and repetition.</dd></dl></details>"
    )


def take_sentence(composition: Composition, take: Take) -> str:
    """Length, key and how steadily it is kept, density beside the seed's."""
    said = f"{counted(composition.bars, 'bar')} with {counted(len(take.continuation), 'note')}"
    if len(take.continuation) >= _LEAST_NOTES_FOR_A_KEY:
        key = estimate_key(take.continuation)[0]
        name, home = key_name(key), composition.request.seed.key
        said += f", in {name} like the seed" if name == home else f", in {name} after a seed in {home}"
        said += f" ({_steadiness(take.continuation, key)})"
    return f"{said}, {_density(composition, take)}."


def _loop_sentence(take: Take) -> str:
    if not take.loops:
        return ""
    often = "once" if take.loops == 1 else f"{take.loops} times"
    return f"The loop guard stepped in {often}, where the music began to circle."


def _shared_sentence(take: Take, checkpoint: Checkpoint) -> str:
    """The longest passage shared with a known piece, beside people's."""
    shared_passage = take.shared_passage
    if shared_passage is None:
        return ""
    people = checkpoint.metrics.get("originality", {}).get("people", {}).get("50")
    beside = f" (people share {people})" if people is not None else ""
    if not shared_passage.notes:
        return f"It shares no passage with a known piece{beside}."
    return (
        f"Longest passage shared with a known piece: {counted(shared_passage.notes, 'note')} of {shared_passage.title}{beside}."
    )


def cards(result: Result, rolls: Sequence[str]) -> str:
    """Several takes beside each other: each one's picture and figures, the chosen one marked; "" for a single take."""
    if len(result.takes) < 2:
        return ""
    made = []
    for index, (shown, roll) in enumerate(zip(result.takes, rolls, strict=True)):
        chosen = "true" if index == result.chosen else "false"
        figures = [counted(len(shown.take.continuation), "note"), _density(shown.composition, shown.take)]
        if shown.take.loops:
            figures.append(f"guard {shown.take.loops}×")
        if shown.take.shared_passage is not None:
            figures.append(f"shares {shown.take.shared_passage.notes}")
        made.append(
            f'<button type="button" class="card" data-take="{index}" aria-pressed="{chosen}"><b>{escape(shown.label)}</b>'
            f"{roll}<span>{escape(' · '.join(figures))}</span></button>"
        )
    return f'<div class="cards">{"".join(made)}</div>'


def take_names(result: Result) -> list[tuple[str, int]]:
    """(label, place) of each take, for choosing one."""
    return [(shown.label, place) for place, shown in enumerate(result.takes)]


def sheet_page(sheet: Sheet) -> str:
    """Sheet music for the page; the script finds in it which note sounds when."""
    clock = " ".join(f"{name}:{onset}:{end}" for name, onset, end in sheet.notes)
    return f'<div class="sheet" data-notes="{escape(clock)}">{sheet.svg}</div>'


def history_name(shown: Shown) -> str:
    """A line in the list of earlier results."""
    composition = shown.composition
    return (
        f"{_named(composition.request.seed)}, {counted(composition.bars, 'bar')}, random seed {composition.request.random_seed}"
    )


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


def _steadiness(piece: Piece, key: Key) -> str:
    """How much of the music belongs to the scale of its key; of a minor key both sevenths and sixths do."""
    tonic = (7 * key.fifths + (9 if key.mode == "minor" else 0)) % 12
    scale = {0, 2, 3, 5, 7, 8, 9, 10, 11} if key.mode == "minor" else {0, 2, 4, 5, 7, 9, 11}
    inside = float(np.isin((piece.notes["pitch"].astype(int) - tonic) % 12, list(scale)).mean())
    return "steadily" if inside >= 0.95 else "with some notes from outside" if inside >= 0.85 else "wandering"


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
