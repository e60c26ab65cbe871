from __future__ import annotations

import pytest

from musiclstm.errors import MusicFileError
from musiclstm.formats.abc_text import first_tune


def test_the_first_tune_with_notes_is_taken_up_to_an_empty_line() -> None:
    book = "% a book of 1998\n\nX:1\nT:Nothing\nK:C\nz4|\n\nX:2\nT:Something\nM:2/4\nK:G\nCD|\n\nIt goes on: abc\n\n"
    book += "X:3\nT:More\nK:C\nefga|\n"
    tune = first_tune(book, "book.abc")
    assert (tune.field("T"), tune.field("K"), tune.field("Q"), tune.body) == ("Something", "G", "", "CD|")


def test_a_tune_ends_where_the_next_begins() -> None:
    assert first_tune("X:1\nK:C\nCD|\nX:2\nK:G\nGA|\n", "a.abc").body == "CD|"


@pytest.mark.parametrize("text", ["", "abc", "X:1\nCDE|\n", "X:1\nK:D\n", "X:1\nK:C\n[K:D]z4|\nV:B\n\nCDE"])
def test_without_notes_there_is_no_tune(text: str) -> None:
    with pytest.raises(MusicFileError, match=r"a.abc has no notes"):
        first_tune(text, "a.abc")


@pytest.mark.parametrize(
    "text",
    ["M:1000/4\nK:C\nC", "K:C\nC [M:100/8] D", "K:C\nC1234", "L:10/1\nK:C\nC", "K:C\n[L:20]C"],
)
def test_impossible_metres_and_values_are_refused(text: str) -> None:
    with pytest.raises(MusicFileError, match=r"a.abc has a (metre|note value) of \d+ (beats|units)"):
        first_tune(f"X:1\n{text}\n", "a.abc")


def test_large_numbers_elsewhere_are_accepted() -> None:
    text = 'X:1000\nT:No. 1234\nQ:1/4=120\nL:1/16\n%%scale 1000\nK:C\n"opus 1234"C [Q:1/4=144] D2| % 1911\nw:1000'
    assert first_tune(text, "a.abc").body == "C [Q:1/64=2304] D2| "


def test_only_what_sounds_is_left() -> None:
    body = '"Am"!f!{a}.C (~D2 [V:2 name="left %"] E) |1 [P:A]F$ :|2 [CE]3/2|] % G'
    assert first_tune(f"X:1\nK:C\n{body}\n", "a.abc").body == "C D2 [V:2] E | F | [C3/2E3/2]| "
