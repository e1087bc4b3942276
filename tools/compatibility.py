"""`docs/reference/compatibility.md`: which methods of the incumbent's Python SDK work, and what to use instead of others.

A method works where `ostiary.compat` has it, which a test holds to the operations table; all others have a row in
`contract/unserved.py`. Written by `tools/reference.py`.
"""

import json
from pathlib import Path

from ostiary import compat
from ostiary.contract.instead import Instead
from ostiary.contract.operations import BY_NAME, BY_PATH, LATER
from ostiary.contract.unserved import find
from ostiary.contract.unserved_row import Side

FACTS = Path(__file__).parent.parent / "tests" / "facts" / "genauth_methods.json"
CLASSES: dict[Side, type] = {
    "AuthenticationClient": compat.AuthenticationClient,
    "ManagementClient": compat.ManagementClient,
}

ASKS_FOR: dict[str, tuple[str, str]] = {}
"""Conveniences that stand and fall with an option of their operation."""

NOTES = {
    "build_authorize_url": "builds the URL; `/oidc/auth` answers 501",
    "build_logout_url": "builds the URL; `/oidc/session/end` answers 501",
    "introspect_token": "`POST /oidc/token/introspection`",
    "introspect_token_offline": "also checks issuer and expiry, and caches the keys",
    "get_access_token_by_client_credentials": "`POST /oidc/token` with the application's id and secret",
    "list": "`list_my_devices` in `ostiary`",
    "unbind": "`unbind_my_device` in `ostiary`",
    "revoke": "`revoke_my_device_session` in `ostiary`",
    "revoke_token": "raises an error if the server refuses; theirs always returns True",
    "get_new_access_token_by_refresh_token": "`POST /oidc/token`",
    "get_user_info_by_access_token": "`GET /oidc/me`",
}
"""What is to be said of a method beyond its place in the table."""


_ABOUT = """\
Methods of `genauth` 5.1.0, with that library unchanged and with [`ostiary.compat`](../migrating-from-genauth.md). For
methods that work, the last column lists differences. All others are answered with statusCode 501 and the sentence shown
beside them, in Chinese or English; `ostiary`'s own clients raise `NotServed` with it, without sending a request.
"""


def methods(side: str) -> dict[str, str]:
    """Name → `POST /api/v3/…`, or '' where it only makes text or calls others."""
    listed: dict[str, dict[str, str]] = json.loads(FACTS.read_text(encoding="utf-8"))
    return listed[side]


def works(side: Side, name: str) -> bool:
    """Whether the stand-in has the method, and the service what it asks for."""
    if name in ASKS_FOR:
        operation, option = ASKS_FOR[name]
        if option in {later.path for later in LATER.get(operation, ())}:
            return False
    return hasattr(CLASSES[side], name)


def is_served(call: str) -> bool:
    """Whether `POST /api/v3/…` is an operation of the table."""
    method, _, path = call.partition(" ")
    return method in BY_PATH.get(path, {})


def page() -> str:
    """The whole page."""
    parts = ["# The incumbent's Python methods\n", _ABOUT]
    for side in CLASSES:
        listed = methods(side)
        there = [name for name in listed if works(side, name)]
        missing = [name for name in listed if not works(side, name)]
        parts.append(f"## {side}: {len(there)} of {len(listed)}\n")
        parts.append("| method | calls | differs |\n|---|---|---|")
        parts += [f"| `{name}` | {_call(listed[name])} | {_differs(name)} |" for name in sorted(there)]
        parts.append("\n| answered 501 | what to use instead |\n|---|---|")
        parts += [f"| {names} | {instead} |" for instead, names in _grouped(side, missing).items()]
        parts.append("")
    return "\n".join(parts).rstrip("\n") + "\n"


def _differs(name: str) -> str:
    """A note, or the options that are not served."""
    operation = ASKS_FOR.get(name, (name, ""))[0]
    later = BY_NAME[operation].later if operation in BY_NAME else ()
    options = f"[options](operations.md#{operation}) that are answered 501: {len(later)}" if later else ""
    return NOTES.get(name, options)


def _grouped(side: Side, names: list[str]) -> dict[str, str]:
    """Sentence → the methods that are answered with it."""
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        found.setdefault(instead(side, name).en, []).append(f"`{name}`")
    return {sentence: ", ".join(methods) for sentence, methods in found.items()}


def instead(side: Side, name: str) -> Instead:
    """What to use instead of a method that does not work."""
    row = find(side, name)
    if row is not None:
        return row.instead
    operation, option = ASKS_FOR[name]
    return Instead(
        "",
        f"this version does not support `{option}` of `{operation}` yet: use the counterpart for phone numbers",
    )


def _call(call: str) -> str:
    operation = BY_PATH.get(call.partition(" ")[2], {}).get(call.partition(" ")[0])
    return f"[`{call}`](operations.md#{operation.name})" if operation else ""
