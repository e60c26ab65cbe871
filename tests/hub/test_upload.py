"""Uploads: the real huggingface_hub in its own process, against a small local Hub."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import pytest
from hub_client import HubClient, RefusedError
from hub_server import LocalHub

REPO = "anna/waltzes"
FILES = {"musiclstm.json": b"{}", "model.weights.h5": b"weights" * 1000, "README.md": b"---\nlicense: other\n---\nA card"}


@dataclass(frozen=True)
class Publisher:
    """Reads from and publishes to the Hub in the client's process; returns an error as its type and sentence."""

    client: HubClient

    def __call__(
        self, files: dict[str, bytes], *, token: str | None = LocalHub.token, repo: str = REPO, private: bool = False
    ) -> Any:
        encoded = {name: base64.b64encode(data).decode() for name, data in files.items()}
        try:
            return self.client.ask("publish", token=token or "", repo=repo, files=encoded, private=private)
        except RefusedError as error:
            return error.kind, error.sentence


@pytest.fixture(scope="module")
def publisher(hub_client: HubClient) -> Publisher:
    return Publisher(hub_client)


def state(hub: LocalHub) -> tuple[dict[str, str], dict[str, bytes]]:
    """Tags and branches of the repository, and the files of its newest commit."""
    repository = hub.repositories["model", REPO]
    return dict(repository.refs), repository.commits[repository.refs["main"]]


def commits(hub: LocalHub) -> list[str]:
    return [request.path for request in hub.requests if "/commit/" in request.path]


def test_a_first_push_creates_the_repository_and_tags_one_commit(hub: LocalHub, publisher: Publisher) -> None:
    seen, (commit, version, sent), _ = publisher(FILES)
    assert seen is None
    refs, files = state(hub)
    assert {name: files[name] for name in FILES} == FILES
    assert refs == {"main": commit, "v1": commit}
    assert (version, sorted(sent)) == ("v1", sorted(FILES))
    assert len(commits(hub)) == 1
    assert hub.repositories["model", REPO].access == "public"


def test_a_repository_can_be_private(hub: LocalHub, publisher: Publisher) -> None:
    publisher(FILES, private=True)
    assert hub.repositories["model", REPO].access == "private"
    assert publisher({})[0] == state(hub)[0]["main"]  # readable with the token


def test_a_second_push_of_the_same_files_makes_no_commit_and_no_tag(hub: LocalHub, publisher: Publisher) -> None:
    first = publisher(FILES)[1]
    before = state(hub)
    hub.requests.clear()
    second = publisher(FILES)[1]
    assert second == [first[0], "v1", []]
    assert state(hub) == before
    assert all(request.method == "GET" for request in hub.requests)


def test_a_push_sends_what_changed_and_keeps_what_it_does_not_know(hub: LocalHub, publisher: Publisher) -> None:
    publisher(FILES)
    hub.commit(REPO, state(hub)[1] | {"notes.txt": b"by hand"})
    hub.uploads.clear()
    commit, version, sent = publisher(FILES | {"musiclstm.json": b'{"new": 1}'})[1]
    assert (version, sent) == ("v2", ["musiclstm.json"])
    assert not hub.uploads  # the weights stayed
    refs, files = state(hub)
    assert refs["v2"] == refs["main"] == commit
    assert files["notes.txt"] == b"by hand"


def test_a_tag_that_was_cut_off_is_made_up_for(hub: LocalHub, publisher: Publisher) -> None:
    hub.status, hub.status_for = 503, "/tag/"
    kind, sentence = publisher(FILES)
    assert kind == "HubError"
    assert "tag anna/waltzes now (HTTP status 503)" in sentence
    hub.repair()
    assert "v1" not in state(hub)[0]
    assert publisher(FILES)[1] == [state(hub)[0]["main"], "v1", []]
    assert state(hub)[0]["v1"] == state(hub)[0]["main"]
    assert not commits(hub)


def test_what_somebody_else_published_meanwhile_is_not_overwritten(hub: LocalHub, publisher: Publisher) -> None:
    publisher(FILES)

    def other() -> None:
        hub.before_commit = None
        hub.commit(REPO, state(hub)[1] | {"musiclstm.json": b"theirs"})

    hub.before_commit = other
    kind, sentence = publisher(FILES | {"musiclstm.json": b"mine"})
    assert kind == "HubError"
    assert "Somebody else has just published to anna/waltzes" in sentence
    assert state(hub)[1]["musiclstm.json"] == b"theirs"
    assert list(state(hub)[0]) == ["main", "v1"]


@pytest.mark.parametrize(
    ("where", "status", "words"),
    [  # after a 503 huggingface_hub retries for half a minute, except for a commit
        ("/commit/", 503, "HTTP status 503"),
        *((where, 403, "does not allow this token to write to") for where in ("/preupload/", "lfs/objects/batch", "/commit/")),
    ],
)
def test_an_interrupted_push_leaves_the_repository_as_it_was(
    hub: LocalHub, publisher: Publisher, where: str, status: int, words: str
) -> None:
    publisher(FILES)
    before = state(hub)
    hub.status, hub.status_for = status, where
    kind, sentence = publisher({name: data + b"more" for name, data in FILES.items()})
    assert kind == "HubError"
    assert words in sentence
    assert "nothing there has changed" in sentence
    assert state(hub) == before


@pytest.mark.parametrize(
    ("token", "repo", "words"),
    [
        (None, REPO, "The Hub requires a valid token to"),
        ("hf_wrong", REPO, "The Hub requires a valid token to"),
        (LocalHub.token, "berta/waltzes", "does not allow this token to create berta/waltzes"),
    ],
)
def test_who_may_not_write_is_told_so(hub: LocalHub, publisher: Publisher, token: str | None, repo: str, words: str) -> None:
    kind, sentence = publisher(FILES, token=token, repo=repo)
    assert kind == "HubError"
    assert words in sentence
    assert not hub.repositories


def test_a_refusal_that_asks_for_payment_is_told_in_the_hubs_words(hub: LocalHub, publisher: Publisher) -> None:
    hub.refuse_to_create = "Private storage is full"
    kind, sentence = publisher(FILES, private=True)
    assert kind == "HubError"
    assert sentence == "The Hub requires payment to create anna/waltzes: Private storage is full."


def test_a_hub_out_of_reach_is_told_and_the_token_is_never_printed(hub: LocalHub, publisher: Publisher) -> None:
    hub.stop()
    try:
        kind, sentence = publisher(FILES)
    finally:
        hub.start()
    assert kind == "HubError"
    assert "can't be reached to look at anna/waltzes" in sentence
    assert hub.token not in publisher.client.printed


def test_a_malformed_name_is_refused_before_anything_is_asked(hub: LocalHub, publisher: Publisher) -> None:
    kind, sentence = publisher(FILES, repo="waltzes")
    assert kind == "OptionError"
    assert "OWNER/NAME" in sentence
    assert not hub.requests
