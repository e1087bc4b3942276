"""Write docs/reference: operations, errors, compatibility, openapi.json, and the operator's pages.

`make generate` writes (`python -m tools.reference`); tests/wire/test_contract_reference.py is red where a page is stale.
"""

import json
import sys
from pathlib import Path

import msgspec

from ostiary.contract.errors import CATALOGUE
from ostiary.contract.keys import Key
from ostiary.contract.openapi import build
from ostiary.contract.operation import Kind, Operation, Who
from ostiary.contract.operations import OPERATIONS, common_errors
from ostiary.contract.shape import fields
from tools import compatibility, metrics_page, operator_pages

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
_MADE = "<!-- Made by tools/reference.py from src/ostiary/contract. Change it there. -->\n"
_WHO = {
    Who.ANYONE: "none",
    Who.CLIENT: "the application (none, body or Basic)",
    Who.USER: "the user's access token",
    Who.MANAGEMENT: "a management token",
}
_ANSWERS = {Kind.API: "the envelope", Kind.OAUTH: "OAuth's own form", Kind.BARE: "a bare object"}


def pages() -> dict[str, str]:
    """File name → text."""
    return {
        "operations.md": _operations(),
        "errors.md": _errors(),
        "compatibility.md": _MADE.replace("src/ostiary/contract", "ostiary.compat")
        + "\n"
        + compatibility.page(),
        "metrics.md": _MADE.replace("src/ostiary/contract", "src/ostiary/server/web/metrics.py")
        + "\n"
        + metrics_page.page(),
        "openapi.json": json.dumps(build(), ensure_ascii=False, indent=1) + "\n",
        **operator_pages.pages(),
    }


# --- operations -------------------------------------------------------------------------------


def _operations() -> str:
    groups: dict[str, list[Operation]] = {}
    for op in OPERATIONS:
        groups.setdefault(op.group, []).append(op)
    parts = [_MADE, "# Operations\n", "| operation | | what it does |\n|---|---|---|"]
    parts += [f"| [`{op.name}`](#{op.name}) | `{op.method} {op.path}` | {op.summary} |" for op in OPERATIONS]
    parts.append(
        "\nIn requests, `null` and an empty string mean that a field is absent, and unknown fields are ignored. In "
        "answers, fields that are not set are left out. Refusals are explained in [errors](errors.md).\n"
    )
    shown: dict[type, str] = {}
    for group, ops in groups.items():
        parts.append(f"## {group}\n")
        parts += [_operation(op, shown) for op in ops]
    return "\n".join(parts).rstrip("\n") + "\n"


def _operation(op: Operation, shown: dict[type, str]) -> str:
    parts = [f"### {op.name}\n", f"`{' or '.join(op.methods)} {op.path}` — {op.summary}\n"]
    if op.description:
        parts.append(op.description + "\n")
    parts.append(f"Credential: {_WHO[op.who]}. Answers with {_ANSWERS[op.kind]}.\n")
    if op.request is not None:
        where = "query" if op.method == "GET" else "form" if op.kind is Kind.OAUTH else "body"
        parts.append(_fields(op.request, f"Request ({where})", op.name, shown))
    if op.struct is not None:
        title = "`data`" if op.kind is Kind.API else "Answer"
        parts.append(_fields(op.struct, f"{title}, a list" if op.is_list else title, op.name, shown))
    else:
        parts.append("No data.\n")
    if op.needs:
        parts.append("Conditionally required:\n\n" + "\n".join(_need(op)) + "\n")
    if op.own_errors:
        parts.append("Refusals, in the order in which they are checked: " + _keys(op.own_errors) + ".\n")
    if common_errors(op):
        parts.append("Refusals common to operations of this kind: " + _keys(common_errors(op)) + ".\n")
    if op.later:
        paths = ", ".join(f"`{later.path}`" for later in op.later)
        parts.append(f"Not implemented yet (answered with 501): {paths}.\n")
    return "\n".join(parts)


def _need(op: Operation) -> list[str]:
    lines = []
    for need in op.needs:
        condition = f"`{need.when[0]}` is `{need.when[1]}`" if need.when else "always"
        lines.append(f"- {condition}: {' or '.join(f'`{path}`' for path in need.any_of)}")
    return lines


def _keys(keys: tuple[Key, ...]) -> str:
    return ", ".join(f"[`{key}`](errors.md#{key})" for key in keys)


def _fields(struct: type[msgspec.Struct], title: str, name: str, shown: dict[type, str]) -> str:
    """A table of a Struct's fields, then one of each Struct inside it; `shown` says where each stands already."""
    lines: list[str] = []
    waiting = [struct]
    while waiting:
        shape = waiting.pop(0)
        heading = f"{title}: `{shape.__name__}`" if shape is struct else f"`{shape.__name__}`"
        if shape in shown:
            if shape is struct or shown[shape] != name:
                lines.append(f"{heading}, see [{shown[shape]}](#{shown[shape]}).\n")
            continue
        shown[shape] = name
        lines.append(f"{heading}\n\n| field | type | required | |\n|---|---|---|---|")
        for field in fields(shape):
            waiting += field.inner
            lines.append(_row(f"`{field.name}`", field.kind, "yes" * field.required, field.note))
        lines.append("")
    return "\n".join(lines)


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


# --- errors -----------------------------------------------------------------------------------


def _errors() -> str:
    about = (
        "`statusCode` is the class of an answer, `apiCode` the reason; where there is no `apiCode`, the class is "
        "enough. Numbers from 91000 on are Ostiary's own. The HTTP status is 200 unless the last column says "
        "otherwise.\n"
    )
    parts = [
        _MADE,
        "# Refusals\n",
        about,
        "| key | statusCode | apiCode | HTTP |\n|---|---|---|---|",
    ]
    for key, row in CATALOGUE.items():
        http = "" if row.http_status == 200 else str(row.http_status)
        parts.append(
            f"| [`{key}`](#{key}) | {row.status_code} | {row.api_code or ''} | {http} |".replace(
                "|  |", "| |"
            )
        )
    for key, row in CATALOGUE.items():
        parts.append(f"\n## {key}\n")
        number = f"{row.status_code} / {row.api_code}" if row.api_code else str(row.status_code)
        parts.append(f"**{number}** · {row.en} · {row.zh}\n")
        parts.append(row.hint_en + "\n")
        used = [op.name for op in OPERATIONS if key in (*op.own_errors, *common_errors(op))]
        if used:
            parts.append(
                "Returned by: " + ", ".join(f"[`{name}`](operations.md#{name})" for name in used) + "."
            )
    return "\n".join(parts).rstrip("\n") + "\n"


def main() -> int:
    """Write the pages; with --check only say which are stale."""
    stale = []
    for name, text in pages().items():
        path = FOLDER / name
        if path.is_file() and path.read_text() == text:
            continue
        stale.append(name)
        if "--check" not in sys.argv:
            FOLDER.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    print(("stale: " if "--check" in sys.argv else "written: ") + ", ".join(stale) if stale else "up to date")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
