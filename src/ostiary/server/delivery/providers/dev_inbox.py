"""Dev mode's sender: takes everything, keeps nothing. The inbox shows the outbox itself (`delivery/inbox.py`).

Imported by `app.py` alone, inside dev mode's branch (a house test looks); made outside dev mode, it refuses.
"""

from ostiary.server.delivery.messages import Rendered


class DevInboxSender:
    """Accepts every message."""

    def __init__(self, *, dev: bool) -> None:
        if not dev:
            raise RuntimeError("The dev inbox exists in dev mode only (ostiary serve --dev)")

    def send(self, message: Rendered) -> str:
        """Accept it; its provider id is our own."""
        return f"dev-inbox:{message.id}"
