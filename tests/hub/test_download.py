"""Pulling from the Hub: the real huggingface_hub in a process of its own, against a small Hub on this machine."""

from __future__ import annotations

import fcntl
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hub_client import HubClient, RefusedError
from hub_server import LocalHub

from musiclstm.checkpoint_files import PARTS
from musiclstm.errors import OptionError
from musiclstm.hub.download import split_reference

REPO = "anna/waltzes"
WHOLE = {name: f"{name}, first".encode() * 50 for name in (*PARTS, "README.md", "originality.npz")}
LATER = {name: f"{name}, second".encode() * 50 for name in WHOLE}
OTHERS = {"pytorch_model.bin": b"heavy", "assets/config.json": b"not this one", ".gitattributes": b"*.h5 filter=lfs"}


@dataclass(frozen=True)
class Copy:
    """What a pull returned, in the other process."""

    folder: Path
    commit: str
    revision: str

    def files(self) -> dict[str, bytes]:
        return {p.relative_to(self.folder).as_posix(): p.read_bytes() for p in self.folder.rglob("*") if p.is_file()}


class Puller:
    """Calls the functions of ``musiclstm.hub.download`` in the client's process."""

    def __init__(self, client: HubClient) -> None:
        self._client = client

    def checkpoint(self, cache: Path, *arguments: str | None, token: str = "", **options: float) -> Copy:
        return self._call("download_checkpoint", cache, arguments, token, options)

    def dataset(self, cache: Path, reference: str, *, token: str = "", **options: float) -> Copy:
        return self._call("download_dataset", cache, (reference,), token, options)

    def _call(self, function: str, cache: Path, arguments: object, token: str, options: dict[str, float]) -> Copy:
        settings = {"function": function, "arguments": arguments, "cache": str(cache), "options": options}
        folder, commit, revision = self._client.ask("download", token=token, **settings)
        return Copy(Path(folder), commit, revision)


@pytest.fixture(scope="module")
def puller(hub_client: HubClient) -> Puller:
    return Puller(hub_client)


@pytest.fixture
def away(hub: LocalHub) -> Iterator[LocalHub]:
    """A Hub whose machine refuses connections once the test has called ``stop``."""
    yield hub
    hub.stop()
    hub.start()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("owner/name", ("owner/name", None)),
        ("Owner-1/my_model.v2@main", ("Owner-1/my_model.v2", "main")),
        ("o/n@refs/pr/3", ("o/n", "refs/pr/3")),
        ("o/n@" + "0a" * 20, ("o/n", "0a" * 20)),
    ],
)
def test_a_reference_is_a_repository_and_perhaps_a_revision(text: str, parts: tuple[str, str | None]) -> None:
    assert split_reference(text) == parts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "a/b/c",
        "/name",
        "owner/",
        "owner/na me",
        "own--er/name",
        "owner/..",
        "../name",
        "owner/name.git",
        "o/.n",
        "ówner/name",
        "owner/name\n",
        "owner/name@",
        "o/n@../../x",
        "o/n@/main",
        "o/n@a b",
        "o/n@x@y",
        "o/n@-x",
        "o/" + "n" * 95,
    ],
)
def test_a_malformed_reference_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(OptionError, match=r"^A (repository on the Hub is named OWNER/NAME|revision is a branch).*\.$"):
        split_reference(text)


def test_a_branch_a_tag_and_a_commit_give_their_own_files(hub: LocalHub, puller: Puller, tmp_path: Path) -> None:
    first = hub.commit(REPO, WHOLE, tag="v1.0")
    second = hub.commit(REPO, LATER)
    for revision, commit, files in (
        ("v1.0", first, WHOLE),
        ("main", second, LATER),
        (None, second, LATER),
        (first, first, WHOLE),
    ):
        copy = puller.checkpoint(tmp_path, REPO, revision)
        assert (copy.files(), copy.commit, copy.revision) == (files, commit, commit[:7])


def test_only_the_files_of_a_checkpoint_are_pulled(hub: LocalHub, puller: Puller, tmp_path: Path) -> None:
    hub.commit(REPO, WHOLE | OTHERS)
    assert puller.checkpoint(tmp_path, REPO).files() == WHOLE
    assert sorted(hub.downloads()) == sorted(WHOLE)


