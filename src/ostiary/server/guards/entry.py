"""The only way into a step: rows 1 to 4 of phone-change.md §5, in that order, for every door.

1. the token, its application and its pool   (token before form)
2. the form                                  (a form error is a value that waited for row 1)
3. what the form means: numbers, codes       (`read`, a pure function of the feature)
4. the session lives, the account is active

Who holds a `Step` has passed all four. Who holds a `Visit` came through an open door: the account is theirs
only where a good token said so. Who holds an `Errand` came with a management token and acts for the pool.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from ostiary.contract.keys import Key
from ostiary.server.core.call import Call, UserToken
from ostiary.server.core.millis import Millis
from ostiary.server.core.people import Account, App, Facts, Pool, Scene, Session
from ostiary.server.core.ports import Ports
from ostiary.server.core.refused import Refused
from ostiary.server.storage import management, people
from ostiary.server.storage.tx import Tx

F = TypeVar("F")
A = TypeVar("A")
Ask = TypeVar("Ask", covariant=True)  # noqa: PLC0105 - `Ask` reads better at its users than `Ask_co`


class Visit(msgspec.Struct, Generic[Ask], frozen=True):
    """One request inside one transaction. `now` is the moment everything in it is judged by."""

    tx: Tx
    ports: Ports
    now: Millis
    call: Call
    pool: Pool
    app: App
    ask: Ask
    account: Account | None = None
    session: Session | None = None


V = TypeVar("V", bound=Visit[Any])


class Step(Visit[Ask], frozen=True):
    """A visit by somebody who is signed in, whose session lives and whose account is active."""

    account: Account
    session: Session


class Errand(Visit[Ask], frozen=True, kw_only=True):
    """A visit by a program that manages the pool. `app` is the pool's first one; nobody is signed in."""

    actor: str
    """`management:<access key id>`: who it was, for the audit log."""


Read = Callable[[F, Facts], A | Refused]
"""Rows 2 and 3 beyond the form's own shape: pure."""


def as_asked(form: F, _facts: Facts) -> F:
    """A `Read` for forms that mean what they say, and for requests that read nothing (None)."""
    return form


def enter(
    tx: Tx,
    ports: Ports,
    call: Call,
    form: F | Refused,
    read: Read[F, A],
    *,
    lock: bool,
    manages_account: bool = True,
    stands_first: bool = False,
) -> Step[A] | Refused:
    """A signed-in door. `lock` holds the user's row; `manages_account` wants an app with `selfService`.

    `stands_first`: row 4 before rows 2 and 3, which is the order of `update-phone` (§6).
    """
    token = call.user
    if isinstance(token, Refused):
        return token
    if _names_another(call, token):
        return Refused(Key.LOGIN_INVALID)
    if lock:
        people.lock_user(tx, token.user_id)
    scene = people.scene(tx, token.app_id, token.user_id, token.session_id)
    now = ports.now()  # after the lock was waited for: what is over by then is over
    if scene is None or scene.pool.id != token.pool_id:
        return Refused(Key.LOGIN_INVALID)
    if manages_account and not scene.app.policy.self_service:
        return Refused(Key.APP_NOT_ALLOWED)
    fallen = _standing(scene, now)
    if fallen is not None and stands_first:
        return fallen
    if isinstance(form, Refused):
        return form
    ask = read(form, Facts(scene.pool, scene.account))
    if isinstance(ask, Refused):
        return ask
    return fallen or _step(tx, ports, now, call, scene, ask)


def visit(
    tx: Tx,
    ports: Ports,
    call: Call,
    form: F | Refused,
    read: Read[F, A],
    *,
    lock: bool,
    token_must_be_good: Callable[[F], bool] = lambda _form: False,
) -> Visit[A] | Refused:
    """An open door: a bad token counts as none, unless this form makes it matter (`token_must_be_good`).

    Clients attach a token to every call, so a stale one must not shut the door to a LOGIN code;
    for what belongs to a user, one that is given must pass rows 1 and 4.
    """
    if isinstance(form, Refused):
        return form
    if call.token_given and token_must_be_good(form):
        return enter(tx, ports, call, form, read, lock=lock)
    token = call.user if isinstance(call.user, UserToken) and not _names_another(call, call.user) else None
    app_id = call.app_id or (token.app_id if token else None)
    if app_id is None and call.pool_id is not None:
        app_id = people.first_app(tx, call.pool_id)
    if app_id is None:
        return Refused(Key.APP_NOT_FOUND)
    if lock and token:
        people.lock_user(tx, token.user_id)
    scene = people.scene(tx, app_id, token.user_id if token else "", token.session_id if token else "")
    now = ports.now()
    if scene is None:
        return Refused(Key.APP_NOT_FOUND)
    if call.pool_id is not None and call.pool_id != scene.pool.id:
        return Refused(Key.USER_POOL_NOT_FOUND)
    known = token is not None and token.pool_id == scene.pool.id and _standing(scene, now) is None
    ask = read(form, Facts(scene.pool, scene.account if known else None))
    if isinstance(ask, Refused):
        return ask
    if known:
        return _step(tx, ports, now, call, scene, ask)
    return Visit(tx, ports, now, call, scene.pool, scene.app, ask)


def after_lock(visit: V) -> V:
    """The same visit with `now` read anew, after it waited for a lock: what expired meanwhile has expired.

    For open doors, which learn only inside whose row to lock. Call it after the first read under the lock.
    """
    return msgspec.structs.replace(visit, now=visit.ports.now())


def manage(tx: Tx, ports: Ports, call: Call, form: F | Refused, read: Read[F, A]) -> Errand[A] | Refused:
    """The door of management: a token of the pool whose access key is still there, then rows 2 and 3."""
    token = call.manager
    if isinstance(token, Refused):
        return token
    if call.pool_id is not None and call.pool_id != token.pool_id:
        return Refused(Key.LOGIN_INVALID)
    ground = management.ground(tx, token.pool_id, token.access_key_id)
    if ground is None:
        return Refused(Key.LOGIN_INVALID)
    if isinstance(form, Refused):
        return form
    pool, app = ground
    ask = read(form, Facts(pool, None))
    if isinstance(ask, Refused):
        return ask
    actor = f"management:{token.access_key_id}"
    return Errand(tx, ports, ports.now(), call, pool, app, ask, actor=actor)


def _names_another(call: Call, token: UserToken) -> bool:
    """A header that names another app or pool than the token's."""
    return (call.app_id is not None and call.app_id != token.app_id) or (
        call.pool_id is not None and call.pool_id != token.pool_id
    )


def _standing(scene: Scene, now: int) -> Refused | None:
    """Row 4. A deleted account's sessions are over, like any other's that ended."""
    if scene.account is None or scene.session is None or not scene.session.alive(scene.account, now):
        return Refused(Key.LOGIN_EXPIRED)
    if not scene.account.active:
        return Refused(Key.USER_LOCKED)
    return None


def _step(tx: Tx, ports: Ports, now: Millis, call: Call, scene: Scene, ask: A) -> Step[A]:
    assert scene.account is not None  # `_standing` saw both
    assert scene.session is not None
    return Step(tx, ports, now, call, scene.pool, scene.app, ask, scene.account, scene.session)
