"""The command that trains: its options, and the way from data to a checkpoint folder."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from musiclstm.config import FINE_TUNING, ModelConfig, TrainConfig
from musiclstm.errors import OptionError
from musiclstm.quiet import import_tensorflow
from musiclstm.training.launcher import command_line, launch_workers

if TYPE_CHECKING:
    from musiclstm.publishing import Dataset


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give ``parser`` the options of a training run, and ``run`` as what to do with them."""
    parser.add_argument(
        "--from",
        dest="base",
        metavar="DIR_OR_REPO[@REV]",
        help="fine-tune this checkpoint, a folder or OWNER/NAME on the Hub; classical-piano is the bundled one",
    )
    parser.add_argument(
        "--data",
        required=True,
        action="append",
        metavar="DIR|music21|hf://datasets/ID|kaggle://ID",
        help="the music to train on; may be given several times",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("runs/mine"),
        metavar="DIR",
        help="the checkpoint folder; DIR.work holds what --resume needs",
    )
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run after its last complete epoch")
    _add_publishing(parser)
    parser.add_argument("--name", help="name of the checkpoint; by default that of the folder")
    parser.add_argument(
        "--seeds",
        choices=("catalogue", "data"),
        help="curated openings (default), or the best passages of the data; with --from always those of data and checkpoint",
    )
    _add_data_facts(parser)
    _add_hyperparameters(parser)
    parser.add_argument(
        "--minutes", type=float, default=0.0, help="stop after the epoch in which this time runs out; 0 means no limit"
    )
    parser.add_argument(
        "--random-seed",
        type=int,
        default=TrainConfig.random_seed,
        help="fixes the split, the order, the transpositions and the initial weights, default %(default)s",
    )
    parser.add_argument(
        "--workers", type=int, default=1, help="processes that train together on this machine; for several machines set TF_CONFIG"
    )
    parser.set_defaults(run=run, when_stopped="Stopped. --resume continues after the last complete epoch.")


def _add_hyperparameters(parser: argparse.ArgumentParser) -> None:
    """Options whose defaults depend on --from, and the sizes, which it leaves as they are: None if not given."""
    for name, kind, words in (
        ("epochs", int, "the most epochs to train"),
        ("patience", int, "early stopping: epochs without improvement"),
        ("lanes", int, "batch size: pieces trained on in parallel"),
        ("window", int, "notes per piece between two updates of the weights"),
        ("learning_rate", float, "the highest learning rate"),
    ):
        usual, fine = getattr(TrainConfig, name), getattr(FINE_TUNING, name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, help=f"{words}, default {usual}, with --from {fine}")
    for name, words in (
        ("units", "width of each LSTM layer"),
        ("layers", "number of LSTM layers"),
        ("head", "hidden width of the output heads"),
    ):
        usual = getattr(ModelConfig, name)
        parser.add_argument(f"--{name}", type=int, help=f"{words}, default {usual}; not with --from, which keeps the sizes")


def _add_publishing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--push", metavar="OWNER/NAME", help="publish it on the Hugging Face Hub unless it is worse")
    parser.add_argument("--private", action="store_true", help="with --push: make a new repository private")
    parser.add_argument(
        "--force", default="", metavar="REASON", help="with --push: publish even a worse one; the reason goes into the card"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="with --push: evaluate and show what would be uploaded, but upload nothing"
    )


def _add_data_facts(parser: argparse.ArgumentParser) -> None:
    for name, what in (("name", "name"), ("source", "source, for the credit"), ("licence", "licence")):
        parser.add_argument(
            f"--data-{name}", action="append", metavar="TEXT", help=f"{what} of the data in the model card; once for each --data"
        )


def run(options: argparse.Namespace) -> None:
    """Train in as many processes as ``--workers`` says. Raises the errors of ``musiclstm.errors``."""
    with launch_workers(options.workers, command_line(), work_folder(options)):
        import_tensorflow()
        train(options)


def work_folder(options: argparse.Namespace) -> Path:
    """The folder next to ``--out`` that holds everything needed to resume."""
    out: Path = options.out.resolve()
    return out.with_name(f"{out.name}.work")


