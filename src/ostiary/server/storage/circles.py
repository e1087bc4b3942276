"""Roles and groups, and who is in them. Both are circles of users with a code that is theirs alone in the pool.

1. Who puts somebody into a circle holds the user's row and shares the circle's; who deletes either holds it alone. So
   nobody is ever in a circle that is gone, and no circle has a member that is gone.
2. A membership holds from `starts_at` until `ends_at`; a disabled role is nobody's, and keeps its members.
"""

from collections.abc import Sequence
from dataclasses import asdict

from ostiary.server.core.circles import Circle, CircleKind
from ostiary.server.core.millis import Millis
from ostiary.server.storage import management, users
from ostiary.server.storage.tx import Row, Sql, Tx
from ostiary.server.storage.users import UserRow

_NOT_AFTER = "\U0010ffff"
"""The last character there is."""

_COLUMNS = "id, pool_id, kind, code, name, description, type, enabled, disable_at, made_at"
_BY_CODE = f"SELECT {_COLUMNS} FROM circles WHERE pool_id = :pool_id AND kind = :kind AND code = :code"
_FIND = Sql(_BY_CODE)
_SHARE = Sql(_BY_CODE, postgresql=f"{_BY_CODE} FOR SHARE", holds=("code",))
_HOLD = Sql(_BY_CODE, postgresql=f"{_BY_CODE} FOR UPDATE", holds=("code",))

_INSERT = Sql(
    f"""
    INSERT INTO circles ({_COLUMNS})
    VALUES (:id, :pool_id, :kind, :code, :name, :description, :type, :enabled, :disable_at, :made_at)
    ON CONFLICT DO NOTHING
    """
)
_CHANGE = Sql(
    """
    UPDATE circles SET code = :code, name = :name, description = :description, enabled = :enabled,
                       disable_at = :disable_at
    WHERE id = :id
    """
)
_DELETE_MEMBERS = Sql("DELETE FROM memberships WHERE circle_id = :circle_id")
_DELETE = Sql("DELETE FROM circles WHERE id = :circle_id")

_RANGE = "pool_id = :pool_id AND kind = :kind AND code >= :begin AND code < :end"
_COUNT = Sql("SELECT count(*) FROM circles WHERE pool_id = :pool_id AND kind = :kind")
_PAGE = Sql(
    f"""
    SELECT {_COLUMNS} FROM circles WHERE pool_id = :pool_id AND kind = :kind
    ORDER BY made_at DESC, id DESC LIMIT :limit OFFSET :skip
    """
)
_FOUND_COUNT = Sql(f"SELECT count(*) FROM circles WHERE {_RANGE}")
_FOUND_PAGE = Sql(
    f"SELECT {_COLUMNS} FROM circles WHERE {_RANGE} ORDER BY made_at DESC, id DESC LIMIT :limit OFFSET :skip"
)

_JOIN = Sql(
    """
    INSERT INTO memberships (circle_id, user_id, pool_id, starts_at, ends_at, made_at)
    VALUES (:circle_id, :user_id, :pool_id, :starts_at, :ends_at, :now)
    ON CONFLICT (circle_id, user_id) DO UPDATE SET starts_at = :starts_at, ends_at = :ends_at
    """
)
_LEAVE = Sql("DELETE FROM memberships WHERE circle_id = :circle_id AND user_id = :user_id")

_NOW_IN = "circle_id = :circle_id AND starts_at <= :now AND (ends_at IS NULL OR ends_at > :now)"
_MEMBER_COUNT = Sql(f"SELECT count(*) FROM memberships WHERE {_NOW_IN}")
_MEMBERS = management.page_of(
    f"SELECT user_id AS id, made_at FROM memberships WHERE {_NOW_IN} ORDER BY made_at DESC, user_id DESC"
)
_OF_USER = Sql(
    f"""
    SELECT {", ".join("c." + name for name in _COLUMNS.split(", "))}
    FROM memberships m JOIN circles c ON c.id = m.circle_id
    WHERE m.user_id = :user_id AND m.starts_at <= :now AND (m.ends_at IS NULL OR m.ends_at > :now)
      AND m.pool_id = :pool_id AND c.kind = :kind
      AND c.enabled = 1 AND (c.disable_at IS NULL OR c.disable_at > :now)
    ORDER BY c.code
    """
)


def find(tx: Tx, pool_id: str, kind: CircleKind, code: str) -> Circle | None:
    """One role or group by its code."""
    row = tx.one(_FIND, pool_id=pool_id, kind=kind, code=code)
    return None if row is None else _circle(row)


