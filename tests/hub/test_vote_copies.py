"""Copies of votes in a dataset: the real huggingface_hub in a process of its own, against a small Hub on this machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hub_client import HubClient, RefusedError
from hub_server import LocalHub

from musiclstm.votes import Guess, line_of, read_votes

REPO = "anna/votes"
RIGHT = Guess("2026-01-31", "march", 7, 1.05, 8, "0" * 16, "A", right=True, heard=False)
LINES = [line_of(RIGHT), line_of(replace(RIGHT, chosen="B", right=False))]


def test_votes_are_copied_to_a_private_dataset_and_known_to_the_next_page(
    hub: LocalHub, hub_client: HubClient, tmp_path: Path
) -> None:
    assert hub_client.ask("vote", token=hub.token, folder=str(tmp_path / "one"), repo=REPO, votes=LINES) == 2
    repository = hub.repositories["dataset", REPO]
    assert repository.access == "private"
    files = repository.commits[repository.refs["main"]]
    (name,) = (name for name in files if name.startswith("votes-"))
    assert files[name].decode().splitlines(keepends=True) == LINES
    # A Space that starts anew has an empty disk: what was voted before is counted and not replaced.
    assert hub_client.ask("vote", token=hub.token, folder=str(tmp_path / "two"), repo=REPO, votes=LINES[:1]) == 3
    assert len([name for name in repository.commits[repository.refs["main"]] if name.startswith("votes-")]) == 2


@pytest.mark.parametrize("trouble", ["away", "refuses"])
def test_a_hub_that_is_away_or_refuses_costs_the_copy_alone(
    trouble: str, hub: LocalHub, hub_client: HubClient, tmp_path: Path
) -> None:
    if trouble == "away":
        hub.status = 503
    assert hub_client.ask("vote", token="", folder=str(tmp_path / "votes"), repo=f"anna/{trouble}", votes=LINES) == 2
    assert [len(votes) for votes in read_votes(tmp_path / "votes").values()] == [2]
    assert not hub.repositories
    assert "Traceback" not in hub_client.printed


def test_a_name_that_no_dataset_has_is_refused(hub_client: HubClient, tmp_path: Path) -> None:
    with pytest.raises(RefusedError) as refused:
        hub_client.ask("vote", folder=str(tmp_path), repo="votes", votes=[])
    assert refused.value.kind == "OptionError"
