"""Sheet music: every note appears once, the hand-over is visible, and the picture is self-contained."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from musiclstm.errors import MusicFileError, OptionError
from musiclstm.formats.musicxml import HAND_OVER, musicxml_text
from musiclstm.formats.score import read_score
from musiclstm.music import voices_of
from musiclstm.music.notes import Key, Metre, Piece, join, make_notes
from musiclstm.render.sheet import Sheet, engrave

SVG = "{http://www.w3.org/2000/svg}"
SPLIT = 2 * 96


def scale(title: str = "Scale") -> Piece:
    """Four bars of quarters, a low C under each bar."""
    onsets = [24 * beat for beat in range(16)] + [96 * bar for bar in range(4)]
    pitches = [60 + 2 * (beat % 8) for beat in range(16)] + [36] * 4
    return Piece(make_notes(onsets, pitches, [24] * 16 + [96] * 4, [70] * 20), title=title)


def eighths() -> Piece:
    """Two bars of beamed eighths over chords, then a bar's rest and a chord."""
    onsets = [*range(0, 192, 12), 0, 0, 96, 96, 288, 288]
    pitches = [72 + step % 5 for step in range(16)] + [48, 55, 50, 57, 48, 52]
    return Piece(make_notes(onsets, pitches, [12] * 16 + [96] * 6, [70] * 22))


