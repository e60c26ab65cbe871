"""The command line: seeds, generate, evaluate, push, deploy. It parses, calls, prints; heavy imports wait for their command."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musiclstm.errors import MusicLSTMError, OptionError
from musiclstm.quiet import import_tensorflow

if TYPE_CHECKING:
    from musiclstm.checkpoint import Checkpoint
    from musiclstm.generation import ComposeRequest, Take


class _Parser(argparse.ArgumentParser):
    """Bad input is one line on stderr and exit code 2, without the usage text in front."""

    def error(self, message: str) -> Any:
        raise OptionError(f"{message[:1].upper()}{message[1:]}; see {self.prog} --help.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, or 2 with one line on stderr for bad input."""
    try:
        options = _parser().parse_args(arguments)
        import_tensorflow()
        options.run(options)
    except MusicLSTMError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # `... | head`: the reader has seen enough
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m musiclstm", description="An LSTM continues piano openings.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)

    seeds = commands.add_parser("seeds", help="list the openings that a checkpoint offers")
    seeds.add_argument("--json", action="store_true", help="as JSON, without the notes")
    seeds.add_argument("--checkpoint", metavar="DIR_OR_REPO[@REV]")
    seeds.set_defaults(run=_seeds)

    generate = commands.add_parser("generate", help="continue an opening and write MIDI, audio and MusicXML")
    generate.add_argument("--seed", metavar="ID_OR_FILE", help="id of a seed, or a MIDI, MusicXML, kern or ABC file")
    generate.add_argument("--recipe", type=Path, metavar="FILE", help="recipe.json or MIDI of an earlier run: the same again")
    generate.add_argument("--extend", action="store_true", help="with --recipe: write on from where that music ends")
    generate.add_argument("--diversity", type=float, metavar="X", help="0.1 (tame) to 2 (wild), 1.05 if not given")
    generate.add_argument("--top-p", type=float, metavar="P", help="keep the likeliest classes that hold this share, 0.05 to 1")
    generate.add_argument("--bars", type=int, metavar="N", help="bars to write, 1 to 64, 16 if not given")
    generate.add_argument("--open-ended", action="store_true", help="no closing bars: the music could go on")
    generate.add_argument("--takes", type=int, metavar="K", help="different continuations, 1 to 8, 1 if not given")
    generate.add_argument("--random-seed", type=int, metavar="N", help="decides all chance; drawn and shown if not given")
    generate.add_argument("--instrument", metavar="NAME", help="piano, harp, string quartet ...: another name lists all")
    generate.add_argument("--tempo", type=float, metavar="BPM", help="quarter notes a minute, the seed's own if not given")
    generate.add_argument("--transposition", type=int, metavar="N", help="semitones by which all is heard higher, -12 to 12")
    generate.add_argument("--checkpoint", metavar="DIR_OR_REPO[@REV]")
    generate.add_argument("--no-audio", action="store_true", help="write no sound files")
    generate.add_argument("--out", type=Path, required=True, metavar="DIR")
    generate.set_defaults(run=_generate)

    evaluate = commands.add_parser("evaluate", help="measure a checkpoint on a folder of music it has not seen")
    evaluate.add_argument("--data", type=Path, required=True, metavar="DIR")
    evaluate.add_argument("--checkpoint", metavar="DIR_OR_REPO[@REV]")
    evaluate.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    evaluate.add_argument(
        "--continuations", type=int, metavar="N", help="also continue N passages and judge them beside people's"
    )
    evaluate.add_argument("--bars", type=int, metavar="N", help="bars of each continuation, 2 to 64, 16 if not given")
    evaluate.add_argument("--diversity", type=float, metavar="X", help="0.1 (tame) to 2 (wild), 1.05 if not given")
    evaluate.add_argument("--top-p", type=float, metavar="P", help="keep the likeliest classes that hold this share, 0.05 to 1")
    evaluate.add_argument("--random-seed", type=int, metavar="N", help="decides all chance, 1 if not given")
    evaluate.set_defaults(run=_evaluate)

    push = commands.add_parser("push", help="measure a checkpoint beside the one on the Hub and publish it")
    push.add_argument("folder", type=Path, metavar="DIR", help="the checkpoint")
    push.add_argument("--repo", required=True, metavar="OWNER/NAME", help="where to; created if it is not there")
    push.add_argument("--data", required=True, metavar="DIR|music21|hf://datasets/ID", help="what it was trained on")
    push.add_argument("--private", action="store_true", help="if the repository is created, only you can see it")
    push.add_argument("--force", default="", metavar="REASON", help="publish a worse one; the reason goes into its card")
    push.add_argument("--dry-run", action="store_true", help="measure and show what would be sent, send nothing")
    push.set_defaults(run=_push)

    deploy = commands.add_parser("deploy", help="create or update a Space on the Hub that serves the page")
    deploy.add_argument("--space", required=True, metavar="OWNER/NAME")
    deploy.add_argument(
        "--checkpoint", metavar="REPO[@REV]", help="what it plays, pinned to a commit; the bundled one if not given"
    )
    deploy.add_argument("--private", action="store_true", help="if the Space is created, only you can see it")
    deploy.add_argument("--dry-run", action="store_true", help="show what would be sent, send nothing")
    deploy.set_defaults(run=_deploy)
    return parser


def _seeds(options: argparse.Namespace) -> None:
    from musiclstm.api import open_checkpoint

    checkpoint = open_checkpoint(options.checkpoint)
    if options.json:
        listed = [{key: value for key, value in seed.to_json().items() if key != "notes"} for seed in checkpoint.seeds]
        print(json.dumps(listed, ensure_ascii=False, indent=1))
        return
    width = max((len(seed.id) for seed in checkpoint.seeds), default=0)
    for seed in checkpoint.seeds:
        print(f"{seed.id:<{width}}  {seed.composer}: {seed.title} ({seed.key}, {seed.metre}, {seed.tempo:g} quarters a minute)")


