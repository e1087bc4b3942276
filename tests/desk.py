"""An administrator's desk: management operations as they come over the wire, without a socket.

What is asked goes through `web/wire.read` as bytes, so forms, options and tolerances are those of the real edge.
"""

import itertools
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec.structs import replace

from ostiary.contract.keys import Key
from ostiary.contract.operations import BY_NAME
from ostiary.server.core.call import Call, ManagementToken
from ostiary.server.core.millis import HOUR, Millis
from ostiary.server.core.refused import Refused
from ostiary.server.features.management import (
    applications,
    groups,
    listing,
    records,
    roles,
    security_settings,
    tokens,
    user_changes,
    users,
)
from ostiary.server.storage import keys
from ostiary.server.storage.keys import AccessKeyRow
from ostiary.server.web import wire
from tests.workbench import Workbench

ACTIONS = {
    name: getattr(module, name)
    for module in (
        listing,
        records,
        security_settings,
        tokens,
        user_changes,
        users,
        groups,
        roles,
        applications,
    )
    for name in BY_NAME
    if hasattr(module, name)
}

_request_numbers = itertools.count(1)


@dataclass
class Desk:
    """A pool's access key and everything that may be done with it."""

    bench: Workbench
    key_id: str = "key-1"
    secret: str = field(default="s" * 43, repr=False)

    def __post_init__(self) -> None:
        ports = self.bench.ports
        row = AccessKeyRow(self.key_id, self.bench.pool_id, ports.sha256(self.secret), ports.now())
        self.bench.store.write_now(lambda tx: keys.insert_access_key(tx, row))

    def call(self, **changes: Any) -> Call:
        """A request with a good management token."""
        token = ManagementToken(self.bench.pool_id, self.key_id, Millis(self.bench.ports.now() + HOUR))
        call = Call(f"managed-{next(_request_numbers)}", manager=token, device="Backend")
        return replace(call, **changes)

    async def ask(
        self, operation: str, members: dict[str, Any] | None = None, call: Call | None = None
    ) -> Any:
        """One operation with these members (wire names); what the action answers."""
        op = BY_NAME[operation]
        given = members or {}
        if op.method == "GET":
            form = wire.read(op, b"", urlencode(given).encode())
        else:
            form = wire.read(op, msgspec.json.encode(given), b"", b"application/json")
        return await ACTIONS[operation](self.bench.service, call or self.call(), form)

    async def done(self, operation: str, **members: Any) -> Any:
        """The same where it must go well."""
        answer = await self.ask(operation, members)
        assert not isinstance(answer, Refused), answer
        return answer

    async def refused(self, operation: str, members: dict[str, Any], key: Key) -> dict[str, Any]:
        """The same where it must be refused, for this reason; what the caller is told about it."""
        answer = await self.ask(operation, members)
        assert isinstance(answer, Refused), answer
        assert answer.key is key, answer
        return answer.facts() or {}

    def audit(self, event: str) -> list[tuple[str, str, dict[str, Any]]]:
        """Rows of one event: user, actor, facts."""
        rows = self.bench.all(
            "SELECT user_id, actor, facts FROM audit WHERE event = :event ORDER BY id", event=event
        )
        return [(row[0], row[1], msgspec.json.decode(row[2])) for row in rows]

    def told(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Notices that were queued: purpose, recipient, facts."""
        rows = self.bench.all(
            "SELECT purpose, recipient, facts FROM outbox WHERE purpose NOT LIKE 'CHANNEL%' ORDER BY purpose, recipient"
        )
        return [(row[0], row[1], msgspec.json.decode(row[2])) for row in rows]
