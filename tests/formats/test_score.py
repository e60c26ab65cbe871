from __future__ import annotations

import random
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from musiclstm.errors import MusicFileError
from musiclstm.formats.musicxml import musicxml_text, write_musicxml
from musiclstm.formats.score import corpus_names, parse_abc, read_corpus, read_score
from musiclstm.music.notes import Key, Metre, Piece, Tempo, bar_lines, clean_metres, make_notes

# Christian Petzold (1677-1733), Minuet in G from the notebook for Anna Magdalena Bach, BWV Anh. 114: the first eight bars.
MINUET = """X:1
T:Minuet in G
C:Petzold, Christian (1677-1733)
M:3/4
L:1/8
Q:1/4=110
K:G
V:1
d2 GABc|d2 G2 G2|e2 cdef|g2 G2 G2|c2 dcBA|B2 cBAG|F2 GABG|A6|
V:2
[G,B,D]4 A,2|B,6|C6|B,6|A,6|G,6|D2 B,2 G,2|D2 D,CB,A,|
"""

# Joseph Haydn (1732-1809), Symphony No. 94, second movement: after the theme, with pickup, tie, grace note and chord symbols.
PICKUP = """X:1
M:2/4
L:1/8
K:C
G2|"C"CCEE|G2 {f}E2-|E2 [DF]2|"G7"DDB,B,|G2|]
"""

CLARINET = """<?xml version="1.0"?><score-partwise version="3.1">
<movement-title>clarinet.musicxml</movement-title>
<identification><creator type="composer">Weber, Carl Maria von (1786-1826)</creator></identification>
<part-list><score-part id="P1"><part-name>Clarinet in Bb</part-name></score-part>
<score-part id="P2"><part-name>Drums</part-name></score-part></part-list>
<part id="P1">
<measure number="0" implicit="yes"><attributes><divisions>6</divisions><key><fifths>2</fifths><mode>major</mode></key>
<time><beats>4</beats><beat-type>4</beat-type></time><transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose></attributes>
<direction><direction-type><words>Allegro</words></direction-type><sound tempo="132"/></direction>
<note><pitch><step>D</step><octave>5</octave></pitch><duration>6</duration><type>quarter</type></note></measure>
<measure number="1">
<note><grace/><pitch><step>B</step><octave>5</octave></pitch><type>eighth</type></note>
<note><pitch><step>F</step><alter>1</alter><octave>5</octave></pitch><duration>2</duration></note>
<note><pitch><step>G</step><octave>5</octave></pitch><duration>2</duration></note>
<note><pitch><step>A</step><octave>5</octave></pitch><duration>2</duration></note>
<note><pitch><step>D</step><octave>5</octave></pitch><duration>18</duration><tie type="start"/></note></measure>
<measure number="2"><note><pitch><step>D</step><octave>5</octave></pitch><duration>12</duration><tie type="stop"/></note>
<note><pitch><step>E</step><octave>5</octave></pitch><duration>6</duration></note>
<note><chord/><pitch><step>C</step><alter>1</alter><octave>5</octave></pitch><duration>6</duration></note></measure>
</part>
<part id="P2"><measure number="0" implicit="yes"><attributes><divisions>6</divisions></attributes>
<note><unpitched><display-step>E</display-step><display-octave>4</display-octave></unpitched><duration>6</duration></note></measure>
<measure number="1"><note><rest/><duration>24</duration></note></measure>
<measure number="2"><note><rest/><duration>18</duration></note></measure></part></score-partwise>"""

KERN = "**kern\t**kern\n*clefF4\t*clefG2\n*k[b-]\t*k[b-]\n*F:\t*F:\n*M3/8\t*M3/8\n=1\t=1\n4.F\t[8a\n.\t8cc]\n.\t8ff\n=2\t=2\n"
KERN = KERN.replace("[8a", "8a").replace("8cc]", "[8cc").replace("8ff\n=2\t=2\n", "8cc]\n=2\t=2\n4.C\t4.e\n==\t==\n*-\t*-\n")


