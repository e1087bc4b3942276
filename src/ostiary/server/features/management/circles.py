"""What roles and groups have in common: they are made, changed and deleted, and users join and leave them, alike.

Users are locked before circles, each in the order of their names, so that two calls never wait for each other.
"""

from typing import cast

from ostiary.contract.common import IsSuccess
from ostiary.contract.keys import Key
from ostiary.contract.management import UserPaging
from ostiary.server.core.audit_events import AuditEvent
from ostiary.server.core.circles import Circle, CircleKind
from ostiary.server.core.refused import Refused
from ostiary.server.features.management.circles_rules import Movement, Slice, missing
from ostiary.server.features.management.users import hold
from ostiary.server.features.management.users_rules import Named
from ostiary.server.guards import accounts, audit
from ostiary.server.guards.entry import Errand
from ostiary.server.storage import circles, people

UNKNOWN: dict[CircleKind, Key] = {"role": Key.ROLE_NOT_FOUND, "group": Key.GROUP_NOT_FOUND}
TAKEN: dict[CircleKind, Key] = {"role": Key.ROLE_TAKEN, "group": Key.GROUP_TAKEN}


def make(errand: Errand[object], circle: Circle) -> Refused | None:
    """Store a new one; of two with one code exactly one wins."""
    if not circles.insert(errand.tx, circle):
        return Refused(TAKEN[circle.kind])
    _note(errand, circle, "made")
    return None


def change(errand: Errand[object], after: Circle, before: Circle) -> Refused | None:
    """Write a held one anew."""
    if after.code != before.code and circles.find(errand.tx, after.pool_id, after.kind, after.code):
        return Refused(TAKEN[after.kind])
    circles.change(errand.tx, after)
    _note(errand, after, "changed", before=before.code if before.code != after.code else None)
    return None


def delete(errand: Errand[object], kind: CircleKind, codes: list[str]) -> IsSuccess | Refused:
    """Delete all of them, or none."""
    wanted = list(dict.fromkeys(codes))
    held = circles.hold(errand.tx, errand.pool.id, kind, wanted)
    refused = missing(UNKNOWN[kind], wanted, held, "codeList")
    if refused is not None:
        return refused
    for circle in filter(None, held):
        circles.delete(errand.tx, circle)
        _note(errand, circle, "deleted")
    return IsSuccess(success=True)


def join(errand: Errand[Movement], kind: CircleKind) -> IsSuccess | Refused:
    """Put users into circles: all of them into all, or nobody anywhere."""
    ask = errand.ask
    held = hold(errand.tx, errand.pool.id, [Named("user_id", user_id, user_id) for user_id in ask.user_ids])
    strangers = [user_id for user_id, row in zip(ask.user_ids, held, strict=True) if row is None]
    if strangers:
        return Refused(Key.USER_NOT_FOUND, data={"userIds": strangers})
    shared = circles.share(errand.tx, errand.pool.id, kind, ask.codes)
    refused = missing(UNKNOWN[kind], ask.codes, shared, "code")
    if refused is not None:
        return refused
    for circle in filter(None, shared):
        for user_id in ask.user_ids:
            circles.join(
                errand.tx,
                circle,
                user_id,
                starts_at=ask.starts_at if ask.starts_at is not None else errand.now,
                ends_at=ask.ends_at,
                now=errand.now,
            )
            _note(errand, circle, "joined", user_id)
    return IsSuccess(success=True)


def leave(errand: Errand[Movement], kind: CircleKind) -> IsSuccess | Refused:
    """Take users out of circles; who is in none of them is passed over."""
    ask = errand.ask
    for user_id in sorted(ask.user_ids):  # whose token is being made has all of these circles, or none
        people.lock_user(errand.tx, user_id)
    shared = circles.share(errand.tx, errand.pool.id, kind, ask.codes)
    refused = missing(UNKNOWN[kind], ask.codes, shared, "code")
    if refused is not None:
        return refused
    for circle in filter(None, shared):
        for user_id in sorted(ask.user_ids):
            if circles.leave(errand.tx, circle, user_id):
                _note(errand, circle, "left", user_id)
    return IsSuccess(success=True)


def members(errand: Errand[Slice], kind: CircleKind) -> UserPaging | Refused:
    """A page of those who are in it now."""
    ask = errand.ask
    circle = circles.find(errand.tx, errand.pool.id, kind, ask.code)
    if circle is None:
        return Refused(UNKNOWN[kind])
    total, rows = circles.members(errand.tx, circle, errand.now, limit=ask.limit, skip=ask.skip)
    shown = [
        accounts.to_user(row, with_custom_data=ask.custom_data, with_identities=ask.identities)
        for row in rows
    ]
    return UserPaging(total_count=total, list=shown)


def _note(
    errand: Errand[object], circle: Circle, what: str, user_id: str = "", before: str | None = None
) -> None:
    """The event is `role_made`, `group_joined` and so on."""
    event = cast("AuditEvent", f"{circle.kind}_{what}")
    audit.note(errand, event, user_id=user_id, actor=errand.actor, code=circle.code, before=before)
