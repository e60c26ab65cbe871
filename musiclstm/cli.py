"""What the commands do: app, seeds, generate, check, evaluate, votes, push, deploy. Heavy libraries are imported when needed."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musiclstm.checkpoint_files import BUNDLED_CHECKPOINT, SEEDS
from musiclstm.cli_options import Parser, build_parser
from musiclstm.errors import MusicLSTMError, OptionError
from musiclstm.project import project_file
from musiclstm.quiet import import_tensorflow, one_thread_each, share_memory, switch_off_telemetry
from musiclstm.scratch import app_folder
from musiclstm.votes import REPO_VARIABLE, BallotBox, in_words, summary, votes_folder

if TYPE_CHECKING:
    from musiclstm.checkpoint import Checkpoint
    from musiclstm.evaluation import Trial
    from musiclstm.generation import ComposeRequest


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
    return build_parser(
        app=_app,
        seeds=_seeds,
        generate=_generate,
        check=_check,
        evaluate=_evaluate,
        votes=_votes,
        push=_push,
        deploy=_deploy,
    )


def _app(options: argparse.Namespace) -> None:
    switch_off_telemetry()
    one_thread_each()
    share_memory()
    from musiclstm.model import ModelProcess

    # The first visitor waits for the model, so its process starts before the libraries of the page are imported.
    with app_folder() as folder, closing(ModelProcess()) as process:
        from musiclstm.ui.active_checkpoint import open_active_checkpoint, reference_in

        processes = chain([process], iter(ModelProcess, None))  # this one, then new ones
        with closing(open_active_checkpoint(reference_in(os.environ), apart=partial(next, processes))) as active:
            from musiclstm.ui.lean_import import import_gradio

            import_gradio(mcp=options.mcp)
            from musiclstm.ui.page import serve

            serve(active, folder, mcp=options.mcp)


def _seeds(options: argparse.Namespace) -> None:
    from musiclstm.api import open_checkpoint

    checkpoint = open_checkpoint(options.checkpoint)
    if options.json:
        print(json.dumps([seed.facts() for seed in checkpoint.seeds], ensure_ascii=False, indent=1))
        return
    width = max((len(seed.id) for seed in checkpoint.seeds), default=0)
    for seed in checkpoint.seeds:
        print(f"{seed.id:<{width}}  {seed.composer}: {seed.title} ({seed.key}, {seed.metre}, {seed.tempo:g} quarters per minute)")


def _require_fitting(options: argparse.Namespace) -> None:
    """Raise OptionError for options of generate that contradict each other."""
    if options.out is not None and options.out.exists() and not options.out.is_dir():
        raise OptionError(f"--out must name a folder, but {options.out} is a file.")
    if options.extend and (options.recipe is None or options.seed is not None or options.diversity or options.top_p):
        raise OptionError("--extend needs --recipe and takes the seed, diversity and top-p from it; leave those options out.")
    if options.regenerate and (options.extend or options.bars is not None or options.open_ended):
        raise OptionError("--regenerate says which bars to write; leave out --extend, --bars and --open-ended.")
    if options.regenerate and options.recipe is not None and options.seed is not None:
        raise OptionError("--regenerate changes the take of --recipe, or the music of --seed; leave one of them out.")
    if options.pdf not in ("", "A4", "Letter"):
        raise OptionError(f"--pdf takes A4 or Letter, not {options.pdf!r}.")


def _generate(options: argparse.Namespace) -> None:
    _require_fitting(options)
    anew = _numbers_in(options.regenerate)
    _require_known_seed(options.seed, options.checkpoint)
    settings = _settings(options)

    from musiclstm.api import open_checkpoint, open_seed, request_from, save
    from musiclstm.generation import compose, music_name, require_checkpoint, summary
    from musiclstm.notation import pickup_bars

    checkpoint = open_checkpoint(options.checkpoint)
    if options.recipe is not None and options.seed is None:
        require_checkpoint(settings, checkpoint, _instead(options))
    if options.recipe is not None and (options.extend or anew):
        request = _change(checkpoint, options, settings, anew)
    elif anew:
        seed = open_seed(checkpoint, settings["seed"], whole=True)
        first = anew[0] + pickup_bars(seed.piece)
        request = request_from(checkpoint, settings | {"regenerate": first, "bars": anew[1] - anew[0] + 1}, seed=seed)
    else:
        request = request_from(checkpoint, settings, files=True)
    composition = compose(checkpoint, request)
    first, last = composition.request.seed.bars
    print(f"Seed: {composition.request.seed.title}, bars {first} to {last}")
    if composition.request.seed.remark:
        print(composition.request.seed.remark)
    out = options.out or _new_folder(music_name(composition))
    written = save(composition, out, audio=not options.no_audio, pdf=options.pdf)
    for files, take in zip(written, composition.takes, strict=True):
        print(f"{files.joined_midi.parent}: {summary(composition, take)}")
        if files.note:
            print(files.note, file=sys.stderr)


def _require_known_seed(seed: str | None, checkpoint: str | None) -> None:
    """Raise OptionError for the id of no seed, where a folder tells the ids: before the seconds that the network takes."""
    from musiclstm.formats import MUSIC_ENDINGS

    folder = Path(checkpoint).expanduser() if checkpoint else project_file(BUNDLED_CHECKPOINT)
    if seed is None or "/" in seed or Path(seed).suffix.lower() in MUSIC_ENDINGS or not (folder / SEEDS).is_file():
        return
    from musiclstm.seeds import require_seed_id

    try:
        ids = [str(known["id"]) for known in json.loads((folder / SEEDS).read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError, KeyError):
        return  # to open the checkpoint says what is wrong with it
    require_seed_id(ids, seed)


def _new_folder(name: str) -> Path:
    """A folder here that nothing is in yet. Raises OptionError."""
    from musiclstm.generation import free_folder

    try:
        return free_folder(Path(), name)
    except OSError as error:
        raise OptionError(f"No folder can be made here ({error.strerror or error}); name one with --out.") from error


def _instead(options: argparse.Namespace) -> str:
    """What else can be done with a recipe that needs another checkpoint."""
    if options.regenerate:
        return "give the music itself, joined.mid, with --seed instead of --recipe"
    return "" if options.extend else "give a --seed too, to use only its settings"


def _check(options: argparse.Namespace) -> None:
    from musiclstm.api import check_file, open_checkpoint

    print(check_file(open_checkpoint(options.checkpoint), options.file))


def _change(
    checkpoint: Checkpoint, options: argparse.Namespace, settings: dict[str, Any], anew: tuple[int, int] | None
) -> ComposeRequest:
    """Build the request that extends the recipe's take, or its best if it names none, or writes the bars ``anew`` in it."""
    from musiclstm.api import request_from
    from musiclstm.generation import compose, extension_request, read_recipe, regeneration_request
    from musiclstm.notation import pickup_bars

    earlier = compose(checkpoint, request_from(checkpoint, read_recipe(options.recipe), files=True))

    def given_of(*names: str) -> dict[str, Any]:
        return {name: getattr(options, name) for name in names if getattr(options, name) is not None}

    given: dict[str, Any] = {"random_seed": int.from_bytes(os.urandom(4), "big")} | given_of("candidates", "random_seed")
    if anew:
        given["sampling"] = replace(earlier.request.sampling, **given_of("diversity", "top_p"))
    given["performance"] = replace(earlier.request.performance, **given_of("tempo", "instrument", "transposition"))
    number = settings.get("take", earlier.takes[0].number)
    if anew:
        first, last = (bar + pickup_bars(earlier.seed) for bar in anew)
        return regeneration_request(earlier, number, first, last, **given, **given_of("takes"))
    ending = {"ending": settings["ending"]} if options.open_ended else {}
    return extension_request(earlier, number, **given, **given_of("bars"), **ending)


def _numbers_in(given: str | None) -> tuple[int, int] | None:
    """The numbers of the first and last bar that --regenerate names, such as 11-12 or 11; None without it."""
    if given is None:
        return None
    match = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", given)
    if match is None or int(match[2] or match[1]) < int(match[1]):
        raise OptionError(f"--regenerate takes bars, such as 11-12 or 11, not {given!r}.")
    return int(match[1]), int(match[2] or match[1])


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


def _votes(options: argparse.Namespace) -> None:
    switch_off_telemetry()
    box, dataset = BallotBox(votes_folder()), os.environ.get(REPO_VARIABLE)
    if dataset:
        from musiclstm.hub import download_votes

        box.learn(download_votes(dataset))
    figures = summary(box.votes())
    print(json.dumps(figures, indent=1) if options.json else in_words(figures))


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
