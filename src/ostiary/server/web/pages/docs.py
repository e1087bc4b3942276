"""`/openapi.json` and `/docs`: the operations as the table has them. Everything is served from here, no CDN."""

from functools import cache

import msgspec

from ostiary.server.web import answers
from ostiary.server.web.answers import Answer, Handler, Request
from ostiary.server.web.pages.assets import asset


def routes() -> dict[bytes, dict[str, Handler]]:
    """Path → method → handler, for the edge's table."""
    return {
        b"/openapi.json": {"GET": openapi},
        b"/docs": {"GET": docs},
        b"/docs.css": {"GET": asset("docs.css", "docs")},
        b"/docs.js": {"GET": asset("docs.js", "docs")},
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
