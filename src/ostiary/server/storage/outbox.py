"""The outbox: messages that stand beside the fact they tell of, until they are sent or past their end.

One row, one message. Taking a row (`claim`) raises its `attempts` and moves `due_at` to the end of the
lease, so a row whose worker died becomes due again by itself. `attempts` is the fence: an outcome
(`settle`) counts only while the row still stands at the attempt it belongs to.

Where a worker listens in the process that queues, the row is born taken, and given to that worker after the commit.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from ostiary.server.core.contact import Medium
from ostiary.server.core.millis import SECOND
from ostiary.server.core.ports import Ports
from ostiary.server.storage.tx import Row, Sql, Tx, by_rows

State = Literal["queued", "sending", "sent", "withheld", "expired", "no_route", "dead"]

TOPIC = "outbox"
"""What `Store.on` listens to: something new may be due."""
TAKEN = "outbox: taken"
"""The same: these messages (`Stored`) are the listener's to send, as if it had claimed them."""
LEASE = 30 * SECOND
"""How long a message is its worker's: longer than an attempt may last."""


class Message(msgspec.Struct, frozen=True):
    """A message to be queued. Moments in milliseconds; `recipient` is an E.164 number or an address."""

    id: str
    """From `new_id`: ids sort by the moment they were made."""
    pool_id: str
    user_id: str | None
    medium: Medium
    recipient: str
    purpose: str
    """A channel (`CHANNEL_BIND_PHONE`) or the name of a notice (`phone_changed`)."""
    facts: Mapping[str, Any]
    """What the text needs, as JSON can say it; `delivery/messages.py` lists the names."""
    lang: str
    state: Literal["queued", "withheld"]
    """withheld: it looks like any other from outside and is never sent (phone-change.md §4)."""
    made_at: int
    due_at: int
    ends_at: int
    """Not sent at or after this moment."""


class Stored(msgspec.Struct, frozen=True):
    """A message as it stands in the table."""

    id: str
    pool_id: str
    user_id: str | None
    medium: Medium
    recipient: str
    purpose: str
    lang: str
    state: State
    attempts: int
    due_at: int
    """When it may be taken next; while it is being sent, the end of the lease."""
    made_at: int
    ends_at: int
    settled_at: int | None
    provider_id: str | None
    error: str | None
    facts: Mapping[str, Any]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one attempt. `queued` means: try again at `due_at`."""

    id: str
    attempt: int
    """`Stored.attempts` of the claim it belongs to."""
    state: Literal["queued", "sent", "expired", "no_route", "dead"]
    due_at: int | None = None
    """None: `due_at` stays."""
    settled_at: int | None = None
    """None while it is to be tried again."""
    provider_id: str | None = None
    error: str | None = None


def new_id(ports: Ports, made_at: int) -> str:
    """24 hex digits: 12 of time (milliseconds), 12 of chance; newer messages have greater ids."""
    return f"{made_at:012x}{ports.random_bytes(6).hex()}"


_QUEUE = by_rows(
    16,
    """(:id#, :pool_id#, :user_id#, :medium#, :recipient#, :purpose#, :facts#, :lang#,
        :state#, :attempts#, :due_at#, :made_at#, :ends_at#)""",
    """
    INSERT INTO outbox (id, pool_id, user_id, medium, recipient, purpose, facts, lang,
                        state, attempts, due_at, made_at, ends_at)
    """,
)


def queue(tx: Tx, *messages: Message) -> None:
    """Put messages beside the fact they tell of; the worker hears of them after the commit."""
    tx.append(_QUEUE, *[_row(tx, message) for message in messages])


def _row(tx: Tx, message: Message) -> Row:
    state: State = message.state
    attempts, due_at = 0, message.due_at
    if state == "queued" and due_at == message.made_at and TAKEN in tx.listeners:
        taken = _taken(message)
        state, attempts, due_at = taken.state, taken.attempts, taken.due_at
        tx.after_commit(TAKEN, taken)
    else:
        tx.after_commit(TOPIC)
    facts = msgspec.json.encode(message.facts).decode()
    whose = (message.id, message.pool_id, message.user_id)
    what = (message.medium, message.recipient, message.purpose, facts, message.lang)
    return (*whose, *what, state, attempts, due_at, message.made_at, message.ends_at)


def _taken(message: Message) -> Stored:
    """A message as its first claim would leave it."""
    return Stored(
        id=message.id,
        pool_id=message.pool_id,
        user_id=message.user_id,
        medium=message.medium,
        recipient=message.recipient,
        purpose=message.purpose,
        lang=message.lang,
        state="sending",
        attempts=1,
        due_at=message.due_at + LEASE,
        made_at=message.made_at,
        ends_at=message.ends_at,
        settled_at=None,
        provider_id=None,
        error=None,
        facts=message.facts,
    )


COLUMNS = (
    "id, pool_id, user_id, medium, recipient, purpose, lang, state, attempts, due_at, made_at, ends_at,"
    " settled_at, provider_id, error, facts"
)
_OUTBOX_COLUMNS = ", ".join(f"outbox.{name.strip()}" for name in COLUMNS.split(","))


def stored(row: Row) -> Stored:
    """A row of `COLUMNS`."""
    return Stored(*(*row[:-1], msgspec.json.decode(row[-1])))


_NEXT_DUE = Sql("SELECT min(due_at) FROM outbox WHERE state IN ('queued', 'sending')")


