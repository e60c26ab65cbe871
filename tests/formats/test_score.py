from __future__ import annotations

import random
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from score_examples import CLARINET, KERN, MINUET, onsets

from musiclstm.errors import MissingToolError, MusicFileError
from musiclstm.formats.score import corpus_names, parse_abc, read_corpus, read_score
from musiclstm.music.notes import Key, Metre, Tempo, bar_lines


def test_a_score_of_any_kind_is_read(tmp_path: Path) -> None:
    for name, text, count in (("a.abc", MINUET, 49), ("b.krn", KERN, 5), ("c.musicxml", CLARINET, 7), ("d.XML", CLARINET, 7)):
        (tmp_path / name).write_text(text)
        piece = read_score(tmp_path / name)
        assert (len(piece), piece.source) == (count, name)


def test_abc_is_read_from_a_text() -> None:
    piece = parse_abc(MINUET, "minuet.abc")
    assert [pitch for onset, pitch in onsets(piece) if onset == 0] == [55, 59, 62, 74]
    assert piece.end == 8 * 72
    assert (piece.metres, piece.tempi, piece.key) == ((Metre(0, 3, 4),), (Tempo(0, 110.0),), Key(1, "major"))
    assert (piece.title, piece.composer, piece.source) == ("Minuet in G", "Christian Petzold", "minuet.abc")


BAD_SCORES = {
    "empty.abc": ("", "empty.abc is empty"),
    "notes.abc": ("X:1\nK:C\n", "notes.abc has no notes"),
    "words.abc": ("Just a text.", "words.abc has no notes"),
    "text.musicxml": ("Just a text.", "text.musicxml can't be read as MusicXML"),
    "cut.musicxml": (CLARINET[:900], "cut.musicxml can't be read as MusicXML"),
    "html.xml": ("<html><body>404</body></html>", "html.xml can't be read as MusicXML"),
    "rests.xml": (re.sub("<pitch>.*?</pitch>", "<rest/>", CLARINET), "rests.xml has no notes"),
    "beats.xml": (CLARINET.replace("<beats>4", "<beats>3+100"), "beats.xml has a metre of 103 beats"),
    "long.xml": (CLARINET.replace("<duration>18<", "<duration>9e99<"), "long.xml is longer than 100000 quarters"),
    "none.xml": (CLARINET.replace("<divisions>6", "<divisions>0"), "none.xml can't be read as MusicXML"),
    "text.krn": ("Just a text.", "text.krn can't be read as Humdrum"),
    "cut.krn": (KERN.replace("4.C\t4.e", "4.C"), "cut.krn is damaged: line 11 has 1"),
    "beats.krn": (KERN.replace("M3/8", "M3000/8"), "beats.krn has a metre of 3000 beats"),
    "value.krn": (KERN.replace("4.e", "4000000.e"), "value.krn has a note value of 4000000 in line 11"),
    "long.krn": ("**kern\n*M4/4\n=1\n" + "1%9999c\n" * 3 + "*-\n", "long.krn is longer than 100000 quarters"),
    "text.mxl": ("Just a text.", "text.mxl is a damaged or incomplete compressed score"),
    "tune.mid": ("X:1\nK:C\nCDE|", "tune.mid is a MIDI file, to be read with read_midi"),
    "tune.txt": ("X:1\nK:C\nCDE|", "tune.txt is not a score this program can read"),
    "value.abc": ("X:1\nL:1/8\nK:C\nC9999999|", "value.abc has a note value of 9999999 units"),
    "metre.abc": ("X:1\nM:9999/4\nK:C\nCDEF|", "metre.abc has a metre of 9999 beats"),
    "unit.abc": ("X:1\nM:4/4\nL:99/1\nK:C\nC99|", "unit.abc has a note value of 99 units"),
    "long.abc": ("X:1\nL:1/1\nK:C\n" + "C999|" * 60, "long.abc "),
}


@pytest.mark.parametrize("name", BAD_SCORES)
def test_a_bad_score_is_refused_in_one_sentence_that_names_it(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text, message = BAD_SCORES[name]
    (tmp_path / name).write_text(text)
    with pytest.raises(MusicFileError) as refusal:
        read_score(tmp_path / name)
    assert str(refusal.value).startswith(message)
    assert "\n" not in str(refusal.value)
    assert capfd.readouterr().err == ""


def test_a_missing_score_and_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.abc").mkdir()
    for name in ("none.abc", "folder.abc"):
        with pytest.raises(MusicFileError, match=rf"{name} (does not exist|is not a file)"):
            read_score(tmp_path / name)


@pytest.mark.parametrize("text", [MINUET, KERN, CLARINET], ids=["abc", "krn", "musicxml"])
def test_a_damaged_score_is_either_refused_or_read(text: str, tmp_path: Path) -> None:
    path = tmp_path / {MINUET: "score.abc", KERN: "score.krn", CLARINET: "score.musicxml"}[text]
    rng = random.Random(8)
    for _ in range(60):
        letters = list(text)
        for _ in range(rng.choice((1, 2, 8))):
            letters[rng.randrange(len(letters))] = rng.choice("ABCabc[](){}|:1290/<>-=~^_ \n\t*")
        path.write_text("".join(letters))
        try:
            piece = read_score(path)
        except MusicFileError as refusal:
            assert str(refusal).startswith("score.")
        else:
            assert (np.diff(bar_lines(piece)) > 0).all()


def test_without_abc2midi_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert shutil.which("abc2midi") is None
    with pytest.raises(MissingToolError, match="the package is abcmidi"):
        parse_abc(MINUET, "minuet.abc")


# music21's corpus


def test_the_corpus_lists_works_of_many_composers() -> None:
    names = corpus_names()
    assert list(names) == sorted(set(names))
    assert {"bach/bwv66.6.mxl", "joplin/maple_leaf_rag.mxl", "chopin/mazurka06-2.krn"} <= set(names)
    assert len({name.split("/")[0] for name in names}) > 20
    assert not any(name.startswith(("demos/", "theoryExercises/")) or name.endswith(".rntxt") for name in names)


def test_a_work_of_the_corpus_is_read_by_its_name() -> None:
    chorale = read_corpus("bach/bwv66.6.mxl")
    assert (chorale.composer, chorale.source, chorale.key) == ("Bach", "bach/bwv66.6.mxl", Key(3, "minor"))
    assert onsets(chorale)[0][0] == 72  # a quarter of pickup
    assert read_corpus("bach/bwv66.6") == chorale


@pytest.mark.parametrize("name", ["bach/nothing", "", "../converter/__init__.py", "bach", "/etc/passwd"])
def test_an_unknown_work_is_refused(name: str) -> None:
    with pytest.raises(MusicFileError, match="has no work"):
        read_corpus(name)