def _generate(options: argparse.Namespace) -> None:
    if options.out.exists() and not options.out.is_dir():
        raise OptionError(f"--out must name a folder, but {options.out} is a file.")
    asked = _asked(options)

    from musiclstm.api import open_checkpoint, request_from, save
    from musiclstm.generation import IDENTITY, compose, require_same

    checkpoint = open_checkpoint(options.checkpoint)
    if options.extend:
        composition = compose(checkpoint, _extension(checkpoint, options, asked))
    else:
        composition = compose(checkpoint, request_from(checkpoint, asked, files=True))
    if options.seed is None:
        require_same({name: asked[name] for name in IDENTITY if name in asked}, composition.recipe)
    first, last = composition.request.seed.bars
    print(f"Seed: {composition.request.seed.title}, bars {first} to {last}")
    for files, take in zip(save(composition, options.out, audio=not options.no_audio), composition.takes, strict=True):
        guard = f"; the loop guard stepped in {take.loops} times" if take.loops else ""
        what = f"{composition.bars} bars, {len(take.continuation)} notes, random seed {composition.request.random_seed}"
        number = f"number {take.number + 1}, " if len(composition.takes) > 1 else ""
        print(f"{files.joined_midi.parent}: {number}{what}{guard}{_shared_passage(take)}")
        if files.note:
            print(files.note, file=sys.stderr)


def _extension(checkpoint: Checkpoint, options: argparse.Namespace, asked: dict[str, Any]) -> ComposeRequest:
    """The request that writes on from the recipe's take, the best one if it does not say which, as the command line says."""
    from musiclstm.api import request_from
    from musiclstm.generation import compose, extension_request, read_recipe

    if options.recipe is None or options.seed is not None or options.diversity or options.top_p:
        raise OptionError("--extend goes with --recipe, and writes on at its diversity and top-p from its seed.")
    earlier = compose(checkpoint, request_from(checkpoint, read_recipe(options.recipe), files=True))
    names = ("bars", "random_seed", "tempo", "instrument", "transposition", "ending")
    drawn = {"random_seed": int.from_bytes(os.urandom(4), "big")}
    told = {name: getattr(options, name) for name in names[:-1] if getattr(options, name) is not None}
    told |= {"ending": asked["ending"]} if options.open_ended else {}
    return extension_request(earlier, asked.get("take", earlier.takes[0].number), **{**drawn, **told})


def _shared_passage(take: Take) -> str:
    """What a take shares with a piece the checkpoint was trained on, in words; nothing where that is not known."""
    return (
        f"; {take.shared_passage.notes} notes in a row as in {take.shared_passage.title}"
        if take.shared_passage and take.shared_passage.notes
        else ""
    )


def _asked(options: argparse.Namespace) -> dict[str, Any]:
    """Settings from the recipe, if one is given, and over them what the command line says."""
    from musiclstm.generation import read_recipe

    # Without a random seed one is drawn, and shown, so that the result can be had again.
    asked = read_recipe(options.recipe) if options.recipe else {"random_seed": int.from_bytes(os.urandom(4), "big")}
    names = ("seed", "diversity", "top_p", "bars", "takes", "random_seed", "instrument", "tempo", "transposition")
    if options.seed is not None:
        asked = {name: value for name, value in asked.items() if name not in ("own_seed", "after")}
    asked |= {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    if options.open_ended:
        from musiclstm.generation import OPEN_ENDED

        asked["ending"] = OPEN_ENDED
    if "seed" not in asked:
        raise OptionError("Give --seed with an id or a music file, or --recipe with the recipe.json of an earlier run.")
    return asked


def _evaluate(options: argparse.Namespace) -> None:
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
    judged: dict[str, Any] = {}
    if trial is not None:
        from tqdm import tqdm

        from musiclstm.evaluation import compare_continuations

        # The delay keeps the bar unseen until there is something to tell: bad input is one line on stderr.
        with tqdm(desc="continuing", unit="passage", mininterval=0, delay=1e-6) as bar:

            def report(_done: int, total: int) -> None:
                bar.total = total
                bar.update()

            judged["continuations"] = compare_continuations(checkpoint, pieces, trial, report)
    figures = evaluate(checkpoint, pieces) | judged
    text = json.dumps(figures, indent=1)
    if options.json is not None:
        options.json.write_text(text + "\n", encoding="utf-8")
    print(text)


def _push(options: argparse.Namespace) -> None:
    from musiclstm.publishing import release

    release(options.folder, options.repo, options.data, forced=options.force, private=options.private, dry_run=options.dry_run)


def _deploy(options: argparse.Namespace) -> None:
    from musiclstm.publishing import deploy

    deploy(options.space, options.checkpoint, private=options.private, dry_run=options.dry_run)


def _trial(options: argparse.Namespace) -> Any:
    """What ``--continuations`` and its companions ask for: a judging.Trial, or None without it."""
    from musiclstm.config import SamplingOptions
    from musiclstm.evaluation import Trial

    given = {name: getattr(options, name) for name in ("bars", "random_seed") if getattr(options, name) is not None}
    sampled = {name: getattr(options, name) for name in ("diversity", "top_p") if getattr(options, name) is not None}
    if options.continuations is not None:
        return Trial(options.continuations, sampling=SamplingOptions(**sampled), **given)
    if given or sampled:
        named = ", ".join(f"--{name.replace('_', '-')}" for name in (given | sampled))
        raise OptionError(f"Give --continuations N too: {named} tells how music is continued, not how it is foretold.")
    return None