def next_due(tx: Tx) -> int | None:
    """When the next message may be taken; None where none waits. A read: an idle worker writes nothing."""
    row = tx.one(_NEXT_DUE)
    due: int | None = row[0] if row else None
    return due


_CLAIM = Sql(
    f"""
    UPDATE outbox SET state = 'sending', attempts = attempts + 1, due_at = :until
     WHERE id IN (SELECT id FROM outbox
                   WHERE state IN ('queued', 'sending') AND due_at <= :now
                   ORDER BY due_at LIMIT :limit)
    RETURNING {COLUMNS}
    """,
    # A CTE, because PostgreSQL may evaluate a subquery with SKIP LOCKED more than once.
    postgresql=f"""
    WITH due AS MATERIALIZED (
        SELECT id FROM outbox
         WHERE state IN ('queued', 'sending') AND due_at <= :now
         ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED)
    UPDATE outbox SET state = 'sending', attempts = attempts + 1, due_at = :until
      FROM due WHERE outbox.id = due.id
    RETURNING {_OUTBOX_COLUMNS}
    """,
)


def claim(tx: Tx, now: int, limit: int, lease: int = LEASE) -> list[Stored]:
    """Take up to `limit` messages that are due, oldest first, for `lease` milliseconds."""
    rows = tx.all(_CLAIM, now=now, until=now + lease, limit=limit)
    return sorted(map(stored, rows), key=lambda message: message.id)


_SETTLE = Sql(
    """
    UPDATE outbox
       SET state = :state, due_at = coalesce(:due_at, due_at), settled_at = :settled_at, provider_id = :provider_id,
           error = :error
     WHERE id = :id AND attempts = :attempt AND state = 'sending'
    """,
    postgresql="""
    UPDATE outbox
       SET state = told.state, due_at = coalesce(told.due_at, outbox.due_at), settled_at = told.settled_at,
           provider_id = told.provider_id, error = told.error
      FROM jsonb_to_recordset(CAST(:rows AS jsonb))
           AS told (id text, attempt bigint, state text, due_at bigint, settled_at bigint,
                    provider_id text, error text)
     WHERE outbox.id = told.id AND outbox.attempts = told.attempt AND outbox.state = 'sending'
    """,
)


def settle(tx: Tx, outcomes: Sequence[Outcome]) -> int:
    """Store what became of attempts; how many of them were still theirs to tell."""
    return tx.each(_SETTLE, [msgspec.structs.asdict(outcome) for outcome in outcomes])


_NEWEST = Sql(
    f"""
    SELECT {COLUMNS} FROM outbox
     WHERE id > :after AND state IN (SELECT value FROM json_each(:states))
     ORDER BY id DESC LIMIT :limit
""",
    postgresql=f"""
    SELECT {COLUMNS} FROM outbox
     WHERE id > :after AND state IN (SELECT jsonb_array_elements_text(CAST(:states AS jsonb)))
     ORDER BY id DESC LIMIT :limit
""",
)
_NEWEST_TO = Sql(
    f"""
    SELECT {COLUMNS} FROM outbox
     WHERE recipient = :recipient AND id > :after AND state IN (SELECT value FROM json_each(:states))
     ORDER BY id DESC LIMIT :limit
""",
    postgresql=f"""
    SELECT {COLUMNS} FROM outbox
     WHERE recipient = :recipient AND id > :after
       AND state IN (SELECT jsonb_array_elements_text(CAST(:states AS jsonb)))
     ORDER BY id DESC LIMIT :limit
""",
)


def newest(
    tx: Tx, states: Sequence[State], *, recipient: str | None = None, after: str = "", limit: int = 50
) -> list[Stored]:
    """Messages in one of `states`, newest first; to one recipient, and after an id, where given."""
    params = {"states": msgspec.json.encode(states).decode(), "after": after, "limit": limit}
    if recipient is None:
        return [stored(row) for row in tx.all(_NEWEST, **params)]
    return [stored(row) for row in tx.all(_NEWEST_TO, recipient=recipient, **params)]


_LOAD = Sql(f"SELECT {COLUMNS} FROM outbox WHERE id = :id")


def load(tx: Tx, message_id: str) -> Stored | None:
    """One message, or None."""
    row = tx.one(_LOAD, id=message_id)
    return None if row is None else stored(row)


_NEWEST_ID = Sql("SELECT max(id) FROM outbox")


def newest_id(tx: Tx) -> str:
    """The id of the newest message, '' where there is none."""
    row = tx.one(_NEWEST_ID)
    return (row[0] if row else None) or ""


_RESEND = Sql(
    """
    UPDATE outbox SET state = 'queued', due_at = :now, settled_at = NULL, error = NULL,
                      ends_at = CASE WHEN purpose LIKE 'CHANNEL%' OR ends_at > :ends_at THEN ends_at ELSE :ends_at END
     WHERE id = :id AND state IN ('dead', 'no_route') AND (purpose NOT LIKE 'CHANNEL%' OR ends_at > :now)
    """
)


def resend(tx: Tx, message_id: str, now: int, ends_at: int) -> bool:
    """Have a dead letter sent again, with the same id; False: nothing there may be sent.

    Only what ended as `dead` or `no_route`: what was sent would be dropped by a receiver that knows its id. A code
    keeps its end, and past it is not sent; a notice gets until `ends_at` if that is later. Wants a writing step.
    """
    again = tx.run(_RESEND, id=message_id, now=now, ends_at=ends_at) == 1
    if again:
        tx.after_commit(TOPIC)
    return again
