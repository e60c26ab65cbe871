"""How a take turned out, in words: its length and density, its key, loops, and what it shares with known pieces."""

from __future__ import annotations

from html import escape

import numpy as np

from musiclstm.checkpoint import Checkpoint
from musiclstm.generation import Composition, Take
from musiclstm.music import Key, Piece, estimate_key, key_name, named_like
from musiclstm.sentence import Sentence, counted, sentence
from musiclstm.ui.language import ENGLISH, Language
from musiclstm.ui.results import Shown

_LEAST_NOTES_FOR_A_KEY = 24  # fewer notes fit several keys

# The terms in a take's heading and story, explained one click away.
_GLOSSARY = (
    (
        sentence("Diversity"),
        sentence(
            "How freely the model chooses: the sampling temperature. Below 1 it prefers likely notes, above 1 it takes risks."
        ),
    ),
    (
        sentence("Random seed"),
        sentence("The number behind every random choice. The same number with the same settings gives the same version."),
    ),
    (
        sentence("Key"),
        sentence(
            "The major or minor key that fits the notes best. “Nearly all notes fit” means at least 95 %; “some notes lie "
            "outside” means 5 to 15 %."
        ),
    ),
    (sentence("Density"), sentence("Notes per bar, compared with the opening.")),
    (
        sentence("Loop guard"),
        sentence(
            "When a figure or phrase has come back too often, the guard holds back the notes that would repeat it and makes the "
            "next ones more daring, until the music moves on."
        ),
    ),
    (
        sentence("Longest shared passage"),
        sentence(
            "The most notes in a row, in any key, that also occur in a known piece: one the model was trained on, or the work of "
            "an opening. Human music in this style shares passages too: its figure comes from pieces that were kept out of "
            "training."
        ),
    ),
    (
        sentence("The best version"),
        sentence(
            "The one that follows its opening most like human continuations do, in rhythm, register, harmony and repetition."
        ),
    ),
)

_LESS, _RATHER_LESS, _AS, _RATHER_MORE, _MORE = range(5)
_DENSITIES = (
    sentence("much sparser"),
    sentence("a little sparser"),
    sentence("about as dense"),
    sentence("a little denser"),
    sentence("much denser"),
)


def take_story(shown: Shown, checkpoint: Checkpoint, language: Language = ENGLISH) -> str:
    """How a take turned out, in a few sentences, with an explanation of the terms."""
    composition, take = shown.composition, shown.take
    said = [take_sentences(composition, take, language), language.say(_loops(take)), language.say(_shared(take, checkpoint))]
    explained = "".join(
        f"<dt>{escape(language.say(term))}</dt><dd>{escape(language.say(meaning))}</dd>" for term, meaning in _GLOSSARY
    )
    return (
        f"<p>{escape(' '.join(each for each in said if each))}</p>"
        f"<details><summary>{escape(language.say('What do these words mean?'))}</summary><dl>{explained}</dl></details>"
    )


def take_sentences(composition: Composition, take: Take, language: Language = ENGLISH) -> str:
    """Length and density compared with the seed, then the key and how closely the take keeps to it."""
    seed = composition.request.seed
    bars = counted("{n} bar", "{n} bars", composition.bars)
    notes = counted("{n} note", "{n} notes", len(take.continuation))
    said = [
        (
            sentence("{bars} with {notes}, much sparser than the opening.", bars=bars, notes=notes),
            sentence("{bars} with {notes}, a little sparser than the opening.", bars=bars, notes=notes),
            sentence("{bars} with {notes}, about as dense as the opening.", bars=bars, notes=notes),
            sentence("{bars} with {notes}, a little denser than the opening.", bars=bars, notes=notes),
            sentence("{bars} with {notes}, much denser than the opening.", bars=bars, notes=notes),
        )[_density(composition, take)]
    ]
    if len(take.continuation) >= _LEAST_NOTES_FOR_A_KEY:
        sounding, opening = (composition.request.performance.played(each) for each in (take.continuation, seed.piece))
        key = named_like(estimate_key(sounding)[0], opening.key)
        moved = composition.request.performance.transposition % 12 != 0
        name, home = key_name(key), key_name(opening.key or estimate_key(opening)[0]) if moved else seed.key
        if name == home:
            said.append(sentence("It is in {key}, like the opening.", key=Sentence(name)))
        else:
            said.append(sentence("It is in {key}; the opening is in {home}.", key=Sentence(name), home=Sentence(home)))
        said.append(_steadiness(sounding, key))
    return " ".join(map(language.say, said))


def density(shown: Shown, language: Language = ENGLISH) -> str:
    """Notes per bar, compared with the seed, in two or three words."""
    return language.say(_DENSITIES[_density(shown.composition, shown.take)])


def _loops(take: Take) -> Sentence | str:
    if not take.loops:
        return ""
    if take.loops == 1:
        return sentence("The loop guard stepped in once, where the music began to go round in circles.")
    if take.loops == 2:
        return sentence("The loop guard stepped in twice, where the music began to go round in circles.")
    return sentence("The loop guard stepped in {times} times, where the music began to go round in circles.", times=take.loops)


def _shared(take: Take, checkpoint: Checkpoint) -> Sentence | str:
    """The longest passage shared with a known piece, compared with the median of human music."""
    shared_passage = take.shared_passage
    if shared_passage is None:
        return ""
    human = checkpoint.metrics.get("originality", {}).get("people", {}).get("50")
    if not shared_passage.notes:
        if human is None:
            return sentence("It shares no passage with a known piece.")
        return sentence("It shares no passage with a known piece (human music typically shares {human}).", human=human)
    if human is None:
        return counted(
            "Longest passage shared with a known piece: {n} note of {title}.",
            "Longest passage shared with a known piece: {n} notes of {title}.",
            shared_passage.notes,
            title=shared_passage.title,
        )
    return counted(
        "Longest passage shared with a known piece: {n} note of {title} (human music typically shares {human}).",
        "Longest passage shared with a known piece: {n} notes of {title} (human music typically shares {human}).",
        shared_passage.notes,
        title=shared_passage.title,
        human=human,
    )


def _steadiness(piece: Piece, key: Key) -> Sentence:
    """How many notes belong to the key. A minor key has both its sixths and both its sevenths."""
    scale = {7 * place % 12 for place in range(key.fifths - 1, key.fifths + 6)}
    scale |= {(key.tonic + 9) % 12, (key.tonic + 11) % 12} if key.mode == "minor" else set()
    inside, name = float(np.isin(piece.notes["pitch"] % 12, list(scale)).mean()), Sentence(key_name(key))
    if inside >= 0.95:
        return sentence("Nearly all notes fit {key}.", key=name)
    if inside >= 0.85:
        return sentence("Some notes lie outside {key}.", key=name)
    return sentence("Many notes lie outside {key}.", key=name)


def _density(composition: Composition, take: Take) -> int:
    """Notes per bar, compared with the seed: which of ``_DENSITIES``."""
    bar = composition.seed.metre_at(composition.split).bar_ticks
    before = len(composition.seed) * bar / max(1, composition.split)
    after = len(take.continuation) / max(1, composition.bars)
    ratio = after / max(before, 1e-9)
    if ratio < 0.87:
        return _LESS if ratio < 0.65 else _RATHER_LESS
    if ratio > 1.15:
        return _MORE if ratio > 1.5 else _RATHER_MORE
    return _AS
