"""Static files of the pages, served from `web/static`: each is read once, when it is first asked for."""

from functools import cache
from pathlib import Path

from ostiary.server.web.answers import Answer, Handler, Request

_STATIC = Path(__file__).parent.parent / "static"
_CONTENT_TYPES = {".css": b"text/css; charset=utf-8", ".js": b"text/javascript; charset=utf-8"}


def asset(name: str, operation: str = "none") -> Handler:
    """A handler that answers with this file. `operation`: what logs and metrics call it."""
    content_type = _CONTENT_TYPES[Path(name).suffix]

    @cache
    def body() -> bytes:
        return (_STATIC / name).read_bytes()

    async def handler(request: Request) -> Answer:
        request.operation = operation
        return Answer(body(), content_type=content_type)

    return handler