def drawn(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def of_class(svg: str, name: str) -> list[ElementTree.Element]:
    """The groups of a class, in drawing order."""
    return [group for group in drawn(svg).iter(f"{SVG}g") if name in group.get("class", "").split()]


def classes(svg: str) -> dict[str, set[str]]:
    """The classes of each note by its id."""
    return {note.get("id", ""): set(note.get("class", "").split()) for note in of_class(svg, "note")}


def words(svg: str) -> list[str]:
    """The text in the picture, line by line."""
    return [" ".join("".join(text.itertext()).split()) for text in drawn(svg).iter(f"{SVG}text")]


def title_of(svg: str) -> str:
    (head,) = of_class(svg, "pgHead")
    return "".join(next(head.iter(f"{SVG}text")).itertext()).strip()


def marked(sheet: Sheet) -> list[int]:
    """The onsets of the notes marked as the continuation."""
    found = classes(sheet.svg)
    return [onset for name, onset, _ in sheet.notes if "continuation" in found[name]]


def test_every_note_is_engraved_once_with_its_onset_and_end() -> None:
    piece = scale()
    sheet = engrave(musicxml_text(piece))
    assert sorted(onset for _, onset, _ in sheet.notes) == sorted(piece.notes["onset"].tolist())
    assert sorted(end for _, _, end in sheet.notes) == sorted((piece.notes["onset"] + piece.notes["duration"]).tolist())
    assert [onset for _, onset, _ in sheet.notes] == sorted(onset for _, onset, _ in sheet.notes)


def test_ids_match_the_notes_of_the_picture_one_to_one() -> None:
    sheet = engrave(musicxml_text(eighths()))
    names = [name for name, _, _ in sheet.notes]
    assert len(set(names)) == len(names) == 22
    assert set(names) == set(classes(sheet.svg))
    assert all(re.fullmatch("[a-z][a-z0-9-]+", name) for name in names)


@pytest.mark.parametrize("name", ["march", "waltz", "jig"])
def test_music_in_any_metre_is_engraved_as_it_is_read_from_the_score(name: str, tunes: dict[str, Piece], tmp_path: Path) -> None:
    text = musicxml_text(tunes[name])
    (tmp_path / "score.musicxml").write_text(text, encoding="utf-8")
    expected = read_score(tmp_path / "score.musicxml").notes["onset"].tolist()
    assert not Counter(expected) - Counter(onset for _, onset, _ in engrave(text).notes)


def test_a_tied_note_is_listed_in_all_its_parts() -> None:
    tied = Piece(make_notes([72, 96], [60, 48], [48, 96], [70, 70]))
    sheet = engrave(musicxml_text(tied))
    assert [onset for _, onset, _ in sheet.notes] == [72, 96, 96]  # over the bar line in two parts
    assert len(of_class(sheet.svg, "tie")) == 1


def test_both_hands_have_a_staff_and_systems_begin_with_the_number_of_their_bar() -> None:
    svg = engrave(musicxml_text(join(scale(), scale(), 384)), width=400).svg
    bars = of_class(svg, "measure")
    assert len(bars) == 8
    assert all(len([group for group in bar if group.get("class") == "staff"]) == 2 for bar in bars)
    numbers = ["".join(group.itertext()).strip() for group in of_class(svg, "mNum")]
    assert len(numbers) == len(of_class(svg, "system")) - 1 >= 1  # the first needs none
    assert all(1 < int(number) <= 8 for number in numbers)


def test_signatures_and_tempo_are_written() -> None:
    waltz = replace(scale(), metres=(Metre(0, 3, 4),), key=Key(2, "major"))
    svg = engrave(musicxml_text(waltz)).svg
    assert len(of_class(svg, "meterSig")) == 2
    assert sum(len(list(sign)) for sign in of_class(svg, "keySig")[:2]) == 4
    assert any(line.endswith("= 120") for line in words(svg))
    assert not {"Piano", "Pno"} & set(words(svg))  # they would take room before every system


def test_the_continuation_is_marked_from_its_first_note_on() -> None:
    sheet = engrave(musicxml_text(scale()), split=SPLIT)
    assert marked(sheet) == [onset for _, onset, _ in sheet.notes if onset >= SPLIT] != []
    assert "--continuation-ink" in sheet.svg


def test_chords_beams_and_rests_have_the_colour_of_their_notes() -> None:
    svg = engrave(musicxml_text(eighths()), split=96).svg
    for name in ("chord", "beam"):
        groups = of_class(svg, name)
        own = [{"continuation" in note.get("class", "").split() for note in group.iter() if note.get("id")} for group in groups]
        assert own.count({True}) > 0
        assert own.count({False}) > 0
        assert [{"continuation" in group.get("class", "").split()} for group in groups] == own
    assert all("continuation" in rest.get("class", "").split() for rest in of_class(svg, "mRest"))


def test_notes_tied_over_from_the_seed_are_not_marked() -> None:
    ringing = Piece(make_notes([72, 96, 144], [60, 76, 77], [96, 48, 48], [70] * 3))
    sheet = engrave(musicxml_text(ringing), split=96)
    assert [onset for _, onset, _ in sheet.notes] == [72, 96, 96, 144]
    assert marked(sheet) == [96, 144]
    (tie,) = of_class(sheet.svg, "tie")
    assert "continuation" not in tie.get("class", "")


@pytest.mark.parametrize(("split", "bar"), [(0, 1), (SPLIT, 3), (SPLIT + 48, 3)])
def test_the_hand_over_is_labelled_above_its_bar_and_in_the_description(split: int, bar: int) -> None:
    svg = engrave(musicxml_text(scale()), split=split).svg
    assert words(svg).count(HAND_OVER) == 1
    holds = [
        any("".join(text.itertext()).strip() == HAND_OVER for text in m.iter(f"{SVG}text")) for m in of_class(svg, "measure")
    ]
    assert holds.index(True) == bar - 1
    assert drawn(svg).attrib["aria-label"] == f"Score of Scale; the continuation begins in bar {bar}"


@pytest.mark.parametrize("split", [None, 4 * 96])
def test_without_a_continuation_nothing_is_marked(split: int | None) -> None:
    assert "continuation" not in engrave(musicxml_text(scale()), split=split).svg


def test_the_picture_is_self_contained_and_fits_its_container() -> None:
    svg = engrave(musicxml_text(scale()), split=SPLIT, width=800).svg
    root = drawn(svg)
    left, top, wide, _ = map(int, root.attrib["viewBox"].split())
    assert (left, top) == (0, 0)
    assert abs(wide - 800) <= 1
    assert not {"width", "height"} & set(root.attrib)
    assert set(re.findall(r"https?://[^\"' )<]+", svg)) == {"http://www.w3.org/2000/svg"}
    assert "url(" not in svg  # even the note in the tempo mark needs no font
    referred = {element.attrib["href"] for element in root.iter() if "href" in element.attrib}
    assert referred <= {f"#{element.get('id')}" for element in root.iter()}


def test_ink_is_the_colour_of_the_text_around() -> None:
    svg = engrave(musicxml_text(scale())).svg
    colours = {element.get(name) for element in drawn(svg).iter() for name in ("color", "fill", "stroke")} - {None}
    assert colours == {"currentColor"}


def test_two_sheets_share_no_id_on_a_page() -> None:
    text = musicxml_text(scale())
    others = [engrave(text), engrave(text, split=SPLIT), engrave(text, width=500), engrave(musicxml_text(scale("Another")))]
    names = Counter(element.attrib["id"] for sheet in others for element in drawn(sheet.svg).iter() if "id" in element.attrib)
    assert set(names.values()) == {1}
    for sheet in others:  # nor do their styles affect one another
        own = drawn(sheet.svg).attrib["id"]
        assert set(re.findall(r"#([\w-]+) ", "".join(style.text or "" for style in drawn(sheet.svg).iter(f"{SVG}style")))) == {
            own
        }


def test_the_same_score_gives_the_same_sheet_in_any_thread() -> None:
    text = musicxml_text(scale())
    with ThreadPoolExecutor(2) as pool:
        sheets = list(pool.map(lambda _: engrave(text, split=SPLIT), range(4)))
    assert set(sheets) == {engrave(text, split=SPLIT)}


def test_a_hostile_title_stays_text() -> None:
    title = "<script>alert(1)</script>\" onload='x' &\x01"
    svg = engrave(musicxml_text(scale(title)), split=SPLIT).svg
    assert "<script" not in svg
    assert {element.tag.removeprefix(SVG) for element in drawn(svg).iter()} <= {
        *("svg", "desc", "defs", "style", "g", "path", "use", "text", "tspan", "rect", "polygon", "polyline", "ellipse")
    }
    assert not [name for element in drawn(svg).iter() for name in element.attrib if name.startswith("on")]
    assert title_of(svg) == title.replace("\x01", "").strip()


def test_a_long_title_is_shortened_on_the_page_and_full_in_the_description() -> None:
    title = "Variations on a theme that goes on " * 4
    svg = engrave(musicxml_text(scale(title.strip())), width=400).svg
    assert title_of(svg).endswith("…")
    assert len(title_of(svg)) < 400 / 12
    assert title.strip() in drawn(svg).attrib["aria-label"]


@pytest.mark.parametrize("text", ["", "no music", "<score-partwise", "<score-partwise/>", "<a/>", "half"])
def test_an_invalid_score_is_refused_in_one_sentence(text: str) -> None:
    whole = musicxml_text(scale())
    with pytest.raises(MusicFileError, match=r"^The score can't be engraved[^.]*\.$"):
        engrave(whole[: len(whole) // 2] if text == "half" else text)


def test_nothing_is_printed_on_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    assert len(engrave(long_score(1).replace("16th", "17th")).notes) == 16  # verovio would warn about it
    assert capfd.readouterr() == ("", "")


def test_a_score_too_long_for_one_sheet_is_refused_in_one_sentence() -> None:
    with pytest.raises(MusicFileError, match=r"^The score has more systems than fit on one page 320 pixels wide\.$"):
        engrave(long_score(600), width=320)


def long_score(bars: int) -> str:
    """``bars`` bars of sixteenths, one per system on a narrow page; as text, since building it from notes takes seconds."""
    pitch, time = "<pitch><step>C</step><octave>5</octave></pitch>", "<duration>1</duration><voice>1</voice><type>16th</type>"
    bar = f"<note>{pitch}{time}</note>" * 16
    first = "<attributes><divisions>4</divisions><time><beats>4</beats><beat-type>4</beat-type></time></attributes>"
    rows = "".join(f'<measure number="{n}">{first if n == 1 else ""}{bar}</measure>' for n in range(1, bars + 1))
    parts = '<part-list><score-part id="P1"><part-name>Piano</part-name></score-part></part-list>'
    return f'<score-partwise version="4.0">{parts}<part id="P1">{rows}</part></score-partwise>'


@pytest.mark.parametrize("width", [319, 4001])
def test_a_width_out_of_range_is_refused_in_one_sentence(width: int) -> None:
    with pytest.raises(OptionError, match=f"320 to 4000 pixels wide, not {width}"):
        engrave(musicxml_text(scale()), width=width)


def test_verovio_is_not_loaded_before_it_is_needed() -> None:
    code = "import sys, musiclstm.render.sheet; sys.exit('verovio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_time_counts_from_where_the_bar_of_a_pickup_would_begin() -> None:
    piece = Piece(make_notes([72, 96, 192], [67, 72, 74], [24, 96, 96], [70] * 3))
    sheet = engrave(musicxml_text(piece), split=192)
    assert [onset for _, onset, _ in sheet.notes] == [72, 96, 192]
    assert marked(sheet) == [192]
    assert drawn(sheet.svg).attrib["aria-label"].endswith("the continuation begins in bar 2")  # the pickup is bar 0


def test_the_hand_over_is_labelled_once_whether_the_score_has_words_or_not() -> None:
    for text in (musicxml_text(scale()), musicxml_text(scale(), split=SPLIT)):
        assert words(engrave(text, split=SPLIT).svg).count(HAND_OVER) == 1


def test_composer_and_hand_over_stand_under_the_title() -> None:
    svg = engrave(musicxml_text(replace(scale(), composer="Clara Schumann"), split=SPLIT), split=SPLIT).svg
    (head,) = of_class(svg, "pgHead")
    assert "".join(head.itertext()) == f"ScaleClara Schumann{HAND_OVER} from bar 3"


def test_players_of_an_ensemble_are_named_before_their_staves() -> None:
    svg = engrave(musicxml_text(scale(), voices=voices_of("string quartet"))).svg
    assert {"First violin", "Second violin", "Viola", "Cello"} <= set(words(svg))


def test_on_a_phone_the_music_is_set_in_more_systems() -> None:
    wide, narrow = (engrave(musicxml_text(join(scale(), scale(), 384)), width=width).svg for width in (1000, 360))
    assert len(of_class(narrow, "system")) > len(of_class(wide, "system"))
    assert abs(int(drawn(narrow).attrib["viewBox"].split()[2]) - 360) <= 1
