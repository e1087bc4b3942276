"""`/openapi.json` and `/docs`: the operations as the table has them. Everything is served from here, no CDN."""

from functools import cache
from html import escape
from pathlib import Path

import msgspec

from ostiary.server.web import answers
from ostiary.server.web.answers import Answer, Handler, Request
from ostiary.server.web.pages import icon

_STATIC = Path(__file__).parent.parent / "static"


def routes() -> dict[bytes, dict[str, Handler]]:
    """Path → method → handler, for the edge's table."""
    return {
        b"/openapi.json": {"GET": openapi},
        b"/docs": {"GET": docs},
        b"/docs.css": {"GET": _asset("docs.css", b"text/css; charset=utf-8")},
        b"/docs.js": {"GET": _asset("docs.js", b"text/javascript; charset=utf-8")},
    }


async def openapi(request: Request) -> Answer:
    """`GET /openapi.json`: OpenAPI 3.1, built from the table once."""
    request.operation = "openapi"
    return Answer(_document())


async def docs(request: Request) -> Answer:
    """`GET /docs`: the same for people."""
    request.operation = "docs"
    return answers.html(_reference())


@cache
def _document() -> bytes:
    from ostiary.contract import openapi as contract  # a tenth of a second that a start need not spend

    return msgspec.json.encode(contract.build())


@cache
def _reference() -> str:
    from ostiary.server.web.pages import docs_content  # templates need a library that a start need not load

    return docs_content.render()


def page(title: str, body: str) -> str:
    """A small page around `body`, which is HTML already."""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'{icon.LINK}<link rel="stylesheet" href="/docs.css"><body class="plain">{body}</body></html>'
    )


def _asset(name: str, content_type: bytes) -> Handler:
    @cache
    def body() -> bytes:
        return (_STATIC / name).read_bytes()

    async def handler(request: Request) -> Answer:
        request.operation = "docs"
        return Answer(body(), content_type=content_type)

    return handler