def onsets(piece: Piece) -> list[tuple[int, int]]:
    return [(onset, pitch) for onset, pitch, _, _ in piece.notes.tolist()]


def rows(piece: Piece) -> list[tuple[int, int, int]]:
    return [(onset, pitch, duration) for onset, pitch, duration, _ in piece.notes.tolist()]


# Reading


def test_abc_is_read_with_all_its_voices_and_names() -> None:
    piece = parse_abc(MINUET, "minuet.abc")
    assert [pitch for onset, pitch in onsets(piece) if onset == 0] == [55, 59, 62, 74]
    assert piece.end == 8 * 72
    assert (piece.metres, piece.tempi, piece.key) == ((Metre(0, 3, 4),), (Tempo(0, 110.0),), Key(1, "major"))
    assert (piece.title, piece.composer, piece.source) == ("Minuet in G", "Christian Petzold", "minuet.abc")


def test_a_pickup_ends_the_first_bar() -> None:
    piece = parse_abc(PICKUP, "haydn.abc")
    assert onsets(piece)[:3] == [(24, 67), (48, 60), (60, 60)]
    assert bar_lines(piece).tolist() == [0, 48, 96, 144, 192, 240, 288]


def test_ties_join_notes_and_grace_notes_and_chord_symbols_are_left_out() -> None:
    found = rows(parse_abc(PICKUP, "haydn.abc"))
    assert (120, 64, 48) in found  # E, tied over the bar line
    assert [row for row in found if row[0] == 168] == [(168, 62, 24), (168, 65, 24)]
    assert {pitch for _, pitch, _ in found} == {59, 60, 62, 64, 65, 67}


def test_a_missing_tempo_falls_back_to_the_default() -> None:
    assert parse_abc(PICKUP, "haydn.abc").tempi == (Tempo(0, 100.0),)


def test_the_first_tune_with_notes_in_an_abc_book_is_read() -> None:
    book = "% a book\n\nX:1\nT:Nothing\nK:C\n\nX:2\nT:Something\nL:1/4\nM:2/4\nK:C\nCD|\n\nX:3\nT:More\nK:C\nefga|\n"
    piece = parse_abc(book, "book.abc")
    assert piece.title == "Something"
    assert onsets(piece) == [(0, 60), (24, 62)]


def test_a_transposing_instrument_is_read_at_sounding_pitch(tmp_path: Path) -> None:
    (tmp_path / "clarinet.musicxml").write_text(CLARINET)
    piece = read_score(tmp_path / "clarinet.musicxml")
    assert rows(piece) == [(72, 72, 24), (96, 76, 8), (104, 77, 8), (112, 79, 8), (120, 72, 120), (240, 71, 24), (240, 74, 24)]
    assert piece.key == Key(0, "major")
    assert piece.tempi == (Tempo(0, 132.0),)
    assert (piece.title, piece.composer) == ("clarinet", "Carl Maria von Weber")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_encoding_of_a_score_is_detected(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "score.xml").write_bytes(CLARINET.replace("clarinet.musicxml", "Für Bärmann").encode(encoding))
    assert read_score(tmp_path / "score.xml").title == "Für Bärmann"


def test_a_compressed_score_is_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "score.mxl", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("META-INF/container.xml", '<container><rootfiles><rootfile full-path="b.xml"/></rootfiles></container>')
        archive.writestr("a.xml", "<other/>")
        archive.writestr("b.xml", CLARINET)
    assert len(read_score(tmp_path / "score.mxl")) == 7


def test_kern_is_read_with_key_and_ties(tmp_path: Path) -> None:
    (tmp_path / "score.krn").write_text(KERN)
    piece = read_score(tmp_path / "score.krn")
    assert rows(piece) == [(0, 53, 36), (0, 69, 12), (12, 72, 24), (36, 48, 36), (36, 64, 36)]
    assert (piece.key, piece.metres) == (Key(-1, "major"), (Metre(0, 3, 8),))


