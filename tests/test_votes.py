"""Votes as lines in files, and their sums."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from musiclstm.cli import main
from musiclstm.votes import (
    MOST_OF_ONE,
    BallotBox,
    Guess,
    Preference,
    line_of,
    read_votes,
    summary,
    vote_in,
    votes_folder,
    wilson,
)

RIGHT = Guess("2026-01-31", "march", 7, 1.05, 8, "0" * 16, "A", right=True, heard=False)
WRONG = replace(RIGHT, chosen="B", right=False)
BOLD = Preference("2026-01-31", "march", 7, "0" * 16, take=0, place=3, diversity=1.3, among=(0.7, 1.05, 1.3))


@pytest.mark.parametrize("vote", [RIGHT, WRONG, BOLD])
def test_a_vote_comes_back_from_its_line_and_names_only_the_music_the_day_and_the_choice(vote: Guess | Preference) -> None:
    assert vote_in(line_of(vote)) == vote
    known = {"kind", "day", "seed", "random_seed", "diversity", "bars", "checkpoint", "chosen", "right", "heard"}
    assert set(json.loads(line_of(vote))) <= known | {"take", "place", "among"}
    assert len(vote.day) == len("2026-01-31")


@pytest.mark.parametrize(
    "line", ["", "{", "7", "[]", '{"kind": "guess"}', line_of(RIGHT)[:40], line_of(RIGHT).replace("true", '"yes"')]
)
def test_a_damaged_line_is_no_vote(line: str) -> None:
    assert vote_in(line) is None


def test_votes_are_kept_by_pages_that_share_a_folder(tmp_path: Path) -> None:
    one, other = BallotBox(tmp_path / "votes"), BallotBox(tmp_path / "votes")
    one.cast(RIGHT)
    other.cast(BOLD)
    assert sorted(read_votes(tmp_path / "votes").values(), key=str) == [[RIGHT], [BOLD]]
    third = BallotBox(tmp_path / "votes")
    third.cast(WRONG)
    third.learn(read_votes(tmp_path / "votes"))  # as from a copy: each file counts once
    assert len(third.votes()) == 3


def test_a_folder_holds_so_many_bytes_and_no_more(tmp_path: Path) -> None:
    box = BallotBox(tmp_path, most_bytes=3 * len(line_of(RIGHT)) + 10)
    for _ in range(9):
        box.cast(RIGHT)
    assert [len(votes) for votes in read_votes(tmp_path).values()] == [3]


def test_of_one_voter_so_many_votes_count_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = BallotBox(tmp_path)
    assert [box.cast(RIGHT, "one") for _ in range(MOST_OF_ONE + 2)] == [True] * MOST_OF_ONE + [False] * 2
    assert box.cast(RIGHT, "other")
    assert box.cast(RIGHT)  # nobody in particular
    assert len(box.votes()) == MOST_OF_ONE + 2
    assert [len(votes) for votes in read_votes(tmp_path).values()] == [MOST_OF_ONE + 2]
    monkeypatch.setattr("musiclstm.votes.today", lambda: "2999-01-01")
    assert box.cast(RIGHT, "one")
    assert "one" not in next(tmp_path.iterdir()).read_text(encoding="utf-8")


def test_only_so_many_voters_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("musiclstm.votes.MOST_VOTERS", 2)
    box = BallotBox()
    assert all(box.cast(RIGHT, voter) for voter in ("one", "two", *["three"] * (MOST_OF_ONE + 1)))
    assert [box.cast(RIGHT, "one") for _ in range(MOST_OF_ONE)] == [True] * (MOST_OF_ONE - 1) + [False]


def test_a_folder_that_cannot_be_written_costs_the_vote_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    box = BallotBox(tmp_path / "file" / "votes")
    box.cast(RIGHT)
    assert box.votes() == [RIGHT]  # counted until the page ends


def test_blind_guesses_are_counted_apart_from_the_others() -> None:
    figures = summary([RIGHT] * 6 + [WRONG] * 4 + [replace(RIGHT, heard=True)] * 5)
    assert figures["guesses"] == {"number": 10, "share": 0.6, "interval": [0.3127, 0.8318]}
    assert figures["heard"]["number"] == 5
    assert summary([])["guesses"] == {"number": 0}


def test_preferences_are_counted_for_each_diversity_that_stood_to_choose() -> None:
    tame = replace(BOLD, place=1, diversity=0.7)
    first = replace(BOLD, place=1, diversity=1.05, among=(1.05,) * 4)
    figures = summary([BOLD, BOLD, tame, first])
    assert {name: (each["number"], each["share"]) for name, each in figures["preferred"].items()} == {
        "0.7": (3, 0.3333),
        "1.05": (3, 0.0),
        "1.3": (3, 0.6667),
    }
    assert figures["places"]["1"]["share"] == 1.0
    assert figures["places"]["4"]["share"] == 0.0


def test_the_interval_is_wilsons() -> None:
    assert wilson(61, 120) == pytest.approx((0.4200, 0.5962), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 10)[0] == 0.0
    assert wilson(10, 10)[1] == 1.0


def test_the_command_prints_the_sums(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("MUSICLSTM_VOTES", str(tmp_path))
    monkeypatch.delenv("MUSICLSTM_VOTES_REPO", raising=False)
    assert main(["votes"]) == 0
    assert "none yet" in capsys.readouterr().out
    box = BallotBox(votes_folder())
    for vote in (RIGHT, RIGHT, WRONG, BOLD):
        box.cast(vote)
    assert main(["votes"]) == 0
    said = capsys.readouterr().out
    assert "Right guesses: 67 % of 3 (95 % interval" in said
    assert "Preferred diversity 1.3: 100 % of 1" in said
    assert main(["votes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == summary([RIGHT, RIGHT, WRONG, BOLD])
