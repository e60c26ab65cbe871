"""The checkpoint that the page uses, with the real huggingface_hub and a local Hub."""

from __future__ import annotations

from pathlib import Path

from hub_client import HubClient
from hub_server import LocalHub

from musiclstm.checkpoint import Checkpoint, save_checkpoint


def test_a_cached_commit_is_used_at_once_without_a_request(
    small_checkpoint: Checkpoint, hub: LocalHub, hub_client: HubClient, tmp_path: Path
) -> None:
    save_checkpoint(small_checkpoint, tmp_path / "checkpoint", card="# Small")
    commit = hub.commit("anna/small", {path.name: path.read_bytes() for path in (tmp_path / "checkpoint").iterdir()})
    hub_client.ask("download", function="download_checkpoint", arguments=["anna/small", commit], options={})
    hub.requests.clear()
    revision, seeds, note = hub_client.ask("active", reference=f"anna/small@{commit}")
    assert (revision, seeds, note) == (commit[:7], ["march", "waltz", "jig"], "")
    assert not hub.requests
