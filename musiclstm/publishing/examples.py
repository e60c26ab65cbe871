"""Examples to hear: the files of a few takes, and a section of Markdown that shows them.

Nobody chose among them: they are the first take of the first openings, with a fixed random seed and the default settings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from musiclstm.checkpoint import Checkpoint
from musiclstm.generation import MP3, ComposeRequest, compose, music_name, performed, summary, take_recipe, write_take
from musiclstm.scratch import temporary_folder

COUNT, BARS, RANDOM_SEED = 3, 16, 1
FOLDER = "examples"
_RULE = (
    f"The first openings of the checkpoint, each continued for {BARS} bars with random seed {RANDOM_SEED} and the default "
    "settings. Nobody chose among takes."
)


@dataclass(frozen=True)
class Example:
    """A take of the opening named ``title``: what it is in one ``line``, and the bytes of its files by name.

    ``roll``, ``midi`` and ``sound`` are such names; ``sound`` is "" without FluidSynth.
    """

    title: str
    line: str
    files: dict[str, bytes]
    roll: str
    midi: str
    sound: str


def examples_of(checkpoint: Checkpoint, count: int | None = None) -> list[Example]:
    """The examples of a checkpoint, one for each of its first openings; ``count``: how many, COUNT by default."""
    return [_example(checkpoint, number) for number in range(min(count or COUNT, len(checkpoint.seeds)))]


def files_of(examples: Sequence[Example]) -> dict[str, bytes]:
    """All their files by name."""
    return {name: data for example in examples for name, data in example.files.items()}


def section(examples: Sequence[Example], address: Callable[[str], str]) -> str:
    """The examples in Markdown, "" for none; ``address`` says where a file of that name can be fetched."""
    if not examples:
        return ""
    return "\n\n".join(["## Examples", _RULE, *(_shown(example, address) for example in examples)])


def linked(sounds: Sequence[str], address: Callable[[str], str]) -> str:
    """Examples in the repository of the checkpoint, of which only the names of their ``sounds`` are known; "" for none."""
    players = [f"{name.rpartition('/')[2]}: {_player(address(name))}" for name in sounds]
    return "\n\n".join(["## Examples", _RULE, *players]) if players else ""


def _example(checkpoint: Checkpoint, number: int) -> Example:
    seed = checkpoint.seeds[number]
    composition = compose(checkpoint, ComposeRequest(seed, bars=BARS, random_seed=RANDOM_SEED))
    take, sounding = composition.takes[0], performed(composition)
    name = f"{FOLDER}/{music_name(composition)}"
    with temporary_folder() as folder:
        written = write_take(
            folder,
            sounding.seed,
            sounding.takes[0].continuation,
            sounding.takes[0].joined,
            sounding.split,
            recipe=take_recipe(composition, take.number),
            audio=MP3,
            score=False,
        )
        paths = {f"{name}.svg": written.roll, f"{name}.mid": written.joined_midi}
        sound = "" if written.joined_audio is None else f"{name}{MP3}"
        if written.joined_audio is not None:
            paths[sound] = written.joined_audio
        files = {name: path.read_bytes() for name, path in paths.items()}
    title = f"{seed.composer}: {seed.title}" if seed.composer else seed.title
    return Example(title, summary(composition, take), files, f"{name}.svg", f"{name}.mid", sound)


def _shown(example: Example, address: Callable[[str], str]) -> str:
    title = escape(example.title)
    lines = [f"### {title}", f"![Piano roll: {title}, opening and continuation]({address(example.roll)})"]
    if example.sound:
        lines.append(_player(address(example.sound)))
    return "\n\n".join([*lines, f"{escape(example.line)}. [MIDI]({address(example.midi)})"])


def _player(address: str) -> str:
    return f'<audio controls src="{escape(address)}"></audio>'
