"""The table of results: its lines, and what is counted as one token right."""

from __future__ import annotations

import numpy as np

from benchmarks import quality
from benchmarks.quality import Line, all_three, line, listed, main_table, token_table
from musiclstm.evaluation.scores import NoteScores, total


def test_a_line_shows_bits_shares_and_cost() -> None:
    nats = np.log(2) * np.tile([1.0, 2.0, 0.5, 9.0], (4, 1)).astype(np.float32)  # velocity is not counted
    hits = np.array([[True, True, False, False]] * 2 + [[True, False, False, False]] * 2)
    scores = NoteScores(nats, hits, np.array([True, False, False, False]))
    made = line("ours", total([scores], quarters=2.0).summary(), 1_234_567, "57 min")
    assert made.text() == "| ours | 3.50 | 7.00 | 3.50 | 100.0 % | 50.0 % | 0.0 % | 1,234,567 | 57 min |"


def test_what_means_nothing_is_a_dash() -> None:
    assert Line("it", None, 20.0, (0.5, 0.25, 1.0), None, 10, "1 min").text().startswith("| it | – | 20.00 | – | 50.0 %")


def test_tables_have_as_many_cells_as_heads() -> None:
    for text in (
        main_table([Line("it", 1.0, 2.0, (0.1, 0.2, 0.3), 4.0, 5, "6 min")]),
        token_table({"ours": [0.1, 0.2, 0.3, 0.05]}),
    ):
        assert len({row.count("|") for row in text.splitlines()}) == 1


def test_all_three_streams_have_to_be_right_at_once() -> None:
    flags = {"note": np.array([1, 1, 0], bool), "gap": np.array([1, 0, 1], bool), "duration": np.array([1, 1, 1], bool)}
    assert all_three(flags).tolist() == [True, False, False]


def test_streams_are_listed_as_words() -> None:
    assert listed({"note": 0.1234, "gap": 1.0}) == "note 12.3 %, gap 100.0 %"
    assert listed({"note": 1600}, "{:,}".format) == "note 1,600"


def test_the_claim_is_the_first_line_of_the_script() -> None:
    assert (quality.__doc__ or "").startswith("Claim: ")
