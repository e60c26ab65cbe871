"""The sentences on the page, as text or small pieces of HTML. Nothing here plays or draws."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from html import escape
from typing import Any

import numpy as np

from musiclstm import limits
from musiclstm.checkpoint import Checkpoint
from musiclstm.errors import MusicLSTMError
from musiclstm.formats import Part
from musiclstm.generation import Composition, Take
from musiclstm.music import Key, Performance, Piece, bar_lines, estimate_key, key_name, named_like
from musiclstm.render.sheet import Sheet
from musiclstm.seeds import Seed
from musiclstm.ui.results import Result, Shown
from musiclstm.ui.session import OWN, OwnMusic

OWN_FILES = "<p>A MIDI, MusicXML, kern or ABC file, up to 10 MB.</p>"
CHECK = "<p>Writes this version again from its recipe, and compares the notes.</p>"
DUET = "Duet"  # the title of what a visitor and the model played by turns
_AS_DENSE = "about as dense"
_LEAST_NOTES_FOR_A_KEY = 24  # fewer notes fit several keys

# The terms in a take's heading and story, explained one click away.
_GLOSSARY = {
    "Diversity": "How freely the model chooses: the sampling temperature. Below 1 it prefers likely notes, above 1 it takes "
    "risks.",
    "Random seed": "The number behind every random choice. The same number with the same settings gives the same version.",
    "Key": "The major or minor key that fits the notes best. “Nearly all notes fit” means at least 95 %; “some notes lie "
    "outside” means 5 to 15 %.",
    "Density": "Notes per bar, compared with the opening.",
    "Loop guard": "When a figure or phrase has come back too often, the guard holds back the notes that would repeat it and "
    "makes the next ones more daring, until the music moves on.",
    "Longest shared passage": "The most notes in a row, in any key, that also occur in a known piece: one the model was trained "
    "on, or the work of an opening. Human music in this style shares passages too: its figure comes from pieces that were kept "
    "out of training.",
    "The best version": "The one that follows its opening most like human continuations do, in rhythm, register, harmony and "
    "repetition.",
}


def seed_choices(seeds: Iterable[Seed], own: OwnMusic | None = None) -> list[tuple[str, str]]:
    """(label, id) of each seed: the visitor's own music first, then the rest by the composer's surname and by title."""
    seeds = tuple(seeds)
    mine = [] if own is None else [(f"Yours · {own.seed.title}", OWN)]
    sharing = Counter(surname for surname, _ in {(seed.surname, seed.composer) for seed in seeds})

    def label(seed: Seed) -> str:
        composer = seed.composer if sharing[seed.surname] > 1 else seed.surname
        return f"{composer} · {seed.title}" if composer else seed.title

    def place(seed: Seed) -> tuple[bool, str, str, str]:
        return not seed.composer, _plain(seed.surname), _plain(seed.composer), _plain(seed.title)

    return mine + [(label(seed), seed.id) for seed in sorted(seeds, key=place)]


def seed_facts(seed: Seed, performance: Performance) -> str:
    """A seed's key, metre, tempo and bars, and the work it comes from."""
    bars = f"bars {seed.bars[0]}–{seed.bars[1]}"
    facts = " · ".join(escape(fact) for fact in (seed.key, seed.metre, f"♩ = {performance.tempo or seed.tempo:g}", bars))
    work = " · ".join(escape(fact) for fact in dict.fromkeys((seed.composer, seed.work)) if fact)
    return f"<p><b>{facts}</b><br>{work}</p>"


def own_facts(own: OwnMusic) -> str:
    """What the program read in the visitor's file, and which part of it is the seed."""
    seed, piece = own.seed, own.piece
    facts = f"{seed.key} · {seed.metre} · ♩ = {seed.tempo:g}"
    notes = counted(len(seed.piece), "note") if len(seed.piece) < len(piece) else f"all {counted(len(piece), 'note')}"
    bars = f"bars {seed.bars[0]}–{seed.bars[1]} of {own.bars}"
    rules = f"Choose up to {limits.SEED_BARS} bars. Percussion is left out."
    return f"<p><b>{escape(facts)}</b><br>Your opening: {bars}, with {notes}. {rules}</p>"


def own_trouble(error: MusicLSTMError) -> str:
    """Why a file can't be an opening."""
    return f'<p class="trouble">{escape(str(error))}</p>'


def part_names(parts: Sequence[Part]) -> list[tuple[str, int]]:
    """(label, number) of each part of a file."""
    return [(f"{part.name or part.instrument} · {counted(part.notes, 'note')}", part.number) for part in parts]


