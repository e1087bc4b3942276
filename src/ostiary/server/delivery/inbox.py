"""The dev inbox: the outbox as the people at the other end would see it. It keeps no text and no code.

What stands in the outbox as queued, being sent or sent is rendered anew for each look; what was withheld,
expired or died never arrived anywhere, and is not shown. Emptying it remembers the newest id.
"""

from typing import Literal

import msgspec

from ostiary.server.core.credentials import read_email
from ostiary.server.core.moments import iso
from ostiary.server.core.ports import Ports
from ostiary.server.delivery.messages import read_code
from ostiary.server.delivery.rendering import Renderer
from ostiary.server.storage import meta, outbox
from ostiary.server.storage.db import Store
from ostiary.server.storage.outbox import State, Stored
from ostiary.server.storage.tx import Tx

ARRIVED: tuple[State, ...] = ("queued", "sending", "sent")
LIMIT = 50
MOST = 500


class Entry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One message, as `GET /dev/inbox.json` shows it."""

    id: str
    kind: Literal["sms", "email"]
    to: str
    channel: str
    """A channel, or the name of a notice."""
    subject: str | None
    text: str
    code: str | None
    """Read out of the text."""
    lang: str
    state: State
    created_at: str
    """ISO 8601, UTC, milliseconds."""


class Inbox:
    """Looks at the outbox with the keys at hand. Dev mode only: it raises otherwise."""

    def __init__(self, store: Store, ports: Ports, public_url: str, *, dev: bool) -> None:
        if not dev:
            raise RuntimeError("The dev inbox exists in dev mode only (ostiary serve --dev)")
        self._store = store
        self._ports = ports
        self._renderer = Renderer(ports, public_url)

    async def entries(self, to: str | None = None, limit: int = LIMIT) -> list[Entry]:
        """What arrived since the inbox was emptied, newest first; at one number or address, where given."""

        def step(tx: Tx) -> list[Stored]:
            after = meta.get(tx, meta.DEV_INBOX_FROM) or ""
            return outbox.newest(tx, ARRIVED, recipient=to, after=after, limit=max(1, min(limit, MOST)))

        shown = (self._entry(message) for message in await self._store.read(step))
        return [entry for entry in shown if entry is not None]

    async def clear(self) -> None:
        """Show only what comes from now on."""
        await self._store.write(lambda tx: meta.put(tx, meta.DEV_INBOX_FROM, outbox.newest_id(tx)))

    def _entry(self, message: Stored) -> Entry | None:
        rendered = self._renderer.render(message, message.settled_at or self._ports.now())
        if rendered is None:
            return None
        return Entry(
            id=message.id,
            kind=message.medium,
            to=message.recipient,
            channel=message.purpose,
            subject=rendered.subject,
            text=rendered.text,
            code=read_code(rendered.text),
            lang=rendered.lang,
            state=message.state,
            created_at=iso(message.made_at),
        )


def typed_recipient(text: str) -> str | None:
    """What `?to=` means. A plus sign that was not escaped arrives as a space: a bare number gets it back."""
    plain = text.strip().lower()
    if not plain:
        return None
    if "@" in plain:
        return read_email(plain) or plain
    return f"+{plain}" if plain.isdigit() else plain
