"""The files of a take: names, contents, all or nothing, and the result without a synthesizer."""

from __future__ import annotations

import json
import wave
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from musiclstm.errors import OptionError
from musiclstm.formats.midi import read_midi
from musiclstm.formats.musicxml import HAND_OVER
from musiclstm.formats.score import read_score
from musiclstm.generation import export
from musiclstm.music.notes import Piece, Tempo, join, make_notes

BAR = 96
SPLIT = 2 * BAR
RECIPE = {"program": "musiclstm", "seed": "scale", "diversity": 1.0, "random_seed": 7}


def scale(start: int, bars: int) -> Piece:
    """A rising scale in quarter notes from MIDI pitch ``start``, at 240 quarters per minute: a bar lasts one second."""
    count = 4 * bars
    notes = make_notes(range(0, 24 * count, 24), range(start, start + count), [24] * count, [80] * count)
    return Piece(notes=notes, tempi=(Tempo(0, 240.0),), title="Scale")


def write(folder: Path, **options: Any) -> export.TakeFiles:
    seed, continuation = scale(48, 2), scale(60, 1)
    return export.write_take(folder, seed, continuation, join(seed, continuation, SPLIT), SPLIT, recipe=RECIPE, **options)


def no_synthesizer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")


def test_a_take_has_exactly_the_documented_files(tmp_path: Path) -> None:
    files = write(tmp_path / "out")
    wanted = "seed.mid continuation.mid joined.mid seed.wav continuation.wav joined.wav joined.musicxml roll.svg recipe.json"
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(wanted.split())
    assert {path.name for path in files.all()} == set(wanted.split())
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_composers_own_continuation_is_a_file_where_it_is_known(tmp_path: Path) -> None:
    files = write(tmp_path, original=scale(72, 2), audio="")
    assert files.original_midi == tmp_path / "original.mid"
    assert read_midi(tmp_path / "original.mid").notes["pitch"].tolist() == list(range(72, 80))
    assert files.original_midi in files.all()
    assert write(tmp_path, audio="").original_midi is None
    assert not (tmp_path / "original.mid").exists()


def test_the_files_contain_the_music(tmp_path: Path) -> None:
    files = write(tmp_path)
    seed, joined = read_midi(files.seed_midi), read_midi(files.joined_midi)
    assert seed.notes["pitch"].tolist() == list(range(48, 56))
    assert joined.notes["onset"].tolist() == list(range(0, 12 * 24, 24))
    assert joined.notes["pitch"].tolist() == [*range(48, 56), *range(60, 64)]
    assert joined.tempi == (Tempo(0, 240.0),)
    assert json.loads(files.recipe.read_text(encoding="utf-8")) == RECIPE
    assert files.score is not None
    assert read_score(files.score).notes["pitch"].tolist() == joined.notes["pitch"].tolist()
    assert files.roll.read_text(encoding="utf-8").startswith("<svg")
    assert files.joined_audio is not None
    with wave.open(str(files.joined_audio)) as sound:
        assert sound.getnframes() / sound.getframerate() == pytest.approx(3 + 2, abs=0.1)  # three bars and the tail


def test_midi_bytes_are_the_same_every_time(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a", audio=""), write(tmp_path / "b", audio="")
    for one, other in zip(first.all(), second.all(), strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_midi_carries_the_recipe_and_the_instrument(tmp_path: Path) -> None:
    data = write(tmp_path, audio="", score=False, instrument="harp").joined_midi.read_bytes()
    assert json.dumps(RECIPE, sort_keys=True).encode() in data
    assert bytes([0xC0, 46]) in data


def test_all_three_midi_files_have_the_ensemble(tmp_path: Path) -> None:
    files = write(tmp_path, audio="", score=False, instrument="String-Quartet")
    for path in (files.seed_midi, files.continuation_midi, files.joined_midi):
        data = path.read_bytes()
        assert data.count(b"MTrk") == 5
        assert b"First violin" in data
    assert read_midi(files.joined_midi).notes["pitch"].tolist() == [*range(48, 56), *range(60, 64)]


def test_without_a_synthesizer_only_the_audio_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_synthesizer(monkeypatch)
    files = write(tmp_path)
    assert (files.seed_audio, files.continuation_audio, files.joined_audio) == (None, None, None)
    assert "install" in files.note
    assert {path.suffix for path in tmp_path.iterdir()} == {".mid", ".musicxml", ".svg", ".json"}


def test_a_score_to_print_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    files = write(tmp_path, audio="", score=False, pdf="Letter")
    assert files.score_pdf == tmp_path / "joined.pdf"
    assert files.score_pdf.read_bytes().startswith(b"%PDF-")
    assert files.score_pdf in files.all()
    assert files.score is None
    assert write(tmp_path, audio="").score_pdf is None
    assert not (tmp_path / "joined.pdf").exists()


def test_the_score_marks_the_hand_over_and_has_a_staff_for_each_player(tmp_path: Path) -> None:
    score = write(tmp_path, audio="", instrument="string quartet").score
    assert score is not None
    text = score.read_text(encoding="utf-8")
    assert text.count(f">{HAND_OVER}<") == 1
    assert text.count("<score-part ") == 4


def test_an_unknown_paper_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="A4 or Letter"):
        write(tmp_path / "out", audio="", pdf="A0")
    assert not list(tmp_path.iterdir())


def test_the_audio_of_an_earlier_take_is_removed(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("stays", encoding="utf-8")
    write(tmp_path, score=False)
    files = write(tmp_path, audio="", score=False)
    assert files.joined_audio is None
    assert {path.suffix for path in tmp_path.iterdir()} == {".mid", ".svg", ".json", ".txt"}


def test_a_failure_leaves_the_earlier_take_unchanged(tmp_path: Path) -> None:
    files = write(tmp_path / "out", audio="")
    before = {path.name: path.read_bytes() for path in files.all()}
    seed = scale(48, 2)
    with pytest.raises(TypeError):  # a recipe that isn't JSON data
        export.write_take(tmp_path / "out", seed, seed, seed, SPLIT, recipe={"x": {1}}, audio="")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OptionError, match="can't be written"):
        write(tmp_path / "file" / "out", audio="")


def test_an_unknown_instrument_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="kazoo"):
        write(tmp_path / "out", instrument="kazoo")
    assert not list(tmp_path.iterdir())


def test_a_zip_contains_every_file_in_a_folder_of_its_name(tmp_path: Path) -> None:
    files = write(tmp_path / "out", audio="", score=False)
    export.zip_take(files, tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert sorted(archive.namelist()) == sorted(f"all/{path.name}" for path in files.all())


def test_a_title_may_have_any_characters(tmp_path: Path) -> None:
    seed = replace(scale(48, 2), title="Für Elise ♯ & <b>")
    files = export.write_take(tmp_path, seed, seed, seed, SPLIT, recipe={"seed": "für"}, audio="", score=False)
    assert read_midi(files.seed_midi).title == seed.title