def share(tx: Tx, pool_id: str, kind: CircleKind, codes: Sequence[str]) -> list[Circle | None]:
    """The same for several, kept from being deleted until the commit. Locks are taken in the order of codes."""
    return _locked(tx, _SHARE, pool_id, kind, codes)


def hold(tx: Tx, pool_id: str, kind: CircleKind, codes: Sequence[str]) -> list[Circle | None]:
    """The same, about to be changed or deleted: nobody joins until the commit."""
    return _locked(tx, _HOLD, pool_id, kind, codes)


def insert(tx: Tx, circle: Circle) -> bool:
    """Store a new one. False: the code is taken."""
    values = asdict(circle) | {"enabled": int(circle.enabled)}
    return tx.run(_INSERT, **values) == 1


def change(tx: Tx, circle: Circle) -> None:
    """Write a held one anew; its new code was seen free a moment ago, and a rival makes the step run again."""
    tx.must(
        _CHANGE,
        id=circle.id,
        code=circle.code,
        name=circle.name,
        description=circle.description,
        enabled=int(circle.enabled),
        disable_at=circle.disable_at,
    )


def delete(tx: Tx, circle: Circle) -> None:
    """Forget a held one; everybody loses it."""
    tx.must(_DELETE_MEMBERS, expect=None, circle_id=circle.id)
    tx.must(_DELETE, circle_id=circle.id)


def page(
    tx: Tx, pool_id: str, kind: CircleKind, begin: str | None, *, limit: int, skip: int
) -> tuple[int, list[Circle]]:
    """How many there are, and `limit` of them after the newest `skip`. `begin`: of codes that begin so."""
    about = {"pool_id": pool_id, "kind": kind}
    if begin is None:
        count, rows = tx.one(_COUNT, **about), tx.all(_PAGE, **about, limit=limit, skip=skip)
    else:
        found = {**about, "begin": begin, "end": begin + _NOT_AFTER}
        count, rows = tx.one(_FOUND_COUNT, **found), tx.all(_FOUND_PAGE, **found, limit=limit, skip=skip)
    return count[0] if count else 0, [_circle(row) for row in rows]


def join(
    tx: Tx, circle: Circle, user_id: str, *, starts_at: Millis, ends_at: Millis | None, now: Millis
) -> None:
    """Put a user into a shared circle; who is in it gets the new times. The user's row is held."""
    tx.must(
        _JOIN,
        circle_id=circle.id,
        user_id=user_id,
        pool_id=circle.pool_id,
        starts_at=starts_at,
        ends_at=ends_at,
        now=now,
    )


def leave(tx: Tx, circle: Circle, user_id: str) -> bool:
    """Take a user out. False: they were not in it."""
    return tx.run(_LEAVE, circle_id=circle.id, user_id=user_id) == 1


def members(tx: Tx, circle: Circle, now: Millis, *, limit: int, skip: int) -> tuple[int, list[UserRow]]:
    """How many are in it now, and a page of them, who came last first."""
    count = tx.one(_MEMBER_COUNT, circle_id=circle.id, now=now)
    rows = tx.all(_MEMBERS, circle_id=circle.id, now=now, limit=limit, skip=skip)
    return count[0] if count else 0, [users.user_row(row) for row in rows]


def of_user(tx: Tx, pool_id: str, kind: CircleKind, user_id: str, now: Millis) -> list[Circle]:
    """The roles that a user has now, or the groups that they are in, by code."""
    rows = tx.all(_OF_USER, pool_id=pool_id, kind=kind, user_id=user_id, now=now)
    return [_circle(row) for row in rows]


def roles_of(tx: Tx, pool_id: str, user_id: str, now: Millis) -> list[str]:
    """The codes of a user's roles, as a token's claim tells them."""
    return [role.code for role in of_user(tx, pool_id, "role", user_id, now)]


def _locked(
    tx: Tx, statement: Sql, pool_id: str, kind: CircleKind, codes: Sequence[str]
) -> list[Circle | None]:
    found: dict[str, Circle | None] = {}
    for code in sorted(set(codes)):
        row = tx.one(statement, pool_id=pool_id, kind=kind, code=code)
        found[code] = None if row is None else _circle(row)
    return [found[code] for code in codes]


def _circle(row: Row) -> Circle:
    return Circle(
        id=row[0],
        pool_id=row[1],
        kind=row[2],
        code=row[3],
        name=row[4],
        description=row[5],
        type=row[6],
        enabled=row[7] == 1,
        disable_at=Millis(row[8]) if row[8] is not None else None,
        made_at=Millis(row[9]),
    )
