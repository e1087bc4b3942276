"""From an outbox row to what a person reads: the digits are made here, at the last moment, and kept nowhere."""

import base64

from ostiary.server.core.passcode import BY_LINK
from ostiary.server.core.ports import Ports
from ostiary.server.delivery.messages import Rendered, is_code, render_code, render_link, render_notice
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
        if not is_code(message.purpose):
            return render_notice(message, self._public_url)
        if message.purpose in BY_LINK:
            return self._link(message, now)
        facts = message.facts
        code = digits(
            self._ports.ring("codes"),  # asked for each time: keys are rotated while we run
            base64.b64decode(facts["seed"]),
            facts["key_id"],
            message.pool_id,
            message.purpose,
            message.recipient,
            facts["owner"],
            facts["length"],
        )
        return None if code is None else render_code(message, code, now, self._public_url)

    def _link(self, message: Stored, now: int) -> Rendered | None:
        seed = base64.b64decode(message.facts["seed"])
        link = links.Link(message.pool_id, message.recipient, seed)
        text = links.write(self._ports.ring("codes"), message.facts["key_id"], link)
        return None if text is None else render_link(message, text, now, self._public_url)
