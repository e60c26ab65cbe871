"""The command line: app, seeds, generate, check, evaluate, train, push, deploy. It imports heavy libraries only when needed."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musiclstm.errors import MusicLSTMError, OptionError
from musiclstm.quiet import import_tensorflow, one_thread_each, switch_off_telemetry
from musiclstm.scratch import app_folder
from musiclstm.training.command import add_options

if TYPE_CHECKING:
    from musiclstm.checkpoint import Checkpoint
    from musiclstm.evaluation import Trial
    from musiclstm.generation import ComposeRequest


class Parser(argparse.ArgumentParser):
    """Reports bad input as one line, without the usage text in front; shows a description as it is written."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **settings)

    def error(self, message: str) -> Any:
        """Raise OptionError instead of printing the usage and exiting."""
        raise OptionError(f"{message[:1].upper()}{message[1:]}; see {self.prog} --help.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code: 0, or another one with one line on stderr, 2 for bad input."""
    return run(_parser(), arguments)


def run(parser: Parser, arguments: Sequence[str] | None = None) -> int:
    """Parse ``arguments`` (by default those of the program), call what the parser's ``run`` says, and return the exit code."""
    options = argparse.Namespace()
    try:
        parser.parse_args(arguments, options)
        options.run(options)
    except MusicLSTMError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # as in `... | head`
        sys.stderr.close()
        return 141  # as of a program that SIGPIPE ends
    except KeyboardInterrupt:
        print(getattr(options, "when_stopped", "Stopped."), file=sys.stderr)
        return 130
    return 0


def _parser() -> Parser:
    installed = Path(sys.argv[0]).stem == "musiclstm"
    parser = Parser(prog="musiclstm" if installed else "python -m musiclstm", description="An LSTM continues piano openings.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    app = commands.add_parser("app", help="serve the page on http://127.0.0.1:7860")
    app.add_argument("--mcp", action="store_true", help="also serve the API as MCP tools")
    app.set_defaults(run=_app)
    seeds = commands.add_parser("seeds", help="list the seeds of a checkpoint")
    seeds.add_argument("--json", action="store_true", help="print JSON, without the notes")
    _add_checkpoint(seeds)
    seeds.set_defaults(run=_seeds)
    _add_generate(commands.add_parser("generate", help="continue an opening and write MIDI, audio and MusicXML"))
    check = commands.add_parser("check", help="are the notes of a MIDI file those that its recipe writes? Exit code 0 or 1")
    check.add_argument("file", type=Path, metavar="FILE", help="a MIDI file of an earlier run, or its recipe.json")
    _add_checkpoint(check)
    check.set_defaults(run=_check)
    _add_evaluate(commands.add_parser("evaluate", help="report bits per note on a folder of held-out music"))
    add_options(commands.add_parser("train", help="train a checkpoint on your own music"))
    _add_push(commands.add_parser("push", help="publish a checkpoint on the Hub unless it is worse than the version there"))
    _add_deploy(commands.add_parser("deploy", help="create or update a Space on the Hub that serves the page"))
    return parser


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
    add("--regenerate", metavar="A-B", help="write only bars A to B anew: of a take with --recipe, of a seed or file with --seed")
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
    add("--out", type=Path, required=True, metavar="DIR", help="the folder for the files")
    parser.set_defaults(run=_generate)


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
    parser.set_defaults(run=_evaluate)


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
    parser.set_defaults(run=_push)


def _add_deploy(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--space", required=True, metavar="OWNER/NAME", help="the Space; created if it does not exist")
    add("--checkpoint", metavar="REPO[@REV]", help="the checkpoint to serve, pinned to a commit; by default the bundled one")
    add("--private", action="store_true", help="make a new Space private")
    add("--dry-run", action="store_true", help="show what would be uploaded, but upload nothing")
    parser.set_defaults(run=_deploy)


def _app(options: argparse.Namespace) -> None:
    switch_off_telemetry()
    one_thread_each()
    with app_folder() as folder:
        from musiclstm.ui.page import serve

        serve(folder, mcp=options.mcp)


def _seeds(options: argparse.Namespace) -> None:
    from musiclstm.api import open_checkpoint

    checkpoint = open_checkpoint(options.checkpoint)
    if options.json:
        print(json.dumps([seed.facts() for seed in checkpoint.seeds], ensure_ascii=False, indent=1))
        return
    width = max((len(seed.id) for seed in checkpoint.seeds), default=0)
    for seed in checkpoint.seeds:
        print(f"{seed.id:<{width}}  {seed.composer}: {seed.title} ({seed.key}, {seed.metre}, {seed.tempo:g} quarters per minute)")


def _generate(options: argparse.Namespace) -> None:
    if options.out.exists() and not options.out.is_dir():
        raise OptionError(f"--out must name a folder, but {options.out} is a file.")
    if options.extend and (options.recipe is None or options.seed is not None or options.diversity or options.top_p):
        raise OptionError("--extend needs --recipe and takes the seed, diversity and top-p from it; leave those options out.")
    if options.regenerate and (options.extend or options.bars is not None or options.open_ended):
        raise OptionError("--regenerate says which bars to write; leave out --extend, --bars and --open-ended.")
    if options.regenerate and options.recipe is not None and options.seed is not None:
        raise OptionError("--regenerate changes the take of --recipe, or the music of --seed; leave one of them out.")
    if options.pdf not in ("", "A4", "Letter"):
        raise OptionError(f"--pdf takes A4 or Letter, not {options.pdf!r}.")
    anew = _bars_to_regenerate(options.regenerate)
    settings = _settings(options)

    from musiclstm.api import open_checkpoint, request_from, save
    from musiclstm.generation import compose, require_checkpoint, summary

    checkpoint = open_checkpoint(options.checkpoint)
    if options.recipe is not None and options.seed is None:
        require_checkpoint(settings, checkpoint, _instead(options))
    if options.recipe is not None and (options.extend or anew):
        request = _change(checkpoint, options, settings, anew)
    else:
        request = request_from(checkpoint, settings | anew, files=True)
    composition = compose(checkpoint, request)
    first, last = composition.request.seed.bars
    print(f"Seed: {composition.request.seed.title}, bars {first} to {last}")
    if composition.request.seed.remark:
        print(composition.request.seed.remark)
    written = save(composition, options.out, audio=not options.no_audio, pdf=options.pdf)
    for files, take in zip(written, composition.takes, strict=True):
        print(f"{files.joined_midi.parent}: {summary(composition, take)}")
        if files.note:
            print(files.note, file=sys.stderr)


def _instead(options: argparse.Namespace) -> str:
    """What else can be done with a recipe that needs another checkpoint."""
    if options.regenerate:
        return "give the music itself, joined.mid, with --seed instead of --recipe"
    return "" if options.extend else "give a --seed too, to use only its settings"


def _check(options: argparse.Namespace) -> None:
    from musiclstm.api import check_file, open_checkpoint

    print(check_file(open_checkpoint(options.checkpoint), options.file))


def _change(
    checkpoint: Checkpoint, options: argparse.Namespace, settings: dict[str, Any], anew: dict[str, int]
) -> ComposeRequest:
    """Build the request that extends the recipe's take, or its best if it names none, or writes the bars ``anew`` in it."""
    from musiclstm.api import request_from
    from musiclstm.generation import compose, extension_request, read_recipe, regeneration_request

    earlier = compose(checkpoint, request_from(checkpoint, read_recipe(options.recipe), files=True))

    def given_of(*names: str) -> dict[str, Any]:
        return {name: getattr(options, name) for name in names if getattr(options, name) is not None}

    given: dict[str, Any] = {"random_seed": int.from_bytes(os.urandom(4), "big")} | given_of("candidates", "random_seed")
    if anew:
        given["sampling"] = replace(earlier.request.sampling, **given_of("diversity", "top_p"))
    given["performance"] = replace(earlier.request.performance, **given_of("tempo", "instrument", "transposition"))
    number = settings.get("take", earlier.takes[0].number)
    if anew:
        first = anew["regenerate"]
        return regeneration_request(earlier, number, first, first + anew["bars"] - 1, **given, **given_of("takes"))
    ending = {"ending": settings["ending"]} if options.open_ended else {}
    return extension_request(earlier, number, **given, **given_of("bars"), **ending)


def _bars_to_regenerate(given: str | None) -> dict[str, int]:
    """Settings for the bars that --regenerate names, such as 11-12 or 11; none without it."""
    if given is None:
        return {}
    match = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", given)
    if match is None or int(match[2] or match[1]) < int(match[1]):
        raise OptionError(f"--regenerate takes bars, such as 11-12 or 11, not {given!r}.")
    first, last = int(match[1]), int(match[2] or match[1])
    return {"regenerate": first, "bars": last - first + 1}


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    """Collect the settings, named as in a recipe: those of ``--recipe``, replaced by those given as options."""
    from musiclstm.generation import read_recipe

    # A drawn random seed is printed later, so that the result can be repeated.
    settings = read_recipe(options.recipe) if options.recipe else {"random_seed": int.from_bytes(os.urandom(4), "big")}
    names = ("seed", "diversity", "top_p", "bars", "takes", "candidates", "random_seed", "instrument", "tempo", "transposition")
    if options.seed is not None:
        of_the_music = ("own_seed", "after", "regenerate", "seed_digest")
        settings = {name: value for name, value in settings.items() if name not in of_the_music}
    settings |= {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    if options.open_ended:
        from musiclstm.generation import OPEN_ENDED

        settings["ending"] = OPEN_ENDED
    if "seed" not in settings:
        raise OptionError("Give --seed with an id or a music file, or --recipe with the recipe.json of an earlier run.")
    return settings


def _evaluate(options: argparse.Namespace) -> None:
    import_tensorflow()
    from musiclstm.api import open_checkpoint
    from musiclstm.data import folder_sources
    from musiclstm.evaluation import evaluate, read_pieces

    if options.json is not None and not options.json.parent.is_dir():
        raise OptionError(f"--json must name a file in an existing folder, but {options.json.parent} is not one.")
    trial = _trial(options)
    checkpoint = open_checkpoint(options.checkpoint)
    pieces, skipped = read_pieces(folder_sources(options.data), options.data.resolve().name)
    for reason in skipped:
        print(f"Skipped: {reason}", file=sys.stderr)
    compared: dict[str, Any] = {}
    if trial is not None:
        from tqdm import tqdm

        from musiclstm.data import works_of
        from musiclstm.evaluation import compare_continuations, judge_of

        judge = judge_of(works_of(pieces)) if options.judge else None
        # The delay hides the bar until work starts, so that bad input prints one line only.
        with tqdm(desc="continuing", unit="passage", mininterval=0, delay=1e-6) as bar:

            def report(_done: int, total: int) -> None:
                bar.total = total
                bar.update()

            compared["continuations"] = compare_continuations(checkpoint, pieces, trial, report, judge)
    figures = evaluate(checkpoint, pieces) | compared
    text = json.dumps(figures, indent=1)
    if options.json is not None:
        options.json.write_text(text + "\n", encoding="utf-8")
    print(text)


def _push(options: argparse.Namespace) -> None:
    import_tensorflow()
    from musiclstm.publishing import release

    release(options.folder, options.repo, options.data, forced=options.force, private=options.private, dry_run=options.dry_run)


def _deploy(options: argparse.Namespace) -> None:
    import_tensorflow()
    from musiclstm.publishing import deploy

    deploy(options.space, options.checkpoint, private=options.private, dry_run=options.dry_run)


def _trial(options: argparse.Namespace) -> Trial | None:
    """Build the trial that ``--continuations`` asks for; None without that option."""
    from musiclstm.config import SamplingOptions
    from musiclstm.evaluation import Trial

    given = {name: getattr(options, name) for name in ("bars", "random_seed") if getattr(options, name) is not None}
    sampled = {name: getattr(options, name) for name in ("diversity", "top_p") if getattr(options, name) is not None}
    if options.continuations is not None:
        return Trial(options.continuations, sampling=SamplingOptions(**sampled), **given)
    alone = given | sampled | ({"judge": True} if options.judge else {})
    if alone:
        named = ", ".join(f"--{name.replace('_', '-')}" for name in alone)
        raise OptionError(f"Give --continuations N too: {named} would have no effect without it.")
    return None
