"""From an outbox row to what a person reads: the digits are made here, at the last moment, and kept nowhere."""

import base64

from ostiary.server.core.passcode import BY_LINK
from ostiary.server.core.ports import Ports
from ostiary.server.delivery.messages import Rendered, is_code, render
from ostiary.server.guards.passcodes import links
from ostiary.server.guards.passcodes.derive import digits
from ostiary.server.storage.outbox import Stored


class Renderer:
    """Renders messages with the keys and the public URL of an installation."""

    def __init__(self, ports: Ports, public_url: str) -> None:
        self._ports = ports
        self._public_url = public_url

    def render(self, message: Stored, now: int) -> Rendered | None:
        """The message as it reads at `now`; None for a code whose key is gone."""
        secret: str | None = ""
        if is_code(message.purpose):
            secret = self._link(message) if message.purpose in BY_LINK else self._digits(message)
        return None if secret is None else render(message, secret, now, self._public_url)

    def _digits(self, message: Stored) -> str | None:
        facts = message.facts
        return digits(
            self._ports.ring("codes"),  # asked for each time: keys are rotated while we run
            base64.b64decode(facts["seed"]),
            facts["key_id"],
            message.pool_id,
            message.purpose,
            message.recipient,
            facts["owner"],
            facts["length"],
        )

    def _link(self, message: Stored) -> str | None:
        seed = base64.b64decode(message.facts["seed"])
        link = links.Link(message.pool_id, message.recipient, seed)
        return links.write(self._ports.ring("codes"), message.facts["key_id"], link)