def test_a_checkpoint_may_lack_its_extras(hub: LocalHub, puller: Puller, tmp_path: Path) -> None:
    parts = {name: WHOLE[name] for name in PARTS}
    hub.commit(REPO, parts)
    assert puller.checkpoint(tmp_path, REPO).files() == parts


def test_a_commit_is_pulled_once_and_needs_no_request_afterwards(hub: LocalHub, puller: Puller, tmp_path: Path) -> None:
    commit = hub.commit(REPO, WHOLE)
    puller.checkpoint(tmp_path / "cache", REPO, commit)
    # A copy, so that nothing the process remembers of the cache stands in for what is on the disk.
    shutil.copytree(tmp_path / "cache", tmp_path / "copy", symlinks=True)
    hub.requests.clear()
    assert puller.checkpoint(tmp_path / "copy", REPO, commit).files() == WHOLE
    assert hub.requests == []


def test_a_branch_that_has_not_moved_is_not_downloaded_again(hub: LocalHub, puller: Puller, tmp_path: Path) -> None:
    hub.commit(REPO, WHOLE)
    puller.checkpoint(tmp_path, REPO, "main")
    hub.requests.clear()
    puller.checkpoint(tmp_path, REPO, "main")
    assert hub.downloads() == []


def test_a_hub_that_refuses_connections_is_given_up_soon(away: LocalHub, puller: Puller, tmp_path: Path) -> None:
    away.commit(REPO, WHOLE)
    away.stop()
    # Had it tried until its time was up, the error would say so.
    with pytest.raises(RefusedError, match=r"^CheckpointError: The Hub \(127\.0\.0\.1\) can't be reached and the cache .*\.$"):
        puller.checkpoint(tmp_path, REPO)


def test_a_hub_out_of_reach_leaves_the_copy_in_the_cache(away: LocalHub, puller: Puller, tmp_path: Path) -> None:
    first = away.commit(REPO, WHOLE, tag="v1")
    puller.checkpoint(tmp_path, REPO, "v1")
    second = away.commit(REPO, LATER, tag="v1.1")
    puller.checkpoint(tmp_path, REPO, "v1.1")
    away.stop()
    assert puller.checkpoint(tmp_path, REPO, "v1").commit == first
    assert puller.checkpoint(tmp_path, REPO).commit == second
    with pytest.raises(RefusedError, match="can't be reached"):  # one that was named is never replaced by another
        puller.checkpoint(tmp_path, REPO, "v2")


def test_a_busy_hub_leaves_the_copy_in_the_cache(hub: LocalHub, puller: Puller, tmp_path: Path) -> None:
    commit = hub.commit(REPO, WHOLE)
    puller.checkpoint(tmp_path, REPO)
    hub.status = 503
    assert puller.checkpoint(tmp_path, REPO).commit == commit


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "does not accept the token"),
        (403, "does not allow"),
        (404, "HTTP status 404"),
        (429, r"can't deliver .* status 429\).* later"),
        (503, r"can't deliver .* status 503\).* later"),
    ],
)
def test_a_refusal_is_told_in_one_sentence(hub: LocalHub, puller: Puller, tmp_path: Path, status: int, words: str) -> None:
    hub.commit(REPO, WHOLE)
    hub.status = status
    with pytest.raises(RefusedError, match=rf"^CheckpointError: The Hub [^\n]*{words}[^\n]*\.$"):
        puller.checkpoint(tmp_path, REPO)
    with pytest.raises(RefusedError, match=rf"^DataError: The Hub [^\n]*{words}[^\n]*\.$"):
        puller.dataset(tmp_path, f"hf://datasets/{REPO}")


