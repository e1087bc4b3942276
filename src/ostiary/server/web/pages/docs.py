"""`/openapi.json` and `/docs`: the operations as the table has them. Everything is served from here, no CDN."""

from functools import cache
from html import escape
from itertools import groupby

import msgspec

from ostiary.contract.operation import Operation, Who
from ostiary.contract.operations import OPERATIONS
from ostiary.server.web import answers
from ostiary.server.web.answers import Answer, Request

STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 62rem; margin: 3rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.9rem; margin: 0 0 .25rem; } h2 { margin: 2.5rem 0 .5rem; font-size: 1.15rem; }
article { border-top: 1px solid var(--line); padding: .8rem 0; }
article p { margin: .3rem 0; max-width: 48rem; } .soft { opacity: .7; }
code { font: .92em/1.4 ui-monospace, monospace; } a { color: inherit; }
.verb { display: inline-block; min-width: 3.2rem; font-weight: 600; }
.who { float: right; font-size: .8rem; opacity: .7; }
"""

_WHO = {
    Who.ANYONE: "open",
    Who.CLIENT: "application",
    Who.USER: "signed-in user",
    Who.MANAGEMENT: "management token",
}


async def openapi(request: Request) -> Answer:
    """`GET /openapi.json`: OpenAPI 3.1, built from the table once."""
    request.operation = "openapi"
    return Answer(_document())


async def docs(request: Request) -> Answer:
    """`GET /docs`: the same for people."""
    request.operation = "docs"
    return answers.html(_page())


@cache
def _document() -> bytes:
    from ostiary.contract import openapi as contract  # a tenth of a second that a start need not spend

    return msgspec.json.encode(contract.build())


@cache
def _page() -> str:
    groups = (
        f"<h2>{escape(group)}</h2>" + "".join(_article(operation) for operation in operations)
        for group, operations in groupby(OPERATIONS, key=lambda operation: operation.group)
    )
    return page(
        "Ostiary API",
        "<h1>Ostiary API</h1><p class=soft>Answers under <code>/api/v3</code> come with HTTP 200 and their own "
        '<code>statusCode</code>. The machine-readable form is <a href="/openapi.json">openapi.json</a>.</p>'
        + "".join(groups),
    )


def page(title: str, body: str) -> str:
    """A whole page around `body`, which is HTML already."""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style><body>{body}</body></html>"
    )


def _article(operation: Operation) -> str:
    return (
        f'<article id="{escape(operation.name)}"><span class=who>{_WHO[operation.who]}</span>'
        f"<span class=verb>{operation.method}</span><code>{escape(operation.path)}</code>"
        f"<p>{escape(operation.summary)}</p><p class=soft>{escape(operation.description)}</p></article>"
    )