def titled(piece: Piece, title: str = "Played by you") -> Piece:
    """What a visitor played, with a title."""
    return replace(piece, title=title)


def take_heading(composition: Composition) -> str:
    """The heading above a take: the seed, and the settings that made the take."""
    request = composition.request
    bars = composition.bars + (request.edits.deleted if composition.finished and request.edits is not None else 0)
    new = counted(bars, "new bar")
    if request.after is not None:
        new = f"{counted(bars, 'new bar')} ({bars - request.after.bars} of them by extending)"
        if request.after.phrase is not None:
            opening = len(bar_lines(composition.seed, composition.split)) - 1
            new = f"{opening + bars} bars, turn by turn: yours are blue"
    if request.regenerate is not None:
        last = request.regenerate + request.bars - 1
        new = f"bar {last} written anew" if request.bars == 1 else f"bars {request.regenerate}–{last} written anew"
    if request.edits is not None and request.edits.deleted:
        new += f", then {request.edits.deleted} deleted"
    settings = [new, f"diversity {request.sampling.diversity:g}", f"random seed {request.random_seed}"]
    if request.performance.transposition:
        settings.append(f"transposed by {request.performance.transposition:+d}")
    return f"<h2>{escape(_named(request.seed))}</h2><p>{' · '.join(settings)}</p>"


def waiting_heading(seed: Seed) -> str:
    """The heading before the first take."""
    return f"<h2>{escape(_named(seed))}</h2><p>Press Generate, and the model takes it from here.</p>"


def take_story(shown: Shown, checkpoint: Checkpoint) -> str:
    """How a take turned out, in a few sentences, with an explanation of the terms."""
    composition, take = shown.composition, shown.take
    sentences = [take_sentences(composition, take), _loop_sentence(take), _shared_sentence(take, checkpoint)]
    explained = "".join(f"<dt>{term}</dt><dd>{meaning}</dd>" for term, meaning in _GLOSSARY.items())
    return (
        f"<p>{escape(' '.join(sentence for sentence in sentences if sentence))}</p>"
        f"<details><summary>What do these words mean?</summary><dl>{explained}</dl></details>"
    )


def take_sentences(composition: Composition, take: Take) -> str:
    """Length and density compared with the seed, then the key and how closely the take keeps to it."""
    density, seed = _density(composition, take), composition.request.seed
    size = f"{counted(composition.bars, 'bar')} with {counted(len(take.continuation), 'note')}"
    said = f"{size}, {density} {'as' if density == _AS_DENSE else 'than'} the opening."
    if len(take.continuation) >= _LEAST_NOTES_FOR_A_KEY:
        sounding, opening = (composition.request.performance.played(each) for each in (take.continuation, seed.piece))
        key = named_like(estimate_key(sounding)[0], opening.key)
        moved = composition.request.performance.transposition % 12 != 0
        name, home = key_name(key), key_name(opening.key or estimate_key(opening)[0]) if moved else seed.key
        said += f" It is in {name}, like the opening." if name == home else f" It is in {name}; the opening is in {home}."
        said += f" {_steadiness(sounding, key)} {name}."
    return said


def _loop_sentence(take: Take) -> str:
    if not take.loops:
        return ""
    often = {1: "once", 2: "twice"}.get(take.loops, f"{take.loops} times")
    return f"The loop guard stepped in {often}, where the music began to go round in circles."


def _shared_sentence(take: Take, checkpoint: Checkpoint) -> str:
    """The longest passage shared with a known piece, compared with the median of human music."""
    shared_passage = take.shared_passage
    if shared_passage is None:
        return ""
    human = checkpoint.metrics.get("originality", {}).get("people", {}).get("50")
    compared = f" (human music typically shares {human})" if human is not None else ""
    if not shared_passage.notes:
        return f"It shares no passage with a known piece{compared}."
    return (
        f"Longest passage shared with a known piece: {counted(shared_passage.notes, 'note')} of {shared_passage.title}{compared}."
    )


def cards(result: Result, rolls: Sequence[str]) -> str:
    """A card for each of several takes, with its piano roll and figures; the chosen one is marked. "" for a single take."""
    if len(result.takes) < 2:
        return ""
    made = []
    for index, (shown, roll) in enumerate(zip(result.takes, rolls, strict=True)):
        chosen = "true" if index == result.chosen else "false"
        figures = [counted(len(shown.take.continuation), "note"), _density(shown.composition, shown.take)]
        if shown.take.loops:
            figures.append(f"loop guard {shown.take.loops}×")
        if shown.take.shared_passage is not None:
            figures.append(f"shares {counted(shown.take.shared_passage.notes, 'note')}")
        made.append(
            f'<div><button type="button" class="card" data-take="{index}" aria-pressed="{chosen}"><b>{escape(shown.label)}</b>'
            f"{roll}<span>{escape(' · '.join(figures))}</span></button>{_preference(result, index)}</div>"
        )
    return f'<div class="cards">{"".join(made)}</div>'