def test_a_missing_repository_and_a_missing_revision_are_named(hub: LocalHub, puller: Puller, tmp_path: Path) -> None:
    hub.commit(REPO, WHOLE)
    with pytest.raises(RefusedError, match=r"^CheckpointError: The Hub has no model anna/polkas, or it is private: .*\.$"):
        puller.checkpoint(tmp_path, "anna/polkas")
    for revision in ("v9", "0123456", "0" * 40):
        with pytest.raises(
            RefusedError, match=rf"^CheckpointError: The Hub has no revision {revision} of the model {REPO}: .*\.$"
        ):
            puller.checkpoint(tmp_path, REPO, revision)


@pytest.mark.parametrize(("access", "words"), [("private", "or it is private"), ("gated", "accepted its terms")])
def test_what_is_not_public_is_pulled_with_a_token_only(
    hub: LocalHub, puller: Puller, tmp_path: Path, access: Any, words: str
) -> None:
    hub.commit(REPO, WHOLE)
    hub.repositories["model", REPO].access = access
    with pytest.raises(RefusedError, match=rf"^CheckpointError: [^\n]*{words}[^\n]*HF_TOKEN[^\n]*\.$"):
        puller.checkpoint(tmp_path, REPO)
    assert puller.checkpoint(tmp_path, REPO, token=hub.token).files() == WHOLE


def test_a_token_goes_to_the_hub_alone_and_is_never_printed(
    hub: LocalHub, puller: Puller, hub_client: HubClient, tmp_path: Path
) -> None:
    hub.commit(REPO, WHOLE)
    puller.checkpoint(tmp_path, REPO, token=hub.token)
    told = {request.path.startswith("/stored/"): "authorization" in request.headers for request in hub.requests}
    assert told == {False: True, True: False}
    with pytest.raises(RefusedError, match="does not accept the token") as refused:
        puller.checkpoint(tmp_path, REPO, token="hf_an_old_token")
    assert "hf_an_old" not in str(refused.value)
    assert not any(token in hub_client.printed for token in ("hf_an_old", hub.token))


def test_no_telemetry_is_sent(hub: LocalHub, puller: Puller, tmp_path: Path) -> None:
    hub.commit(REPO, WHOLE)
    puller.checkpoint(tmp_path, REPO)
    folders = {re.match(r"(/api(/(model|dataset|space|repo)s)?)?/[^/?]+", request.path) for request in hub.history}
    downloads = {"/api/models/anna", "/api/datasets/anna", "/anna", "/datasets", "/stored"}
    others = {"/api/models/berta", "/api/repos/create", "/api/spaces/anna", "/api/validate-yaml", "/upload", "/spaces"}  # uploads
    assert {found.group() for found in folders if found} <= downloads | others
    assert not any("agent/" in request.headers.get("user-agent", "") for request in hub.history)


def test_what_is_no_checkpoint_is_refused_before_it_is_downloaded(hub: LocalHub, puller: Puller, tmp_path: Path) -> None:
    hub.commit(REPO, {"config.json": b"{}", "model.safetensors": b"heavy"})
    with pytest.raises(
        RefusedError, match=r"^CheckpointError: .* is not a checkpoint of this program: it lacks musiclstm\.json, "
    ):
        puller.checkpoint(tmp_path, REPO)
    assert hub.downloads() == []


def test_too_large_a_checkpoint_is_refused_before_it_is_downloaded(hub: LocalHub, puller: Puller, tmp_path: Path) -> None:
    hub.commit(REPO, WHOLE)
    hub.announced = {"model.weights.h5": 190_000_000, "originality.npz": 20_000_000}
    with pytest.raises(RefusedError, match=r"^CheckpointError: .* holds 210 MB; a checkpoint of at most 200 MB is downloaded\.$"):
        puller.checkpoint(tmp_path, REPO)
    assert hub.downloads() == []


def test_a_hub_that_never_answers_is_given_up_in_time(hub: LocalHub, puller: Puller, tmp_path: Path) -> None:
    hub.silent = "/"
    with pytest.raises(
        RefusedError, match=r"^CheckpointError: The Hub \(127\.0\.0\.1\) did not deliver .* within 1 seconds: .*\.$"
    ):
        puller.checkpoint(tmp_path, REPO, seconds=1)
    with pytest.raises(RefusedError, match=r"^DataError: The Hub \(127\.0\.0\.1\) did not deliver .* within 1 seconds: .*\.$"):
        puller.dataset(tmp_path, f"hf://datasets/{REPO}", seconds=1)


