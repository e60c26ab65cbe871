"""The piano roll, checked in the SVG that it draws."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from musiclstm.errors import OptionError
from musiclstm.music import voices_of
from musiclstm.music.notes import Metre, Piece, Tempo, make_notes
from musiclstm.render.pianoroll import CONTINUATION_COLOUR, SEED_COLOUR, roll_svg, write_roll

SVG = "{http://www.w3.org/2000/svg}"
FOUR_FOUR = Metre(0, 4, 4)
NOTHING = Piece(make_notes([], [], [], []))


def scale(bars: int, *, lowest: int = 60, metre: Metre = FOUR_FOUR) -> Piece:
    """A quarter note on every quarter, going up by one semitone each."""
    count = bars * metre.bar_ticks // 24
    return Piece(make_notes(np.arange(count) * 24, lowest + np.arange(count) % 24, [24] * count, [80] * count), metres=(metre,))


def drawn(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def group(svg: str, name: str) -> ElementTree.Element:
    found = drawn(svg).find(f".//{SVG}g[@class='{name}']")
    assert found is not None, name
    return found


def numbers(element: ElementTree.Element, attribute: str) -> list[float]:
    return [float(child.attrib[attribute]) for child in element]


def words(svg: str) -> list[str]:
    return [text.text or "" for text in drawn(svg).iter(f"{SVG}text")]


def bar_xs(svg: str, name: str = "bars") -> list[float]:
    path = drawn(svg).find(f".//{SVG}path[@class='{name}']")
    assert path is not None
    return [float(x) for x in re.findall(r"M([\d.]+) ", path.attrib["d"])]


def test_every_note_is_one_rectangle_in_the_colour_of_its_part() -> None:
    svg = roll_svg(scale(2), scale(3))
    seed, continuation = group(svg, "seed"), group(svg, "continuation")
    assert (len(seed), len(continuation)) == (8, 12)
    assert (seed.attrib["fill"], continuation.attrib["fill"]) == (SEED_COLOUR, CONTINUATION_COLOUR)
    assert {rect.tag for rect in [*seed, *continuation]} == {f"{SVG}rect"}


def test_what_a_person_played_in_the_continuation_has_the_colour_of_the_opening() -> None:
    played = np.arange(12) // 4 == 1
    rects = list(group(roll_svg(scale(2), scale(3), played=played), "continuation"))
    assert [rect.get("fill") == SEED_COLOUR for rect in rects] == played.tolist()


def test_notes_are_placed_by_tick_and_pitch() -> None:
    svg = roll_svg(scale(1), scale(1), quarter_px=30.0)
    left = float(drawn(svg).attrib["data-left"])
    assert numbers(group(svg, "seed"), "x") == [left, left + 30, left + 60, left + 90]
    assert numbers(group(svg, "continuation"), "x")[0] == left + 120
    heights = numbers(group(svg, "seed"), "y")
    assert heights == sorted(heights, reverse=True)


def test_longer_notes_are_wider_and_louder_ones_more_solid() -> None:
    piece = Piece(make_notes([0, 24], [60, 62], [24, 72], [20, 120]))
    rects = group(roll_svg(piece, quarter_px=24.0), "seed")
    assert numbers(rects, "width") == [23.0, 71.0]
    soft, loud = numbers(rects, "opacity")
    assert 0.7 <= soft < loud == 1.0


def test_hand_over_is_at_the_first_bar_line_after_the_last_onset() -> None:
    assert drawn(roll_svg(scale(2), scale(1))).attrib["data-split"] == "192"
    on_the_line = Piece(make_notes([0, 96], [60, 64], [24, 24], [80, 80]))
    assert drawn(roll_svg(on_the_line, scale(1))).attrib["data-split"] == "192"
    assert drawn(roll_svg(scale(2), scale(1), split=288)).attrib["data-split"] == "288"


def test_the_composers_own_continuation_is_there_for_a_script_and_hidden() -> None:
    own = drawn(roll_svg(scale(2), scale(1), original=("Bach's own", scale(1, lowest=30))))
    (hidden,) = (element for element in own.iter() if element.attrib.get("class") == "own")
    assert (hidden.attrib["display"], hidden.attrib["data-name"]) == ("none", "Bach's own")
    (notes,) = hidden.findall(f"{SVG}g")
    assert notes.attrib["data-notes"].split()[0] == "192:30:24:80"
    assert max(numbers(notes, "y")) < float(own.attrib["data-bottom"])  # there is room for its low notes


def test_hand_over_is_labelled_only_if_something_follows() -> None:
    assert {"opening", "continuation"} <= set(words(roll_svg(scale(2), scale(1))))
    assert {"opening", "continuation"} <= set(words(roll_svg(scale(2), NOTHING)))
    assert {"opening", "continuation"} <= set(words(roll_svg(scale(2), until=960)))
    assert not {"opening", "continuation"} & set(words(roll_svg(scale(2))))


def test_continuation_label_has_room_even_without_notes() -> None:
    root = drawn(roll_svg(scale(1), NOTHING))
    marker = next(text for text in root.iter(f"{SVG}text") if text.text == "continuation")
    assert float(root.attrib["width"]) - float(marker.attrib["x"]) > 90


def test_bar_lines_follow_changes_of_metre() -> None:
    metres = (Metre(0, 3, 4), Metre(144, 4, 4), Metre(240, 6, 8))
    piece = Piece(make_notes([0, 300], [60, 61], [24, 24], [80, 80]), metres=metres)
    left = float(drawn(roll_svg(piece)).attrib["data-left"])
    ticks = [round(x - left) for x in bar_xs(roll_svg(piece, quarter_px=24.0))]
    assert ticks == [0, 72, 144, 240, 312]


def test_beats_are_felt_beats_between_the_bar_lines() -> None:
    def beats(metre: Metre) -> list[int]:
        svg = roll_svg(Piece(make_notes([0], [60], [24], [80]), metres=(metre,)), quarter_px=24.0)
        return [round(x - float(drawn(svg).attrib["data-left"])) for x in bar_xs(svg, "beats")]

    assert beats(Metre(0, 3, 4)) == [24, 48]
    assert beats(Metre(0, 6, 8)) == [36]
    assert beats(Metre(0, 2, 2)) == [48]


def test_bars_are_numbered_from_one_through_both_parts() -> None:
    assert [text.text for text in group(roll_svg(scale(2), scale(2)), "bar-numbers")] == ["1", "2", "3", "4"]


def test_a_pickup_is_bar_0_as_in_the_score() -> None:
    upbeat = Piece(make_notes([72, 96], [60, 62], [24, 96], [80, 80]))
    svg = roll_svg(upbeat, scale(1), voices=voices_of("piano"))
    assert [text.text for text in group(svg, "bar-numbers")] == ["0", "1", "2"]
    assert drawn(svg).attrib["data-first"] == "0"
    assert drawn(roll_svg(scale(2), voices=voices_of("piano"))).attrib["data-first"] == "1"


def test_bar_numbers_keep_a_distance_in_short_bars() -> None:
    svg = roll_svg(scale(24, metre=Metre(0, 2, 4)), quarter_px=4.0)
    xs = numbers(group(svg, "bar-numbers"), "x")
    assert 4 < len(xs) < 24
    assert min(np.diff(xs)) >= 26


def test_octaves_are_named_and_the_range_fits_the_music() -> None:
    assert [name for name in words(roll_svg(scale(6, lowest=58))) if name.startswith("C")] == ["C4", "C5"]
    low = words(roll_svg(Piece(make_notes([0], [21], [24], [80]))))
    assert "C1" in low
    assert "C4" not in low


@pytest.mark.parametrize("pitch", [21, 60, 108])
def test_every_note_lies_inside_the_picture(pitch: int) -> None:
    root = drawn(roll_svg(Piece(make_notes([0], [pitch], [24], [80]))))
    (rect,) = group(ElementTree.tostring(root, encoding="unicode"), "seed")
    top, bottom = float(root.attrib["data-top"]), float(root.attrib["data-bottom"])
    assert top <= float(rect.attrib["y"]) <= bottom - float(rect.attrib["height"]) + 0.1


def test_width_grows_with_the_bars_and_height_stays() -> None:
    short, long = drawn(roll_svg(scale(4), scale(4))), drawn(roll_svg(scale(4), scale(12)))
    assert float(long.attrib["width"]) - float(short.attrib["width"]) == pytest.approx(8 * 4 * 22, abs=1)
    assert short.attrib["height"] == long.attrib["height"] == "280"
    assert long.attrib["viewBox"] == f"0 0 {long.attrib['width']} 280"


def test_reserved_time_keeps_the_width_steady() -> None:
    widths = {drawn(roll_svg(scale(2), scale(bars), until=192 + 960)).attrib["width"] for bars in (0, 1, 5, 10)}
    assert len(widths) == 1


def test_reserved_pitches_keep_the_notes_at_their_height() -> None:
    before = roll_svg(scale(1), pitches=(36, 84))
    after = roll_svg(scale(1), Piece(make_notes([0, 24], [36, 84], [24, 24], [80, 80])), pitches=(36, 84))
    assert numbers(group(before, "seed"), "y") == numbers(group(after, "seed"), "y")


def test_note_that_rings_a_little_over_the_last_bar_line_adds_no_bar() -> None:
    def bars(duration: int) -> int:
        return len(bar_xs(roll_svg(Piece(make_notes([72], [60], [duration], [80]))))) - 1

    assert (bars(24), bars(30), bars(60)) == (1, 1, 2)


def test_playhead_data_maps_ticks_to_seconds() -> None:
    piece = Piece(scale(2).notes, tempi=(Tempo(0, 120.0), Tempo(96, 60.0)))
    root = drawn(roll_svg(piece, Piece(scale(1).notes, tempi=(Tempo(0, 60.0),))))
    assert root.attrib["data-ticks"] == "288"
    assert root.attrib["data-clock"] == "0:0.000 96:2.000 288:10.000"
    end = float(root.attrib["data-left"]) + 288 * float(root.attrib["data-tick-px"])
    assert bar_xs(roll_svg(scale(3)))[-1] == pytest.approx(end, abs=0.1)


def test_titles_cannot_inject_markup() -> None:
    svg = roll_svg(scale(8), title='<script>alert("x")</script> & \x00more')
    assert "<script" not in svg
    assert any(word.startswith('<script>alert("x")</script> & ') for word in words(svg))


def test_long_title_is_shortened_and_kept_in_full_in_the_description() -> None:
    title = "Sonata in C major, first movement, with a very long name indeed"
    svg = roll_svg(scale(2), scale(2), title=title)
    shown = [word for word in words(svg) if word.startswith("Sonata")]
    assert shown
    assert all(word.endswith("…") for word in shown)
    assert title in drawn(svg).attrib["aria-label"]


def test_picture_has_a_description() -> None:
    root = drawn(roll_svg(scale(2), scale(3), title="K. 545"))
    expected = "Piano roll of K. 545: opening of 2 bars with 8 notes, continuation of 3 bars with 12 notes"
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == root.findtext(f"{SVG}title") == expected


def test_picture_is_self_contained_and_leaks_no_style() -> None:
    svg = roll_svg(scale(4), scale(4), title="a")
    assert not re.search(r"<style|<script|href|url\(|@import|@font-face", svg)
    assert svg.count("http") == 1  # the name of the SVG language itself
    assert "currentColor" in svg


@pytest.mark.parametrize("colour", [SEED_COLOUR, CONTINUATION_COLOUR])
def test_colours_stand_out_from_light_and_dark_pages(colour: str) -> None:
    def luminance(code: str) -> float:
        parts = [int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    for page in ("#ffffff", "#0b0f19"):
        high, low = sorted((luminance(page), luminance(colour)), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 3.0


@pytest.mark.parametrize("continuation", [None, NOTHING])
def test_no_notes_give_an_empty_bar(continuation: Piece | None) -> None:
    svg = roll_svg(NOTHING, continuation)
    assert len(group(svg, "seed")) == 0
    assert len(bar_xs(svg)) == 2


def test_sizes_out_of_range_are_refused() -> None:
    for options in ({"height": 10}, {"quarter_px": 0.0}, {"split": -1}):
        with pytest.raises(OptionError, match="not"):
            roll_svg(scale(1), **options)


def test_file_holds_the_same_picture(tmp_path: Path) -> None:
    write_roll(tmp_path / "roll.svg", scale(2), scale(1), title="Für Elise")
    assert (tmp_path / "roll.svg").read_text(encoding="utf-8") == roll_svg(scale(2), scale(1), title="Für Elise") + "\n"
