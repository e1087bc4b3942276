"""`docs/reference/compatibility.md`: which methods of the incumbent's Python SDK work, and which do not yet.

A method works where `ostiary.compat` has it, which a test holds to the operations table. Written by
`tools/reference.py`.
"""

import json
from pathlib import Path

from ostiary import compat
from ostiary.contract.operations import BY_PATH, LATER

FACTS = Path(__file__).parent.parent / "tests" / "facts" / "genauth_methods.json"
CLASSES = {
    "AuthenticationClient": compat.AuthenticationClient,
    "ManagementClient": compat.ManagementClient,
}

ASKS_FOR = {
    "sign_in_by_email_passcode": ("sign_in_by_credentials", "passCodePayload.email"),
    "sign_up_by_email_passcode": ("sign_up", "passCodePayload.email"),
}
"""Conveniences that stand and fall with an option of their operation."""

NOTES = {
    "build_authorize_url": "makes the address; `/oidc/auth` is not served yet",
    "build_logout_url": "makes the address; `/oidc/session/end` is not served yet",
    "introspect_token_offline": "also checks issuer and expiry, and keeps the keys",
    "revoke_token": "raises where the server refuses; theirs always returns True",
    "get_new_access_token_by_refresh_token": "`POST /oidc/token`",
    "get_user_info_by_access_token": "`GET /oidc/me`",
}
"""What is to be said of a method beyond its place in the table."""


_ABOUT = """\
Methods of `genauth` 5.1.0. Those in the tables work, with that library unchanged and with
[`ostiary.compat`](../migrating-from-genauth.md). A call of any other fails: `ostiary.compat` has no such attribute,
and the service answers its path with HTTP 404. Options of a served operation that are not built yet are answered
501, and listed with the [operation](operations.md).
"""


def methods(side: str) -> dict[str, str]:
    """Name → `POST /api/v3/…`, or '' where it only makes text or calls others."""
    listed: dict[str, dict[str, str]] = json.loads(FACTS.read_text(encoding="utf-8"))
    return listed[side]


def works(side: str, name: str) -> bool:
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
        parts.append("| method | calls | |\n|---|---|---|")
        parts += [f"| `{name}` | {_call(listed[name])} | {NOTES.get(name, '')} |" for name in sorted(there)]
        parts.append("\nNot yet: " + ", ".join(f"`{name}`" for name in sorted(missing)) + ".\n")
    return "\n".join(parts).rstrip("\n") + "\n"


def _call(call: str) -> str:
    operation = BY_PATH.get(call.partition(" ")[2], {}).get(call.partition(" ")[0])
    return f"[`{call}`](operations.md#{operation.name})" if operation else ""
