"""The sentences on the page, as text or small pieces of HTML. Nothing here plays or draws."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from html import escape
from typing import Any

from musiclstm import limits
from musiclstm.checkpoint import Checkpoint
from musiclstm.errors import MusicLSTMError
from musiclstm.formats import Part
from musiclstm.generation import Composition
from musiclstm.music import Performance, Piece, bar_lines
from musiclstm.render.sheet import Sheet
from musiclstm.seeds import Seed
from musiclstm.sentence import Sentence
from musiclstm.ui import story
from musiclstm.ui.language import ENGLISH, Language, choice
from musiclstm.ui.results import Result, Shown
from musiclstm.ui.session import OWN, OwnMusic

DUET = "Duet"  # the title of what a visitor and the model played by turns
PLAYED = "Played by you"


def own_files(language: Language = ENGLISH) -> str:
    """What a visitor may upload."""
    return notice(language.say("A MIDI, MusicXML, kern or ABC file, up to 10 MB."))


def check_hint(language: Language = ENGLISH) -> str:
    """What the button Check does."""
    return notice(language.say("Writes this version again from its recipe, and compares the notes."))


def seed_choices(seeds: Iterable[Seed], own: OwnMusic | None = None, language: Language = ENGLISH) -> list[tuple[str, str]]:
    """(label, id) of each seed: the visitor's own music first, then the rest by the composer's surname and by title."""
    seeds = tuple(seeds)
    mine = [] if own is None else [(language.say("Yours · {title}", title=own.seed.title), OWN)]
    sharing = Counter(surname for surname, _ in {(seed.surname, seed.composer) for seed in seeds})

    def label(seed: Seed) -> str:
        composer = seed.composer if sharing[seed.surname] > 1 else seed.surname
        return f"{composer} · {seed.title}" if composer else seed.title

    def place(seed: Seed) -> tuple[bool, str, str, str]:
        return not seed.composer, _plain(seed.surname), _plain(seed.composer), _plain(seed.title)

    return mine + [(label(seed), seed.id) for seed in sorted(seeds, key=place)]


def seed_facts(seed: Seed, performance: Performance, language: Language = ENGLISH) -> str:
    """A seed's key, metre, tempo and bars, and the work it comes from."""
    bars = language.say("bars {first}–{last}", first=seed.bars[0], last=seed.bars[1])
    tempo = f"♩ = {language.number(performance.tempo or seed.tempo)}"
    facts = " · ".join(escape(fact) for fact in (language.say(seed.key), seed.metre, tempo, bars))
    work = " · ".join(escape(fact) for fact in dict.fromkeys((seed.composer, seed.work)) if fact)
    return f"<p><b>{facts}</b><br>{work}</p>"


def own_facts(own: OwnMusic, language: Language = ENGLISH) -> str:
    """What the program read in the visitor's file, and which part of it is the seed."""
    seed, piece = own.seed, own.piece
    facts = f"{language.say(seed.key)} · {seed.metre} · ♩ = {language.number(seed.tempo)}"
    low, high = own.numbers
    place = {"first": seed.bars[0], "last": seed.bars[1], "bars": high - low + 1}
    if len(seed.piece) < len(piece):
        cut = language.counted(
            "Your opening: bars {first}–{last} of {bars}, with {n} note.",
            "Your opening: bars {first}–{last} of {bars}, with {n} notes.",
            len(seed.piece),
            **place,
        )
    else:
        cut = language.counted(
            "Your opening: bars {first}–{last} of {bars}, with all {n} note.",
            "Your opening: bars {first}–{last} of {bars}, with all {n} notes.",
            len(piece),
            **place,
        )
    rules = language.say("Choose up to {bars} bars. Percussion is left out.", bars=limits.SEED_BARS)
    return f"<p><b>{escape(facts)}</b><br>{escape(cut)} {escape(rules)}</p>"


def own_trouble(error: MusicLSTMError, language: Language = ENGLISH) -> str:
    """Why a file can't be an opening."""
    return f'<p class="trouble">{escape(language.error(error))}</p>'


def part_names(parts: Sequence[Part], language: Language = ENGLISH) -> list[tuple[str, int]]:
    """(label, number) of each part of a file."""
    return [(f"{part.name or part.instrument} · {notes_of(part.notes, language)}", part.number) for part in parts]


def titled(piece: Piece, title: str = PLAYED) -> Piece:
    """What a visitor played, with a title."""
    return replace(piece, title=title)


def what_is_new(composition: Composition, language: Language = ENGLISH) -> str:
    """Which bars of a composition were written, and what was done with them by hand: "16 new bars"."""
    request = composition.request
    bars = composition.bars + (request.edits.deleted if composition.finished and request.edits is not None else 0)
    new = language.counted("{n} new bar", "{n} new bars", bars)
    if request.after is not None:
        extended = bars - request.after.bars
        new = language.counted(
            "{n} new bar ({extended} of them by extending)",
            "{n} new bars ({extended} of them by extending)",
            bars,
            extended=extended,
        )
        if request.after.phrase is not None:
            opening = len(bar_lines(composition.seed, composition.split)) - 1
            new = language.say("{bars} bars, turn by turn: yours are blue", bars=opening + bars)
    if request.numbers is not None:
        first, last = request.numbers
        new = language.say("bars {first}–{last} written anew", first=first, last=last)
        if request.bars == 1:
            new = language.say("bar {bar} written anew", bar=last)
    if request.edits is not None and request.edits.deleted:
        return language.say("{bars_written}, then {deleted} deleted", bars_written=new, deleted=request.edits.deleted)
    return new