def _preference(result: Result, index: int) -> str:
    """The button that says which version a visitor prefers; pressed once, it stays."""
    mine = result.preferred == index
    words, pressed = ("You prefer this version", "true") if mine else ("I prefer this version", "false")
    state = "" if result.preferred is None else " disabled"
    return f'<button type="button" class="prefer" data-prefer="{index}" aria-pressed="{pressed}"{state}>{words}</button>'


def take_names(result: Result) -> list[tuple[str, int]]:
    """(label, index) of each take, for the radio buttons."""
    return [(shown.label, index) for index, shown in enumerate(result.takes)]


def sheet_page(sheet: Sheet) -> str:
    """Sheet music for the page, with the ticks between which each note sounds, for the script."""
    clock = " ".join(f"{name}:{onset}:{end}" for name, onset, end in sheet.notes)
    return f'<div class="sheet" data-notes="{escape(clock)}">{sheet.svg}</div>'


def history_name(shown: Shown) -> str:
    """One line in the list of earlier results."""
    composition = shown.composition
    return (
        f"{_named(composition.request.seed)}, {counted(composition.bars, 'bar')}, random seed {composition.request.random_seed}"
    )


def progress(message: str, share: float | None = None) -> str:
    """A status line; with a ``share`` from 0 to 1 there is a progress bar below it."""
    bar = "" if share is None else f'<span class="bar"><span style="width:{100 * min(1.0, max(0.0, share)):.0f}%"></span></span>'
    return f'<p role="status">{escape(message)}</p>{bar}'


def growing(roll: str) -> str:
    """A roll that is still growing. The style sheet and the script recognise it by its class."""
    return f'<div class="growing">{roll}</div>'


def for_the_script(facts: dict[str, Any]) -> str:
    """Facts that the page's script reads, and the visitor doesn't see."""
    return f'<i hidden data-facts="{escape(json.dumps(facts))}"></i>'


def notice(sentence: str) -> str:
    """A notice for the visitor, such as why there is no sound."""
    return f"<p>{escape(sentence)}</p>"


def masthead(checkpoint: Checkpoint, note: str = "") -> str:
    """The title, what the page does, the checkpoint with its revision, and a ``note`` if it is not the requested one."""
    playing = f"{escape(checkpoint.name)} @ {escape(checkpoint.revision)}"
    return (
        "<div><h1>musiclstm</h1><p>Pick a classical opening, and an LSTM writes what comes next.</p></div>"
        f'<p class="playing" title="The checkpoint and its revision">Checkpoint: <b>{playing}</b>'
        f"{f'<br><span>{escape(note)}</span>' if note else ''}</p>"
    )


def counted(number: int, what: str) -> str:
    """A number with its noun: 1 bar, 2 bars."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _named(seed: Seed) -> str:
    return f"{seed.surname} · {seed.title}" if seed.surname else seed.title


def _plain(text: str) -> str:
    """A key for sorting: lower case, without accents or punctuation."""
    letters = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in letters if letter.isalnum() or letter == " ")


def _steadiness(piece: Piece, key: Key) -> str:
    """How many notes belong to the key. A minor key has both its sixths and both its sevenths."""
    scale = {7 * place % 12 for place in range(key.fifths - 1, key.fifths + 6)}
    scale |= {(key.tonic + 9) % 12, (key.tonic + 11) % 12} if key.mode == "minor" else set()
    inside = float(np.isin(piece.notes["pitch"] % 12, list(scale)).mean())
    return "Nearly all notes fit" if inside >= 0.95 else "Some notes lie outside" if inside >= 0.85 else "Many notes lie outside"


def _density(composition: Composition, take: Take) -> str:
    """Notes per bar, compared with the seed."""
    bar = composition.seed.metre_at(composition.split).bar_ticks
    before = len(composition.seed) * bar / max(1, composition.split)
    after = len(take.continuation) / max(1, composition.bars)
    ratio = after / max(before, 1e-9)
    if ratio < 0.87:
        return "much sparser" if ratio < 0.65 else "a little sparser"
    if ratio > 1.15:
        return "much denser" if ratio > 1.5 else "a little denser"
    return _AS_DENSE
