"""The commands and options of the command line, with examples. What they do is in cli.py."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from musiclstm import __version__
from musiclstm.errors import OptionError
from musiclstm.training.command import add_options

Run = Callable[[argparse.Namespace], None]
#: What stands below the options of each command: an example a line.
EXAMPLES = {
    "": ("app", "generate --seed mozart-k545-1"),
    "app": ("app", "app --mcp"),
    "seeds": ("seeds", "seeds --json"),
    "generate": (
        "generate --seed mozart-k545-1",
        "generate --seed my-opening.mid --bars 8 --diversity 0.9 --out mine",
        "generate --recipe mine/joined.mid --extend --out longer",
        "generate --recipe mine/joined.mid --regenerate 13-14 --out changed",
    ),
    "check": ("check mine/joined.mid",),
    "evaluate": (
        "evaluate --data my-midi-folder",
        "evaluate --data my-midi-folder --continuations 200 --judge --json figures.json",
    ),
    "train": (
        "train --data my-midi-folder --out runs/mine",
        "train --data my-midi-folder --out runs/mine --resume",
        "train --from classical-piano --data my-midi-folder --out runs/mine",
    ),
    "votes": ("votes", "votes --json"),
    "push": ("push runs/mine --repo OWNER/NAME --data my-midi-folder",),
    "deploy": ("deploy --space OWNER/NAME", "deploy --space OWNER/NAME --checkpoint OWNER/MODEL@v1 --dry-run"),
}


class Parser(argparse.ArgumentParser):
    """Reports bad input as one line, without the usage text in front; shows a description as it is written."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **settings)

    def error(self, message: str) -> Any:
        """Raise OptionError instead of printing the usage and exiting."""
        raise OptionError(f"{message[:1].upper()}{message[1:]}; see {self.prog} --help.")


def build_parser(**run: Run) -> Parser:
    """The parser of all commands; each calls what ``run`` names for it. ``train`` brings its own."""
    program = "musiclstm" if Path(sys.argv[0]).stem == "musiclstm" else "python -m musiclstm"
    parser = Parser(prog=program, description="An LSTM continues piano openings.", epilog=_examples(program, ""))
    parser.add_argument("--version", action="version", version=f"musiclstm {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)

    def add(name: str, words: str) -> Parser:
        made: Parser = commands.add_parser(name, help=words, epilog=_examples(program, name))
        made.set_defaults(run=run.get(name))
        return made

    app = add("app", "serve the page on http://127.0.0.1:7860")
    app.add_argument("--mcp", action="store_true", help="also serve the API as MCP tools")
    seeds = add("seeds", "list the seeds of a checkpoint")
    seeds.add_argument("--json", action="store_true", help="print JSON, without the notes")
    _add_checkpoint(seeds)
    _add_generate(add("generate", "continue an opening and write MIDI, audio and MusicXML"))
    check = add("check", "are the notes of a MIDI file those that its recipe writes? Exit code 0 or 1")
    check.add_argument("file", type=Path, metavar="FILE", help="a MIDI file of an earlier run, or its recipe.json")
    _add_checkpoint(check)
    _add_evaluate(add("evaluate", "report bits per note on a folder of held-out music"))
    add_options(add("train", "train a checkpoint on your own music"))
    votes = add("votes", "what visitors of the page voted: could they tell the composer from the network?")
    votes.add_argument("--json", action="store_true", help="print JSON")
    _add_push(add("push", "publish a checkpoint on the Hub unless it is worse than the version there"))
    _add_deploy(add("deploy", "create or update a Space on the Hub that serves the page"))
    return parser


def _examples(program: str, command: str) -> str:
    lines = [f"  {program} {example}" for example in EXAMPLES[command]]
    return "\n".join(["for example:", *lines])


def _add_checkpoint(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--checkpoint", metavar="DIR_OR_REPO[@REV]", help="a folder, or OWNER/NAME on the Hub; by default the bundled one"
    )


def _add_sampling(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--diversity", type=float, metavar="X", help="0.1 (tame) to 2 (wild), default 1.05")
    parser.add_argument(
        "--top-p", type=float, metavar="P", help="sample only from the likeliest classes with this total probability, 0.05 to 1"
    )


def _add_generate(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--seed", metavar="ID_OR_FILE", help="id of a seed, or a MIDI, MusicXML, kern or ABC file")
    add("--recipe", type=Path, metavar="FILE", help="recipe.json or MIDI file of an earlier run, to repeat it")
    add("--extend", action="store_true", help="with --recipe: continue where that music ends")
    add(
        "--regenerate",
        metavar="A-B",
        help="write only bars A to B of the score anew: of a take with --recipe, of a seed or file with --seed",
    )
    _add_sampling(parser)
    add("--bars", type=int, metavar="N", help="bars to write, 1 to 64, default 16")
    add("--open-ended", action="store_true", help="leave the ending open, without closing bars")
    add("--takes", type=int, metavar="K", help="number of different continuations, 1 to 8, default 1")
    add("--candidates", type=int, metavar="K", help="versions of each phrase to choose from, 1 to 16, default 8")
    add("--random-seed", type=int, metavar="N", help="fixes every random choice; by default a new one, which is printed")
    add("--instrument", metavar="NAME", help="piano, harp, string quartet ...; an unknown name lists them all")
    add("--tempo", type=float, metavar="BPM", help="quarter notes per minute; by default the seed's tempo")
    add("--transposition", type=int, metavar="N", help="transpose all the music by N semitones, -12 to 12")
    _add_checkpoint(parser)
    add("--no-audio", action="store_true", help="write no audio files")
    add(
        "--pdf",
        nargs="?",
        const="A4",
        default="",
        metavar="PAPER",
        help="also write a score to print, on A4 (default) or Letter",
    )
    add("--out", type=Path, metavar="DIR", help="the folder for the files; by default a new one, named after the music")


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="the folder of music")
    _add_checkpoint(parser)
    add("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    add("--continuations", type=int, metavar="N", help="also continue N passages and compare with human continuations")
    add("--bars", type=int, metavar="N", help="bars of each continuation, 2 to 64, default 16")
    add("--judge", action="store_true", help="with --continuations: also let judges guess which continuation is human")
    _add_sampling(parser)
    add("--random-seed", type=int, metavar="N", help="fixes every random choice, default 1")


def _add_push(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("folder", type=Path, metavar="DIR", help="the checkpoint folder")
    add("--repo", required=True, metavar="OWNER/NAME", help="the repository; created if it does not exist")
    add(
        "--data",
        required=True,
        action="append",
        metavar="DIR|music21|hf://datasets/ID",
        help="the data it was trained on, as often as for training",
    )
    add("--private", action="store_true", help="make a new repository private")
    add("--force", default="", metavar="REASON", help="publish even a worse one; the reason goes into the card")
    add("--dry-run", action="store_true", help="evaluate and show what would be uploaded, but upload nothing")


def _add_deploy(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--space", required=True, metavar="OWNER/NAME", help="the Space; created if it does not exist")
    add("--checkpoint", metavar="REPO[@REV]", help="the checkpoint to serve, pinned to a commit; by default the bundled one")
    add("--private", action="store_true", help="make a new Space private")
    add("--dry-run", action="store_true", help="show what would be uploaded, but upload nothing")