def take_heading(composition: Composition, language: Language = ENGLISH) -> str:
    """The heading above a take: the seed, and the settings that made the take."""
    request, settings = composition.request, [what_is_new(composition, language)]
    settings.append(language.say("diversity {diversity:g}", diversity=request.sampling.diversity))
    settings.append(language.say("random seed {number}", number=request.random_seed))
    if request.performance.transposition:
        settings.append(language.say("transposed by {semitones}", semitones=f"{request.performance.transposition:+d}"))
    return f"<h2>{escape(named(request.seed, language))}</h2><p>{escape(' · '.join(settings))}</p>"


def waiting_heading(seed: Seed, language: Language = ENGLISH) -> str:
    """The heading before the first take."""
    hint = language.say("Press Generate, and the model takes it from here.")
    return f"<h2>{escape(named(seed, language))}</h2><p>{escape(hint)}</p>"


def cards(result: Result, rolls: Sequence[str], language: Language = ENGLISH) -> str:
    """A card for each of several takes, with its piano roll and figures; the chosen one is marked. "" for a single take."""
    if len(result.takes) < 2:
        return ""
    made = []
    for index, (shown, roll) in enumerate(zip(result.takes, rolls, strict=True)):
        chosen = "true" if index == result.chosen else "false"
        figures = [notes_of(len(shown.take.continuation), language), story.density(shown, language)]
        if shown.take.loops:
            figures.append(language.say("loop guard {times}×", times=shown.take.loops))
        if shown.take.shared_passage is not None:
            figures.append(language.counted("shares {n} note", "shares {n} notes", shown.take.shared_passage.notes))
        made.append(
            f'<div><button type="button" class="card" data-take="{index}" aria-pressed="{chosen}">'
            f"<b>{escape(language.say(shown.label))}</b>"
            f"{roll}<span>{escape(' · '.join(figures))}</span></button>{_preference(result, index, language)}</div>"
        )
    return f'<div class="cards">{"".join(made)}</div>'


def _preference(result: Result, index: int, language: Language) -> str:
    """The button that says which version a visitor prefers; pressed once, it stays."""
    mine = result.preferred == index
    words = language.say("You prefer this version") if mine else language.say("I prefer this version")
    pressed = "true" if mine else "false"
    state = "" if result.preferred is None else " disabled"
    return f'<button type="button" class="prefer" data-prefer="{index}" aria-pressed="{pressed}"{state}>{escape(words)}</button>'


def take_names(result: Result, language: Language = ENGLISH) -> list[tuple[str, int]]:
    """(label, index) of each take, for the radio buttons."""
    return [(language.say(shown.label), index) for index, shown in enumerate(result.takes)]


def sheet_page(sheet: Sheet) -> str:
    """A score for the page, with the ticks between which each note sounds, for the script."""
    clock = " ".join(f"{name}:{onset}:{end}" for name, onset, end in sheet.notes)
    return f'<div class="sheet" data-notes="{escape(clock)}">{sheet.svg}</div>'


def history_name(shown: Shown, language: Language = ENGLISH) -> str:
    """One line in the list of earlier results."""
    composition = shown.composition
    return language.counted(
        "{music}, {n} bar, random seed {number}",
        "{music}, {n} bars, random seed {number}",
        composition.bars,
        music=named(composition.request.seed, language),
        number=composition.request.random_seed,
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


def masthead(checkpoint: Checkpoint, note: str | Sentence = "", language: Language = ENGLISH) -> str:
    """The title, what the page does, the checkpoint with its revision, and a ``note`` if it is not the requested one."""
    playing = f"{escape(checkpoint.name)} @ {escape(checkpoint.revision)}"
    does = escape(language.say("Pick a classical opening, and an LSTM writes what comes next."))
    hint, told = escape(language.say("The checkpoint and its revision")), escape(language.say(note))
    own_tab = f'<a class="own-tab" href="." target="_blank" rel="noopener">{escape(language.say("Open in its own tab"))}</a>'
    return (
        f"<div><h1>musiclstm</h1><p>{does}</p></div>{own_tab}"
        f'<p class="playing" title="{hint}">{escape(language.say("Checkpoint"))}: <b>{playing}</b>'
        f"{f'<br><span>{told}</span>' if told else ''}</p>{choice(language)}"
    )


def notes_of(number: int, language: Language) -> str:
    """How many notes: 1 note, 2 notes."""
    return language.counted("{n} note", "{n} notes", number)


def named(seed: Seed, language: Language = ENGLISH) -> str:
    """The composer and the title."""
    title = title_of(seed, language)
    return f"{seed.surname} · {title}" if seed.surname else title


def title_of(seed: Seed, language: Language = ENGLISH) -> str:
    """The title, in the visitor's language if the program gave it."""
    return language.say(seed.title) if seed.title in (DUET, PLAYED) else seed.title


def _plain(text: str) -> str:
    """A key for sorting: lower case, without accents or punctuation."""
    letters = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in letters if letter.isalnum() or letter == " ")
