"""What is the same for many visitors is described and compressed once."""

from __future__ import annotations

from pathlib import Path

import gradio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from musiclstm.ui import kept_answers
from musiclstm.ui.kept_answers import KeptAnswers

SCRIPT = "/assets/index-1GSBhSW9.js"
ASSETS = Path(gradio.__file__).parent / "templates" / "frontend" / "assets"


def served(most: int = 100_000) -> tuple[TestClient, list[str]]:
    """A client of a small page, and the addresses that its application was asked for."""
    asked: list[str] = []

    def page(request: Request) -> Response:
        asked.append(str(request.url))
        return JSONResponse(
            {"host": request.headers["host"], "language": request.headers.get("accept-language"), "more": "x" * 999}
        )

    def file(request: Request) -> Response:
        asked.append(str(request.url))
        if request.path_params["name"] == "missing.js":
            return PlainTextResponse("no", 404)
        return Response(1000 * "y", headers={"etag": '"1"'}, media_type="application/javascript")

    def image(request: Request) -> Response:
        asked.append(str(request.url))
        return Response(b"z", media_type="image/png")

    routes = [Route("/", page), Route("/static/logo.png", image), Route("/assets/{name}", file)]
    return TestClient(KeptAnswers(Starlette(routes=routes), most)), asked


def test_a_page_is_asked_for_once_for_each_language_and_each_address() -> None:
    client, asked = served()
    german = {"accept-language": "de"}
    for headers in ({}, german, {"x-forwarded-host": "music.example"}, {"x-forwarded-proto": "https"}, {"host": "other.example"}):
        found = [client.get("/", headers=headers) for _ in range(2)]
        assert found[0].json() == found[1].json()
        assert found[0].json()["host"] == headers.get("host", "testserver")
    assert client.get("/?recipe=abc&__theme=dark", headers=german).json()["language"] == "de"
    assert len(asked) == 5
    for _ in range(2):
        client.get("/?deep_link=abc")
    assert len(asked) == 7  # what else an address asks for, nobody knows


def test_what_is_kept_is_sent_compressed_to_those_who_can_read_it() -> None:
    client, asked = served()
    for accepted, compressed in (("gzip, br", True), ("identity", False), ("gzip", True)):
        answer = client.get(SCRIPT, headers={"accept-encoding": accepted})
        assert answer.text == 1000 * "y"
        assert answer.headers.get("content-encoding") == ("gzip" if compressed else None)
        assert (int(answer.headers["content-length"]) < 100) is compressed
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers["content-type"].startswith("application/javascript")
    assert len(asked) == 1


def test_browsers_keep_a_file_for_good_only_if_its_name_tells_its_contents() -> None:
    client, _ = served()
    assert "immutable" in client.get(SCRIPT).headers["cache-control"]
    assert "cache-control" not in client.get("/assets/index.js").headers
    assert "cache-control" not in client.get("/").headers


def test_no_error_no_picture_and_no_part_of_a_file_is_kept() -> None:
    client, asked = served()
    for _ in range(2):
        assert client.get("/assets/missing.js").status_code == 404
        assert client.get("/static/logo.png").content == b"z"
        assert client.get(SCRIPT, headers={"range": "bytes=0-9"}).status_code == 200
        assert client.head("/").status_code == 200
    assert len(asked) == 8


def test_a_browser_that_has_a_file_is_told_that_it_is_the_same_and_may_be_kept() -> None:
    client, asked = served()
    tag = client.get(SCRIPT).headers["etag"]
    for known in (tag, '"1"', f'"0", {tag}'):  # the second: from before it was compressed
        answer = client.get(SCRIPT, headers={"if-none-match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
        assert "immutable" in answer.headers["cache-control"]
    assert client.get(SCRIPT, headers={"if-none-match": '"2"'}).text == 1000 * "y"
    assert len(asked) == 1


def test_the_oldest_answers_make_room_for_others() -> None:
    client, asked = served(most=100)  # about two of them
    for name in ("a", "b", "c", "d"):
        client.get(f"/assets/{name}.js")
    assert len(asked) == 4
    client.get("/assets/d.js")
    assert len(asked) == 4
    client.get("/assets/a.js")
    assert len(asked) == 5


@pytest.mark.parametrize("ending", [".js", ".css"])
def test_gradio_names_its_files_for_their_contents(ending: str) -> None:
    names = [f"/assets/{path.name}" for path in ASSETS.glob(f"*{ending}")]
    assert names
    assert all(kept_answers._NAMED_FOR_CONTENTS.fullmatch(name) for name in names)
