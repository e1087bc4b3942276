"""Messages as an operator sees them: their texts without codes, and sending dead ones again."""

from ostiary.server.delivery.messages import is_code, render
from ostiary.server.guards import audit
from ostiary.server.guards.notices import NOTICE_LIFE
from ostiary.server.storage import outbox, pools
from ostiary.server.storage.outbox import Stored
from ostiary.server.storage.tx import Tx
from ostiary.server.upkeep.site import Site

HIDDEN = "•"
_MOST = 100_000


def text(message: Stored, public_url: str) -> str:
    """What it says; a dot for each digit of a code or in place of a link's token, and the minutes as they were when it was made."""
    secret = HIDDEN * message.facts.get("length", 6)
    return render(message, secret, message.made_at, public_url).text


def unsent(site: Site) -> list[str]:
    """The ids of all messages that ended unsent and may be sent again, oldest first."""
    now = site.ports.now()
    found = site.store.read_now(lambda tx: outbox.newest(tx, ("dead", "no_route"), limit=_MOST))
    return [
        message.id for message in reversed(found) if not is_code(message.purpose) or message.ends_at > now
    ]


def resend(site: Site, message_id: str) -> bool:
    """Have one sent again, with an audit row; False where it may not be."""

    def step(tx: Tx) -> bool:
        now = site.ports.now()
        message = outbox.load(tx, message_id)
        if message is None or not outbox.resend(tx, message_id, now, now + NOTICE_LIFE):
            return False
        pool = pools.load(tx, message.pool_id)
        if pool is not None:
            errand = site.errand(tx, pool)
            audit.note(
                errand,
                "message_resent",
                user_id=message.user_id or "",
                actor=errand.actor,
                message=message_id,
                purpose=message.purpose,
                to=audit.contact_hash(site.ports, pool.id, message.recipient),
            )
        return True

    return site.store.write_now(step)
