"""Looking at audit rows and messages: what the form means. Pure."""

from dataclasses import dataclass, field

from ostiary.contract.records import ListAuditEvents, ListMessages
from ostiary.server.core.people import Facts
from ostiary.server.core.refused import Refused

USUAL_LIMIT = 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """A page: between which moments (ms, None: open), before which id, and what its rows must have."""

    start: int | None
    end: int | None
    before: str | None
    limit: int
    having: dict[str, str] = field(repr=False)


def read_events(form: ListAuditEvents, _facts: Facts) -> Wanted | Refused:
    """Which audit rows."""
    having = {
        "user_id": form.user_id,
        "event": form.event,
        "verdict": form.verdict,
        "request_id": form.request_id,
    }
    return _wanted(form, having)


def read_messages(form: ListMessages, _facts: Facts) -> Wanted | Refused:
    """Which messages."""
    return _wanted(form, {"recipient": _recipient(form.to), "state": form.state, "purpose": form.purpose})


def _wanted(form: ListAuditEvents | ListMessages, having: dict[str, str | None]) -> Wanted:
    given = {name: value for name, value in having.items() if value}
    return Wanted(form.start, form.end, form.before, form.limit or USUAL_LIMIT, given)


def _recipient(typed: str | None) -> str | None:
    """In a query string a plus sign that was not escaped arrives as a space: a bare number gets it back."""
    plain = (typed or "").strip().lower()
    return f"+{plain}" if plain.isascii() and plain.isdigit() else plain or None
