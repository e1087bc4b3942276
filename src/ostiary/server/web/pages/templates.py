"""How pages become HTML: `page` around what is HTML already, `environment` for the templates of `web/templates`."""

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ostiary.server.web.pages import icon

if TYPE_CHECKING:
    import jinja2

_TEMPLATES = Path(__file__).parent.parent / "templates"


def page(title: str, body: str, *, style: str, lang: str = "en", body_class: str | None = None) -> str:
    """A page around `body`, which is HTML already. `style`: where its style sheet is. Search engines leave it out."""
    marked = f' class="{body_class}"' if body_class is not None else ""
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f'{icon.LINK}<link rel="stylesheet" href="{style}"></head><body{marked}>{body}</body></html>'
    )


def environment() -> "jinja2.Environment":
    """What renders templates: everything is escaped, and a name that is not given is an error."""
    import jinja2  # here: a start that serves no rendered page does without it

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["icon"] = icon.LINK
    return made