@pytest.mark.parametrize("slow", ["/api/", "/resolve/"])
def test_a_hub_that_sends_a_byte_a_second_is_given_up_in_time(hub: LocalHub, puller: Puller, tmp_path: Path, slow: str) -> None:
    commit = hub.commit(REPO, WHOLE)
    hub.slow = slow
    with pytest.raises(RefusedError, match=rf"^CheckpointError: The Hub .* did not deliver the model {REPO} within 1 seconds"):
        puller.checkpoint(tmp_path, REPO, seconds=1.0)
    hub.slow = ""
    assert puller.checkpoint(tmp_path, REPO).commit == commit


def test_a_download_cut_in_the_middle_leaves_nothing_that_is_taken_for_whole(
    away: LocalHub, puller: Puller, tmp_path: Path
) -> None:
    commit = away.commit(REPO, WHOLE)
    away.cut = {"originality.npz"}
    with pytest.raises(
        RefusedError, match=r"^CheckpointError: The connection to the Hub \(127\.0\.0\.1\) broke off during .*\.$"
    ):
        puller.checkpoint(tmp_path, REPO)
    away.stop()
    for revision in (commit, "main", None):
        with pytest.raises(RefusedError, match="can't be reached"):
            puller.checkpoint(tmp_path, REPO, revision)
    away.start()
    away.repair()
    assert puller.checkpoint(tmp_path, REPO).files() == WHOLE
    assert "README.md" not in away.downloads()  # what had arrived whole was kept


def test_what_a_killed_program_left_half_downloaded_goes_and_what_another_downloads_now_stays(
    hub: LocalHub, puller: Puller, tmp_path: Path
) -> None:
    hub.commit(REPO, WHOLE)
    parts = [
        tmp_path / "models--anna--waltzes" / "blobs" / f"{etag}.12345678.incomplete" for etag in ("dead", "released", "held")
    ]
    locks = [tmp_path / ".locks" / "models--anna--waltzes" / f"{etag}.lock" for etag in ("released", "held")]
    for path in (*parts, *locks):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    with locks[1].open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as huggingface_hub does
        assert puller.checkpoint(tmp_path, REPO).files() == WHOLE
    assert [path.exists() for path in parts] == [False, False, True]


def test_a_cut_update_does_not_hide_the_copy_before_it(hub: LocalHub, puller: Puller, tmp_path: Path) -> None:
    first = hub.commit(REPO, WHOLE)
    puller.checkpoint(tmp_path, REPO, "main")
    second = hub.commit(REPO, LATER)
    hub.cut = {"model.weights.h5"}
    copy = puller.checkpoint(tmp_path, REPO, "main", seconds=1)
    assert (copy.commit, copy.files()) == (first, WHOLE)
    hub.status = 503
    with pytest.raises(RefusedError, match="status 503"):
        puller.checkpoint(tmp_path, REPO, second)


def test_what_is_not_a_hub_is_told_apart(hub: LocalHub, puller: Puller, tmp_path: Path) -> None:
    hub.not_a_hub = True
    with pytest.raises(RefusedError, match=r"^CheckpointError: The server at 127\.0\.0\.1 is not the Hugging Face Hub: .*\.$"):
        puller.checkpoint(tmp_path, REPO)


def test_a_cache_that_is_a_file_is_named(hub: LocalHub, puller: Puller, tmp_path: Path) -> None:
    hub.commit(REPO, WHOLE)
    (tmp_path / "cache").write_text("no folder", encoding="utf-8")
    with pytest.raises(RefusedError, match=r"^CheckpointError: The cache can't take the model anna/waltzes: [^\n]*\.$"):
        puller.checkpoint(tmp_path / "cache", REPO)