BAD_SCORES = {
    "empty.abc": ("", "empty.abc is empty"),
    "notes.abc": ("X:1\nK:C\n", "notes.abc"),
    "text.musicxml": ("Just a text.", "text.musicxml can't be read as MusicXML"),
    "cut.musicxml": (CLARINET[:900], "cut.musicxml can't be read as MusicXML"),
    "html.xml": ("<html><body>404</body></html>", "html.xml can't be read as MusicXML"),
    "text.krn": ("Just a text.", "text.krn"),
    "text.mxl": ("Just a text.", "text.mxl is a damaged or incomplete compressed score"),
    "tune.mid": ("X:1\nK:C\nCDE|", "tune.mid is a MIDI file, to be read with read_midi"),
    "tune.txt": ("X:1\nK:C\nCDE|", "tune.txt is not a score this program can read"),
    "value.abc": ("X:1\nL:1/8\nK:C\nC9999999|", "value.abc has a note value of 9999999 units"),
    "metre.abc": ("X:1\nM:9999/4\nK:C\nCDEF|", "metre.abc has a metre of 9999 beats"),
    "unit.abc": ("X:1\nM:4/4\nL:99/1\nK:C\nC99|", "unit.abc has a note value of 99 units"),
    "long.krn": ("**kern\n*M4/4\n=1\n" + "1%9999c\n" * 3 + "*-\n", "long.krn is longer than 100000 quarters"),
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
    for _ in range(40):
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


# Writing


def bars_of(text: str) -> list[ET.Element]:
    return ET.fromstring(text.encode()).findall("part/measure")


def filled(bar: ET.Element) -> list[Fraction]:
    """How far the bar's content reaches each time the writer goes back to its start, in quarters of 10080 divisions."""
    reached, now = [], 0
    for element in bar:
        length = int(element.findtext("duration", "0"))
        if element.tag == "backup":
            reached.append(now)
            now -= length
            assert now == 0
        elif element.tag == "forward" or (element.tag == "note" and element.find("chord") is None):
            now += length
    return [Fraction(end, 10080) for end in [*reached, now]]


def assert_well_written(piece: Piece, folder: Path) -> Piece:
    """Every bar is exactly full in every voice and no pitch is lost; returns what is read back."""
    text = musicxml_text(piece)
    bars = bars_of(text)
    assert len(bars) == len(bar_lines(piece, max(1, piece.end))) - 1
    length = Fraction(0)
    for bar in bars:
        time = bar.find("attributes/time")
        if time is not None:
            length = Fraction(4 * int(time.findtext("beats", "")), int(time.findtext("beat-type", "")))
        assert set(filled(bar)) == {length}
    (folder / "written.musicxml").write_text(text)
    again = read_score(folder / "written.musicxml")
    assert set(again.notes["pitch"].tolist()) == set(piece.notes["pitch"].tolist())
    return again


def test_clean_music_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    piece = parse_abc(MINUET, "minuet.abc")
    again = assert_well_written(piece, tmp_path)
    assert rows(again) == rows(piece)
    assert (again.metres, again.tempi, again.key, again.title, again.composer) == (
        (piece.metres, piece.tempi, piece.key, piece.title, piece.composer)
    )


def test_a_chorale_is_read_back_with_every_onset(tmp_path: Path) -> None:
    piece = read_corpus("bach/bwv66.6")
    assert onsets(assert_well_written(piece, tmp_path)) == onsets(piece)


def test_metre_changes_and_dense_tuplets_are_read_back_with_every_onset(tmp_path: Path) -> None:
    beats = {0: 1, 24: 2, 48: 3, 72: 4, 96: 5, 120: 6, 144: 7, 168: 8, 192: 3}
    struck = [beat + (2 * k * 24 + parts) // (2 * parts) for beat, parts in beats.items() for k in range(parts)]
    piece = Piece(
        make_notes(struck, [60 + i % 12 for i in range(len(struck))], [2] * len(struck), [64] * len(struck)),
        metres=(Metre(0, 4, 4), Metre(96, 5, 8), Metre(156, 3, 4)),
    )
    again = assert_well_written(piece, tmp_path)
    # Fifths and sevenths of a beat fall between our ticks; reading rounds them to the ticks they came from.
    assert {onset for onset, _ in onsets(again)} >= {onset for onset in struck if onset < 96}
    assert again.metres == piece.metres


def test_a_note_longer_than_a_bar_is_tied_and_read_back_whole(tmp_path: Path) -> None:
    piece = Piece(make_notes([0, 24, 48], [48, 72, 74], [300, 24, 24], [64] * 3), metres=(Metre(0, 3, 4),))
    assert (0, 48, 300) in rows(assert_well_written(piece, tmp_path))


def test_any_notes_in_any_metres_can_be_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    metres = [(4, 4), (3, 4), (6, 8), (5, 8), (2, 2), (9, 16), (3, 2), (1, 4), (11, 16), (2, 32), (12, 8)]
    for round_ in range(12):
        count, span = int(rng.integers(1, 60)), int(rng.integers(10, 500))
        notes = make_notes(
            rng.integers(0, span, count), rng.integers(21, 109, count), rng.choice([1, 3, 8, 24, 97, 400], count), [64] * count
        )
        changes = [Metre(int(rng.integers(0, span)), *metres[rng.integers(len(metres))]) for _ in range(round_ % 4)]
        assert_well_written(Piece(notes, metres=clean_metres(changes)), tmp_path)


def test_no_notes_give_a_bar_of_rest() -> None:
    bars = bars_of(musicxml_text(Piece(make_notes([], [], [], []))))
    assert len(bars) == 1
    assert len(bars[0].findall("note/rest")) == 2


def test_a_score_has_two_staves_with_key_metre_and_tempo() -> None:
    piece = replace(parse_abc(MINUET, "minuet.abc"), metres=(Metre(0, 6, 8),), tempi=(Tempo(0, 90.0), Tempo(144, 120.0)))
    text = musicxml_text(piece)
    first, _, third, *_ = bars_of(text)
    assert first.findtext("attributes/staves") == "2"
    assert [clef.findtext("sign") for clef in first.findall("attributes/clef")] == ["G", "F"]
    assert (first.findtext("attributes/key/fifths"), first.findtext("attributes/time/beats")) == ("1", "6")
    assert first.find(".//metronome/beat-unit-dot") is not None
    assert (first.findtext(".//per-minute"), third.findtext(".//per-minute")) == ("60", "80")
    assert [bar.get("number") for bar in bars_of(text)] == [str(n) for n in range(1, 9)]


def test_the_same_piece_gives_the_same_text_without_a_date() -> None:
    piece = parse_abc(MINUET, "minuet.abc")
    assert musicxml_text(piece) == musicxml_text(piece)
    assert "encoding-date" not in musicxml_text(piece)
    assert ">Music21<" not in musicxml_text(replace(piece, composer=""))


def test_text_in_names_is_escaped(tmp_path: Path) -> None:
    piece = replace(parse_abc(MINUET, "minuet.abc"), title="Tom & <Jerry>", composer='"B"')
    write_musicxml(piece, tmp_path / "written.musicxml")
    assert read_score(tmp_path / "written.musicxml").title == "Tom & <Jerry>"


def test_a_title_with_control_characters_still_gives_valid_xml() -> None:
    piece = Piece(make_notes([0], [60], [24], [64]), title="A\x07B\x1f <c>")
    whole = ET.fromstring(musicxml_text(piece))
    assert "AB <c>" in "".join(whole.itertext())
