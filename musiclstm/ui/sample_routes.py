"""The addresses under which the page's player finds its samples. They are cached by browsers for good."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from musiclstm.errors import MissingToolError, OptionError
from musiclstm.render.samples import KIND, SampleLibrary

FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}  # another sound font has another address


def sample_routes(library: SampleLibrary) -> list[Route]:
    """``samples/PROGRAM``: the facts of a program's samples, as JSON, or one sentence why there are none, as ``detail``.

    ``samples/VERSION/PROGRAM/VELOCITY/KEY.mp3``: one of them.
    """

    def facts(request: Request) -> Response:
        try:
            version, samples = library.samples(request.path_params["program"])
        except OptionError as error:
            return JSONResponse({"detail": str(error)}, 404)
        except (MissingToolError, OSError) as error:
            return JSONResponse({"detail": str(error)}, 503)
        return JSONResponse({"version": version, "kind": KIND, **samples.to_json()})

    def sound(request: Request) -> Response:
        found = library.file(*(request.path_params[name] for name in ("version", "program", "velocity", "key")))
        return Response(status_code=404) if found is None else FileResponse(found, media_type="audio/mpeg", headers=FOR_EVER)

    return [
        Route("/samples/{program:int}", facts),
        Route(f"/samples/{{version}}/{{program:int}}/{{velocity:int}}/{{key:int}}{KIND}", sound),
    ]