def train(options: argparse.Namespace) -> None:
    """Make a checkpoint folder from the data, and publish it if ``--push`` is given."""
    config, sizes = _config(options), _sizes(options)
    from musiclstm.checkpoint import require_free
    from musiclstm.hub import split_reference
    from musiclstm.publishing import check_reason, release
    from musiclstm.seeds import load_catalogue
    from musiclstm.training.distributed import workers_of_environment
    from musiclstm.training.finetuning import credits_of, open_base
    from musiclstm.training.package import package, prepare

    out, work = options.out.resolve(), work_folder(options)
    if (options.private or options.force or options.dry_run) and not options.push:
        raise OptionError("--private, --force and --dry-run are about publishing: give --push OWNER/NAME too.")
    if options.push:
        split_reference(options.push)  # now, since a bad name or reason should not waste a whole training run
        check_reason(options.force)
    datasets = _datasets(options)
    require_free(out)
    group = workers_of_environment()
    say = print if group.leads else _silent
    own_seeds = options.base is not None or options.seeds == "data"
    base = None if options.base is None else open_base(options.base)
    seeds = base.seeds if base is not None else () if own_seeds else load_catalogue()
    trainer = prepare(options.data, work, config, sizes, seeds=seeds, base=base, group=group, say=say)
    trainer.fit(work, resume=options.resume, say=say)
    if not group.leads:
        return
    earlier = None if base is None else credits_of(base, options.base)
    name = options.name or out.name
    composition = package(trainer, out, name, datasets, own_seeds=own_seeds, base=base, credits_of_base=earlier)
    seed, notes = composition.request.seed, len(composition.takes[0].continuation)
    say(f"The reloaded checkpoint wrote {composition.bars} bars with {notes} notes after {seed.title}.")
    say(f"Listen: musiclstm generate --checkpoint {options.out} --seed {seed.id} --out out")
    if options.push:
        release(out, options.push, options.data, forced=options.force, private=options.private, dry_run=options.dry_run)


def _config(options: argparse.Namespace) -> TrainConfig:
    """How to train: what was given, and the defaults of training or of fine-tuning. Raises OptionError."""
    usual = TrainConfig() if options.base is None else FINE_TUNING
    names = ("epochs", "patience", "lanes", "window", "learning_rate", "random_seed", "minutes")
    return replace(usual, **{name: getattr(options, name) for name in names if getattr(options, name) is not None})


def _sizes(options: argparse.Namespace) -> dict[str, int]:
    """The sizes that were given. Raises OptionError for what can't be combined with --from."""
    sizes = {name: getattr(options, name) for name in ("units", "layers", "head") if getattr(options, name) is not None}
    if options.base is not None:
        fixed = [f"--{name}" for name in sizes] + (["--seeds"] if options.seeds is not None else [])
        if fixed:
            raise OptionError(f"With --from the checkpoint keeps its sizes and its openings: leave out {', '.join(fixed)}.")
        if Path(options.base).resolve() == options.out.resolve():
            raise OptionError(f"--out would overwrite the checkpoint {options.base} that --from names: give another folder.")
    return sizes


def _datasets(options: argparse.Namespace) -> list[Dataset]:
    """The datasets for the model card. Raises OptionError unless each has as many names, sources and licences as the others."""
    from musiclstm.data import dataset_name
    from musiclstm.publishing import Dataset

    names = [dataset_name(reference) for reference in options.data]  # without this machine's paths
    for option in ("data_name", "data_source", "data_licence"):
        given = getattr(options, option) or names
        if len(given) != len(names):
            flag = f"--{option.replace('_', '-')}"
            raise OptionError(f"Give {flag} once for each --data, or not at all: it came {len(given)} times for {len(names)}.")
    licences = options.data_licence or ["not stated"] * len(names)
    facts = zip(names, options.data_name or names, options.data_source or names, licences, strict=True)
    return [Dataset(*fact) for fact in facts]


def _silent(_: str) -> None:
    """Print nothing: only the first of several workers reports."""
