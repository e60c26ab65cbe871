"""A visitor's versions in a dataset: the real huggingface_hub in a process of its own, against a small Hub on this machine."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hub_client import HubClient, RefusedError
from hub_server import LocalHub

from musiclstm import limits

REPO = "anna/musiclstm-versions"
SONG = {"song.mid": "MThd", "song.musicxml": "<score/>", "recipe.json": "{}", "link.txt": "eNqr"}


def save(client: HubClient, hub: LocalHub, music: str = "song", files: dict[str, str] | None = None) -> str:
    name: str = client.ask("keep", owner="anna", secret=hub.token, music=music, files=files or SONG)
    return name


def files_of(hub: LocalHub) -> dict[str, bytes]:
    repository = hub.repositories["dataset", REPO]
    return repository.commits[repository.refs["main"]]


def refusal(client: HubClient, action: str, **settings: Any) -> str:
    with pytest.raises(RefusedError) as refused:
        client.ask(action, owner="anna", **settings)
    return str(refused.value)


def test_the_first_save_makes_a_private_dataset_and_each_save_is_one_commit(hub: LocalHub, hub_client: HubClient) -> None:
    assert hub_client.ask("kept", owner="anna", secret=hub.token) == []
    first = save(hub_client, hub)
    assert hub.repositories["dataset", REPO].access == "private"
    assert {name: files_of(hub)[f"versions/{first}/{name}"].decode() for name in SONG} == SONG
    assert b"Delete a folder" in files_of(hub)["README.md"]
    commits = len(hub.repositories["dataset", REPO].commits)
    hub.requests.clear()
    second = save(hub_client, hub, "another-song")
    assert len(hub.repositories["dataset", REPO].commits) == commits + 1
    assert sum("/commit/" in request.path for request in hub.requests) == 1
    assert hub_client.ask("kept", owner="anna", secret=hub.token) == sorted([first, second], reverse=True)
    assert hub_client.ask("kept_link", owner="anna", secret=hub.token, name=first) == SONG["link.txt"]


def test_the_newest_versions_come_first_and_foreign_files_are_passed_over(hub: LocalHub, hub_client: HubClient) -> None:
    names = [f"2026{month:02}{day:02}T120000Z-song" for month in range(1, 13) for day in range(1, 29)]
    foreign = ["20261399T120000Z-song", "notes.txt", "20260101-song", "20260101T120000Z-so_ng"]
    hub.commit(REPO, {f"versions/{name}/link.txt": b"eNqr" for name in [*names, *foreign]} | {"README.md": b""}, kind="dataset")
    listed = hub_client.ask("kept", owner="anna", secret=hub.token)
    assert listed == sorted(names, reverse=True)[: limits.SAVED_LISTED]


def test_a_dataset_without_versions_has_none(hub: LocalHub, hub_client: HubClient) -> None:
    hub.commit(REPO, {"README.md": b""}, kind="dataset")
    assert hub_client.ask("kept", owner="anna", secret=hub.token) == []


@pytest.mark.parametrize("data", [b"\xff\xfe", b"a" * (limits.LINK_CHARACTERS + 1), "♩".encode()], ids=["bytes", "long", "text"])
def test_a_file_that_is_no_link_is_refused(data: bytes, hub: LocalHub, hub_client: HubClient) -> None:
    hub.commit(REPO, {"versions/20260101T120000Z-song/link.txt": data}, kind="dataset")
    said = refusal(hub_client, "kept_link", secret=hub.token, name="20260101T120000Z-song")
    assert said == "HubError: This version can't be opened: its link is damaged, or something else wrote it."


def test_a_name_that_leads_elsewhere_is_refused_without_a_request(hub: LocalHub, hub_client: HubClient) -> None:
    assert "can't be opened" in refusal(hub_client, "kept_link", secret=hub.token, name="../../../other/secret")
    assert not hub.requests


def test_a_version_that_was_removed_is_missed(hub: LocalHub, hub_client: HubClient) -> None:
    hub.commit(REPO, {"README.md": b""}, kind="dataset")
    said = refusal(hub_client, "kept_link", secret=hub.token, name="20260101T120000Z-song")
    assert said == f"HubError: This version is not in {REPO} any more."


@pytest.mark.parametrize(
    ("status", "only", "said"),
    [
        (403, "/(commit|preupload)/", f"The Hub gives this page no access to {REPO}"),
        (402, "/create", "Your account on the Hub has no room left"),
        (507, "/(commit|preupload)/", "Your account on the Hub has no room left"),
        (409, "/(commit|preupload)/", "The Hub refused this (status 409)"),
        (429, "/commit/", "The Hub doesn't answer now"),
    ],
)
def test_each_refusal_is_one_sentence(status: int, only: str, said: str, hub: LocalHub, hub_client: HubClient) -> None:
    if only != "/create":
        hub.commit(REPO, {"README.md": b""}, kind="dataset")
    hub.status, hub.status_for = status, only
    whole = refusal(hub_client, "keep", secret=hub.token, music="song", files=SONG)
    assert whole.startswith(f"HubError: {said}")
    assert re.fullmatch(r"[^\n]+\.", whole)


@pytest.mark.parametrize("token", ["", "hf_of_another_time"])
def test_who_is_not_signed_in_any_more_is_told_so_and_no_other_token_is_used(
    token: str, hub: LocalHub, hub_client: HubClient
) -> None:
    hub.commit(REPO, {"README.md": b""}, kind="dataset")
    with pytest.raises(RefusedError) as refused:
        hub_client.ask("kept", token=hub.token, owner="anna", secret=token)  # the page itself has a token
    assert str(refused.value) == "SignedOutError: You are not signed in any more: sign in again."
    assert all(hub.token not in request.headers.get("authorization", "") for request in hub.requests)


def test_a_hub_that_is_silent_or_none_is_told_and_no_token_is_printed(hub: LocalHub, hub_client: HubClient) -> None:
    hub.not_a_hub = True
    assert "doesn't answer now" in refusal(hub_client, "kept", secret=hub.token)
    hub.silent = "/tree/"
    assert "doesn't answer now" in refusal(hub_client, "kept", secret=hub.token, seconds=0.2)
    assert hub.token not in hub_client.printed
