from __future__ import annotations

import functools
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import train
from musiclstm.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from musiclstm.cli import main
from musiclstm.formats.midi import midi_text, read_midi, write_midi
from musiclstm.music.notes import Piece, bar_lines, join, transpose

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.usefixtures("no_xla", "one_decoder")


@pytest.fixture(scope="module")
def folder(small_checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tiny checkpoint as a folder."""
    path = tmp_path_factory.mktemp("checkpoints") / "small"
    save_checkpoint(small_checkpoint, path, card="# small\n")
    return str(path)


@pytest.fixture(scope="module")
def one_decoder(small_checkpoint: Checkpoint) -> Iterator[None]:
    """Each folder is loaded once, and decodes with the decoder of the same network: compiling one takes seconds."""

    @functools.cache
    def load(folder: Path, *, revision: str = "", trusted: bool = False) -> Checkpoint:
        loaded = load_checkpoint(folder, revision=revision)
        object.__setattr__(loaded, "decoder", small_checkpoint.decoder)
        return loaded

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("musiclstm.api.load_checkpoint", load)
        yield


def test_seeds_are_listed_a_line_each(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["seeds", "--checkpoint", folder]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["march", "waltz", "jig"]
    assert "3/4" in lines[1]


def test_seeds_as_json_have_everything_but_the_notes(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["seeds", "--json", "--checkpoint", folder]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {"id", "title", "composer", "work", "bars", "tempo", "source", "licence"} <= set(listed[0])
    assert "notes" not in listed[0]


def test_generate_writes_all_files(folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert (
        main(["generate", "--checkpoint", folder, "--seed", "march", "--bars", "2", "--random-seed", "5", "--out", str(out)]) == 0
    )
    names = {path.name for path in out.iterdir()}
    sounds = {"seed.wav", "continuation.wav", "joined.wav"}
    assert {"seed.mid", "continuation.mid", "joined.mid", "joined.musicxml", "recipe.json"} | sounds <= names
    assert "random seed 5" in capsys.readouterr().out


def test_generate_writes_a_score_to_print_if_asked(folder: str, tmp_path: Path) -> None:
    common = ["generate", "--checkpoint", folder, "--no-audio", "--seed", "march", "--bars", "1", "--random-seed", "5"]
    assert main([*common, "--pdf", "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "joined.pdf").read_bytes().startswith(b"%PDF-")


def test_without_out_the_folder_is_named_after_the_music_and_an_earlier_one_stays(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["generate", "--checkpoint", folder, "--no-audio", "--seed", "march", "--bars", "1", "--random-seed", "5"]
    for name in ("march-continued-5", "march-continued-5-2"):
        assert main(command) == 0
        assert f"\n{name}: 1 bar" in capsys.readouterr().out
    assert main([*command, "--instrument", "kazoo"]) == 2
    assert main([*command, "--regenerate", "3", "--candidates", "1"]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["march-continued-5", "march-continued-5-2"]


def test_an_unknown_seed_is_refused_before_tensorflow_is_imported(folder: str) -> None:
    code = "import sys; from musiclstm.cli import main; print(main(sys.argv[1:]), 'tensorflow' in sys.modules)"
    for given in ([], ["--checkpoint", folder]):
        command = [sys.executable, "-c", code, "generate", "--seed", "marhc", *given]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.stdout == "2 False\n"
        assert "There is no seed called 'marhc'" in done.stderr


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert re.fullmatch(r"musiclstm \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_the_same_recipe_gives_the_same_midi_bytes(folder: str, tmp_path: Path) -> None:
    first, again = tmp_path / "first", tmp_path / "again"
    common = ["generate", "--checkpoint", folder, "--no-audio"]
    assert main([*common, "--seed", "waltz", "--bars", "3", "--diversity", "1.2", "--random-seed", "9", "--out", str(first)]) == 0
    assert main([*common, "--recipe", str(first / "recipe.json"), "--out", str(again)]) == 0
    for name in ("seed.mid", "continuation.mid", "joined.mid"):
        assert (first / name).read_bytes() == (again / name).read_bytes()


def test_another_random_seed_gives_other_music(folder: str, tmp_path: Path) -> None:
    music = []
    for number in ("1", "2"):
        out = tmp_path / number
        command = ["generate", "--checkpoint", folder, "--no-audio", "--seed", "jig", "--bars", "2", "--random-seed", number]
        assert main([*command, "--out", str(out)]) == 0
        music.append(read_midi(out / "continuation.mid").notes.tolist())
    assert music[0] != music[1]


def test_several_takes_go_to_folders_of_their_own(folder: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ["generate", "--checkpoint", folder, "--no-audio", "--seed", "march", "--bars", "1", "--takes", "4"]
    assert main([*command, "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["take-1", "take-2", "take-3", "take-4"]
    assert (out / "take-4" / "joined.mid").exists()


def test_bars_of_a_take_are_written_anew_and_the_recipe_repeats_it(
    folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["generate", "--checkpoint", folder, "--no-audio"]
    first, changed, again, own = (str(tmp_path / name) for name in ("first", "changed", "again", "own"))
    assert main([*common, "--seed", "march", "--bars", "4", "--random-seed", "5", "--out", first]) == 0
    recipe = ["--recipe", f"{first}/recipe.json", "--regenerate", "10-11", "--random-seed", "6", "--candidates", "2"]
    assert main([*common, *recipe, "--out", changed]) == 0
    assert "bars 10-11 written anew" in capsys.readouterr().out
    assert main([*common, "--recipe", f"{changed}/joined.mid", "--out", again]) == 0
    assert Path(changed, "joined.mid").read_bytes() == Path(again, "joined.mid").read_bytes()
    assert main([*common, "--seed", f"{first}/joined.mid", "--regenerate", "3", "--candidates", "2", "--out", own]) == 0
    old, new, mine = (read_midi(Path(out) / "joined.mid").notes for out in (first, changed, own))
    for notes, begin, stop in ((new, 9 * 96, 11 * 96), (mine, 2 * 96, 3 * 96)):
        around = [each[(each["onset"] < begin) | (each["onset"] >= stop)].tolist() for each in (old, notes)]
        assert around[0] == around[1]


def test_bars_to_write_anew_have_the_numbers_of_the_score(
    folder: str, tmp_path: Path, tunes: dict[str, Piece], capsys: pytest.CaptureFixture[str]
) -> None:
    march = tunes["march"]
    upbeat = replace(march, notes=march.notes[march.notes["onset"] >= 72].copy())
    write_midi(upbeat, tmp_path / "upbeat.mid")
    common = ["generate", "--checkpoint", folder, "--no-audio", "--candidates", "2"]
    first, changed, own = (str(tmp_path / name) for name in ("first", "changed", "own"))
    seed = ["--seed", str(tmp_path / "upbeat.mid")]
    assert main([*common, *seed, "--regenerate", "3", "--out", own]) == 0
    assert main([*common, *seed, "--bars", "2", "--out", first]) == 0
    assert "bars 0 to 7" in capsys.readouterr().out
    assert main([*common, "--recipe", f"{first}/recipe.json", "--regenerate", "8", "--out", changed]) == 0
    assert "bar 8 written anew" in capsys.readouterr().out
    old, new, mine = (read_midi(Path(out) / "joined.mid").notes for out in (first, changed, own))
    assert new[new["onset"] < 8 * 96].tolist() == old[old["onset"] < 8 * 96].tolist()
    assert new[new["onset"] >= 9 * 96].tolist() == old[old["onset"] >= 9 * 96].tolist()
    given = read_midi(tmp_path / "upbeat.mid").notes
    outside = [each[(each["onset"] < 3 * 96) | (each["onset"] >= 4 * 96)][["onset", "pitch"]] for each in (mine, given)]
    assert outside[0].tolist() == outside[1].tolist()
    assert main([*common, *seed, "--regenerate", "0", "--out", str(tmp_path / "none")]) == 2
    assert "Only bars 1 to 7 can be regenerated" in capsys.readouterr().err


def test_check_says_whether_the_notes_of_a_file_are_those_of_its_recipe(
    folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    given = [
        "--seed",
        "march",
        "--bars",
        "2",
        "--takes",
        "2",
        "--random-seed",
        "1",
        "--instrument",
        "string quartet",
        "--transposition",
        "2",
    ]
    assert main(["generate", "--checkpoint", folder, "--no-audio", *given, "--out", str(out)]) == 0
    capsys.readouterr()
    for name in ("seed.mid", "continuation.mid", "joined.mid", "recipe.json"):
        assert main(["check", str(out / "take-2" / name), "--checkpoint", folder]) == 0
        assert capsys.readouterr().out == "The same notes were written again.\n"
    joined = out / "take-2" / "joined.mid"
    piece, text = read_midi(joined), midi_text(joined.read_bytes())
    notes = piece.notes.copy()
    notes["velocity"][np.flatnonzero(notes["onset"] >= 96)[0]] ^= 1  # in bar 2
    write_midi(replace(piece, notes=notes), joined, text=text)
    for name in ("joined.mid", "recipe.json"):
        assert main(["check", str(out / "take-2" / name), "--checkpoint", folder]) == 1
        bars = len(bar_lines(piece)) - 1  # the last note may ring past the tenth
        said = f"This machine writes other notes from this recipe: 1 of {bars} bars differ, from bar 2 on.\n"
        assert capsys.readouterr().err == said
    write_midi(piece, out / "plain.mid")
    write_midi(piece, out / "odd.mid", text=json.dumps(json.loads(text) | {"take": 3}))
    for name, says in (("plain.mid", "not a recipe"), ("none.mid", "can't be read"), ("odd.mid", "no take number 3")):
        assert main(["check", str(out / name), "--checkpoint", folder]) == 2
        assert says in capsys.readouterr().err


def test_a_recipe_of_another_checkpoint_says_what_can_be_done(
    folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, recipe = tmp_path / "first", tmp_path / "recipe.json"
    common = ["generate", "--checkpoint", folder, "--no-audio"]
    assert main([*common, "--seed", "march", "--bars", "4", "--out", str(first)]) == 0
    made = json.loads((first / "recipe.json").read_text(encoding="utf-8"))
    recipe.write_text(json.dumps(made | {"checkpoint_digest": "0" * 16, "revision": "local"}), encoding="utf-8")
    out, capsys_out = str(tmp_path / "out"), capsys.readouterr()
    assert "4 bars" in capsys_out.out
    needs = "The recipe needs the checkpoint small, version 00000000, not version"
    for change, offers in (
        ([], "give its folder with --checkpoint, or give a --seed too, to use only its settings."),
        (["--extend"], "give its folder with --checkpoint."),
        (["--regenerate", "10"], "or give the music itself, joined.mid, with --seed instead of --recipe."),
    ):
        assert main([*common, "--recipe", str(recipe), *change, "--out", out]) == 2
        said = capsys.readouterr().err
        assert said.startswith(needs)
        assert offers in said
        assert said.count("\n") == 1
    assert main(["check", str(recipe), "--checkpoint", folder]) == 2
    assert capsys.readouterr().err.startswith(needs)
    assert main([*common, "--recipe", str(recipe), "--seed", "waltz", "--bars", "1", "--out", out]) == 0


def test_a_file_can_be_the_seed_and_its_tempo_changed(folder: str, tmp_path: Path, tunes: dict[str, Piece]) -> None:
    write_midi(tunes["waltz"], tmp_path / "mine.mid")
    command = [
        "generate",
        "--checkpoint",
        folder,
        "--no-audio",
        "--seed",
        str(tmp_path / "mine.mid"),
        "--bars",
        "1",
        "--tempo",
        "77",
    ]
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    assert read_midi(tmp_path / "out" / "joined.mid").tempi[0].qpm == pytest.approx(77, abs=0.01)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--seed", "marhc"], "march"),
        (["--seed", "march", "--bars", "0"], "from 1 to 64, not 0"),
        (["--seed", "march", "--bars", "10000"], "from 1 to 64, not 10000"),
        (["--seed", "march", "--bars", "two"], "two"),
        (["--seed", "march", "--diversity", "-1"], "Diversity must lie between 0.1 and 2, not -1"),
        (["--seed", "march", "--diversity", "99"], "not 99"),
        (["--seed", "march", "--diversity", "nan"], "not nan"),
        (["--seed", "march", "--takes", "9"], "from 1 to 8"),
        (["--seed", "march", "--regenerate", "4-2"], "--regenerate takes bars, such as 11-12 or 11, not '4-2'"),
        (["--seed", "march", "--regenerate", "x"], "not 'x'"),
        (["--seed", "march", "--regenerate", "8-9"], "Only bars 2 to 8 can be regenerated"),
        (["--seed", "march", "--regenerate", "3", "--bars", "4"], "--regenerate says which bars to write"),
        (["--seed", "march", "--regenerate", "3", "--recipe", "r.json"], "leave one of them out"),
        (["--seed", "march", "--random-seed", "-1"], "random seed"),
        (["--seed", "march", "--instrument", "kazoo"], "harpsichord"),
        (["--seed", "march", "--tempo", "5"], "between 20 and 400"),
        (["--seed", "march", "--pdf", "A0"], "--pdf takes A4 or Letter, not 'A0'"),
        (["--seed", "nowhere/file.mid"], "file.mid"),
        (["--recipe", "nowhere.json"], "nowhere.json"),
        ([], "--seed"),
        (["--sed", "march"], "--sed"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2_and_writes_nothing(
    folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    out = tmp_path / "out"
    assert main(["generate", "--checkpoint", folder, *arguments, "--out", str(out)]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert says in captured.err
    assert captured.out == ""
    assert not out.exists()


@pytest.mark.parametrize("content", [b"this is a text file, not MIDI", b"", b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x00\x60"])
def test_a_file_without_music_is_refused(folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes) -> None:
    (tmp_path / "odd.mid").write_bytes(content)
    assert main(["generate", "--checkpoint", folder, "--seed", str(tmp_path / "odd.mid"), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "odd.mid" in error
    assert not (tmp_path / "out").exists()


def test_a_missing_checkpoint_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["seeds", "--checkpoint", str(tmp_path / "none")]) == 2
    assert str(tmp_path / "none") in capsys.readouterr().err


def test_evaluate_prints_all_figures(
    folder: str, tmp_path: Path, tunes: dict[str, Piece], capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data" / "Chopin"
    data.mkdir(parents=True)
    write_midi(tunes["march"], data / "march.mid")
    write_midi(tunes["waltz"], data / "waltz.mid")
    (data / "broken.mid").write_text("no")
    assert main(["evaluate", "--data", str(tmp_path / "data"), "--checkpoint", folder, "--json", str(tmp_path / "f.json")]) == 0
    captured = capsys.readouterr()
    figures = json.loads(captured.out)
    assert figures == json.loads((tmp_path / "f.json").read_text())
    assert figures["pieces"] == 2
    assert figures["notes"] == len(tunes["march"]) + len(tunes["waltz"]) - 2
    assert {"quarters", "bits_per_note", "bits_per_quarter", "velocity_bits_per_note"} <= set(figures)
    assert {"step", "pitch", "duration"} <= set(figures["accuracy"])
    assert set(figures["new_material"]) == {"share", "bits_per_note"}
    assert figures["bits_per_quarter"] == pytest.approx(
        figures["bits_per_note"] * figures["notes"] / figures["quarters"], rel=1e-3
    )
    assert "broken.mid" in captured.err


def test_evaluate_refuses_a_folder_without_music(folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--data", str(tmp_path), "--checkpoint", folder]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.fixture(scope="module")
def data(tunes: dict[str, Piece], tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with two pieces of 48 bars, each a tune in six keys."""
    path = tmp_path_factory.mktemp("data") / "Chopin"
    path.mkdir()
    for name in ("march", "waltz"):
        tune, bars = tunes[name], 8 * tunes[name].metres[0].bar_ticks
        whole = functools.reduce(lambda piece, key: join(piece, transpose(tune, key), key * bars), range(1, 6), tune)
        write_midi(whole, path / f"{name}.mid")
    return str(path.parent)


def test_evaluate_compares_continuations_with_human_ones(
    folder: str, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["evaluate", "--data", data, "--checkpoint", folder, "--continuations", "9", "--bars", "8", "--diversity", "0.9"]
    assert main([*command, "--random-seed", "2", "--json", str(tmp_path / "figures.json")]) == 0
    captured = capsys.readouterr()
    figures = json.loads(captured.out)
    assert figures == json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert figures["pieces"] == 2
    judged = figures["continuations"]
    assert {name: judged[name] for name in ("passages", "bars", "diversity", "random_seed")} == {
        "passages": 9,
        "bars": 8,
        "diversity": 0.9,
        "random_seed": 2,
    }
    assert {"musicality", "loops", "structure", "originality"} <= set(judged)
    assert {"mean_overlapping_area", "ceiling", "share_of_ceiling"} <= set(judged["musicality"])
    assert "9/9" in captured.err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--continuations", "2"], "from 8 to 10000, not 2"),
        (["--continuations", "20", "--bars", "1"], "from 2 to 64, not 1"),
        (["--continuations", "20", "--bars", "64"], "8 passages of 72 whole bars"),
        (["--continuations", "20", "--diversity", "9"], "between 0.1 and 2, not 9"),
        (["--continuations", "20", "--random-seed", "-1"], "random seed"),
        (["--bars", "16", "--random-seed", "2"], "Give --continuations N too: --bars, --random-seed"),
        (["--judge"], "Give --continuations N too: --judge"),
        (["--continuations", "20", "--judge"], "passages of 10 works or more"),
    ],
)
def test_evaluate_refuses_bad_options_in_one_line(
    folder: str, data: str, capsys: pytest.CaptureFixture[str], options: list[str], says: str
) -> None:
    assert main(["evaluate", "--data", data, "--checkpoint", folder, *options]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert says in captured.err


def test_the_program_itself_ends_with_2_and_without_a_traceback(tmp_path: Path) -> None:
    # The folder is read after the import of TensorFlow, which must not print lines of its own.
    command = [sys.executable, "-m", "musiclstm", "evaluate", "--data", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert str(tmp_path) in done.stderr


@pytest.mark.parametrize("command", ["train.py", "musiclstm train"])
def test_ctrl_c_in_a_training_run_says_how_to_continue(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("musiclstm.training.command.train", interrupted)
    arguments = ["--data", str(tmp_path), "--out", str(tmp_path / "out")]
    assert (train.main(arguments) if command == "train.py" else main(["train", *arguments])) == 130
    assert "--resume" in capsys.readouterr().err


def test_a_reader_that_closes_the_pipe_ends_a_command_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    complaints = io.StringIO()
    monkeypatch.setattr(complaints, "close", lambda: None)
    monkeypatch.setattr(sys, "stderr", complaints)
    monkeypatch.setattr(sys, "stdout", os.fdopen(writing, "w", buffering=1))
    assert main(["seeds"]) == 141
    assert complaints.getvalue() == ""


def test_options_have_one_spelling(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--dat", str(tmp_path)]) == 2
    assert "--data" in capsys.readouterr().err