MUSIC = {
    "Bach/prelude.mid": b"MThd 1",
    "Bach/FUGUE.MID": b"MThd 2",
    "deep/er/still/song.MusicXML": b"<score-partwise/>",
    "a.midi": b"3",
    "b.xml": b"4",
    "c.mxl": b"5",
    "d.krn": b"6",
    "e.Abc": b"7",
    "shards/0001.tar.gz": b"8",
    "more.ZIP": b"9",
}
NO_MUSIC = {"README.md": b"# Data", "train.parquet": b"PAR1", "covers/front.jpg": b"x", "mid": b"x", "a.mid.gz": b"PK"}


def test_a_dataset_brings_its_music_files_and_nothing_else(hub: LocalHub, puller: Puller, tmp_path: Path) -> None:
    commit = hub.commit(REPO, MUSIC | NO_MUSIC, kind="dataset", tag="v1")
    hub.commit(REPO, {"new.mid": b"MThd"} | NO_MUSIC, kind="dataset")
    for revision in ("v1", commit):
        assert puller.dataset(tmp_path, f"hf://datasets/{REPO}@{revision}").files() == MUSIC
    assert puller.dataset(tmp_path, f"hf://datasets/{REPO}").files() == {"new.mid": b"MThd"}
    downloads = [request.path.partition("/resolve/")[2] for request in hub.requests if request.path.startswith("/datasets/")]
    assert {path.partition("/")[2] for path in downloads} == {*MUSIC, "new.mid"}


def test_a_dataset_in_the_cache_does_without_the_hub(away: LocalHub, puller: Puller, tmp_path: Path) -> None:
    commit = away.commit(REPO, MUSIC, kind="dataset")
    puller.dataset(tmp_path / "cache", f"hf://datasets/{REPO}")
    shutil.copytree(tmp_path / "cache", tmp_path / "copy", symlinks=True)
    away.requests.clear()
    assert puller.dataset(tmp_path / "copy", f"hf://datasets/{REPO}@{commit}").files() == MUSIC
    assert away.requests == []
    away.stop()
    assert puller.dataset(tmp_path / "copy", f"hf://datasets/{REPO}").files() == MUSIC


def test_half_a_dataset_is_not_taken_for_a_whole_one(away: LocalHub, puller: Puller, tmp_path: Path) -> None:
    commit = away.commit(REPO, MUSIC, kind="dataset")
    away.cut = {"Bach/prelude.mid"}
    with pytest.raises(RefusedError, match=r"^DataError: The (connection to the )?Hub \(127\.0\.0\.1\) [^\n]*\.$"):
        puller.dataset(tmp_path, f"hf://datasets/{REPO}", seconds=1)
    away.stop()
    for revision in ("", f"@{commit}"):
        with pytest.raises(RefusedError, match="can't be reached"):
            puller.dataset(tmp_path, f"hf://datasets/{REPO}{revision}")
    away.start()
    away.repair()
    assert puller.dataset(tmp_path, f"hf://datasets/{REPO}").files() == MUSIC


def test_a_dataset_without_music_is_refused(hub: LocalHub, puller: Puller, tmp_path: Path) -> None:
    hub.commit(REPO, NO_MUSIC, kind="dataset")
    refusal = rf"^DataError: On the Hub, the dataset {REPO} contains no \.mid, \.midi, .* file and no archive\.$"
    with pytest.raises(RefusedError, match=refusal):
        puller.dataset(tmp_path, f"hf://datasets/{REPO}")


@pytest.mark.parametrize("reference", ["hf://models/o/n", "hf://o/n", "hf://datasets/n", "hf://datasets/o/n/sub", "datasets/o/n"])
def test_a_malformed_dataset_is_refused(hub: LocalHub, puller: Puller, tmp_path: Path, reference: str) -> None:
    with pytest.raises(RefusedError, match=r"^OptionError: A .* is named .*OWNER/NAME"):
        puller.dataset(tmp_path, reference)
    assert hub.requests == []


def test_the_program_ends_although_a_download_hangs(hub: LocalHub, puller: Puller, hub_client: HubClient, tmp_path: Path) -> None:
    # The download hangs much longer than ``close`` waits for the process.
    hub.commit(REPO, WHOLE)
    hub.silent = "/stored/"
    with pytest.raises(RefusedError, match="did not deliver"):
        puller.checkpoint(tmp_path, REPO, seconds=1)
    hub_client.close()
