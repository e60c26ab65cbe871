"""The container and its proxy: what docker/ names is there, is locked, and fits together. Nothing is built here."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from musiclstm.ui.places import MOST

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "docker"
PROXY = (DOCKER / "haproxy.cfg").read_text(encoding="utf-8")
IGNORED = (DOCKER / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()


class Step(NamedTuple):
    """One instruction of the Dockerfile."""

    name: str
    words: list[str]

    @property
    def text(self) -> str:
        return " ".join(self.words)


def steps() -> list[Step]:
    text = re.sub(r"(?m)^\s*#.*\n", "", (DOCKER / "Dockerfile").read_text(encoding="utf-8")).replace("\\\n", " ")
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]
    return [Step(name, json.loads(rest) if rest.startswith("[") else shlex.split(rest)) for name, rest in lines]


def only(name: str) -> Step:
    (found,) = [step for step in steps() if step.name == name]
    return found


def settings() -> dict[str, str]:
    return dict(word.split("=", 1) for word in only("ENV").words)


@pytest.fixture(scope="module")
def services() -> Any:
    yaml: Any = pytest.importorskip("yaml", reason="PyYAML comes with gradio")
    return yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))["services"]


def test_everything_that_is_copied_is_there_and_is_sent_to_docker() -> None:
    allowed = {line.removeprefix("!") for line in IGNORED if line.startswith("!")}
    assert "*" in IGNORED
    copied = {source for step in steps() if step.name == "COPY" for source in step.words[:-1]}
    assert all((ROOT / source).exists() for source in copied)
    assert copied == allowed


def test_the_container_has_what_the_page_needs() -> None:
    copied = {source for step in steps() if step.name == "COPY" for source in step.words[:-1]}
    assert {"app.py", "musiclstm", "checkpoints"} <= copied
    assert only("CMD").words == ["python", "app.py"]


def test_the_container_has_the_python_of_a_space() -> None:
    wanted = re.search(r'(?m)^python_version: "([\d.]+)"$', (ROOT / "README.md").read_text(encoding="utf-8"))
    assert wanted
    assert re.fullmatch(rf"python:{re.escape(wanted[1])}-slim-\w+", only("FROM").text)


def test_packages_come_from_the_lists_and_locks_alone() -> None:
    (debian,) = [step.text for step in steps() if step.name == "RUN" and "apt-get install" in step.text]
    (python,) = [step.text for step in steps() if step.name == "RUN" and "pip install" in step.text]
    assert re.search(r"xargs --arg-file=packages.txt apt-get install( --[\w-]+)+ &&", debian)
    assert set(re.split("pip install ", python)[1].split()) == {
        *("--no-cache-dir", "--root-user-action=ignore"),
        *("--requirement", "requirements.txt", "--constraint", "constraints.txt"),
    }


def test_the_page_does_not_run_as_root() -> None:
    names = [step.name for step in steps()]
    (user,) = only("USER").words
    assert int(user) > 0
    assert any(step.name == "RUN" and f"useradd --uid {user} " in step.text for step in steps())
    assert names.index("USER") < names.index("CMD")
    assert "RUN" not in names[names.index("USER") :]


def test_container_proxy_and_compose_agree_on_ports_and_names(services: Any) -> None:
    port = settings()["GRADIO_SERVER_PORT"]
    assert settings()["GRADIO_SERVER_NAME"] == "0.0.0.0"
    assert only("EXPOSE").words == [port]
    assert f"127.0.0.1:{port}/" in only("HEALTHCHECK").text
    (template,) = re.findall(r"(?m)^ +server-template \w+ (\d+) (\w+):(\d+) .*resolvers (\w+)", PROXY)
    rooms, service, behind, resolver = template
    assert (service, behind) == ("app", port)
    assert f"resolvers {resolver}\n" in PROXY
    assert service in services
    assert int(rooms) >= 4
    (bound,) = re.findall(r"(?m)^ +bind :(\d+)$", PROXY)
    assert services["proxy"]["ports"] == [f"{port}:{bound}"]


def test_compose_names_files_that_are_there(services: Any) -> None:
    build = services["app"]["build"]
    context = (DOCKER / build["context"]).resolve()
    assert context == ROOT
    assert (context / build["dockerfile"]).is_file()
    assert [(DOCKER / volume.split(":")[0]).is_file() for volume in services["proxy"]["volumes"]] == [True]


def test_the_proxy_keeps_a_visitor_at_one_container_until_that_is_dead() -> None:
    assert re.search(r"(?m)^ +cookie \w+ insert .*\bdynamic$", PROXY)
    assert re.search(r"(?m)^ +dynamic-cookie-key \w+$", PROXY)
    assert re.search(r"(?m)^ +option redispatch$", PROXY)
    assert re.search(r"(?m)^ +default-server check .*on-marked-down shutdown-sessions$", PROXY)


def test_container_and_proxy_ask_the_same_address_for_signs_of_life() -> None:
    (asked,) = re.findall(r"(?m)^ +http-check send meth GET uri (\S+)$", PROXY)
    assert f":7860{asked}'" in only("HEALTHCHECK").text


def test_the_page_on_hosting_tells_how_many_requests_can_wait() -> None:
    told = re.search(r"At most (\d+) requests can wait", (ROOT / "docs" / "hosting.md").read_text(encoding="utf-8"))
    assert told
    assert int(told[1]) == MOST


def test_the_proxy_says_where_a_visitor_comes_from_and_does_not_repeat_what_they_say() -> None:
    assert re.search(r"(?m)^ +http-request set-header X-Forwarded-For %\[src\]$", PROXY)
