"""The doors of a second factor's verification: open for a sign-in half done, and for who is signed in already.

An `mfaToken` opens these and no others; here it passes what an access token passes in `entry`: token, application
and pool, form, and then whether what it waits for can still be: the account is active, no change ended its epoch,
and the session that it promises has not opened yet.
"""

from typing import TypeVar

from ostiary.contract.keys import Key
from ostiary.server.core.call import Call, MfaToken
from ostiary.server.core.millis import FUTURE_TOLERANCE
from ostiary.server.core.people import Account, Facts, Scene
from ostiary.server.core.ports import Ports
from ostiary.server.core.refused import Refused
from ostiary.server.guards import entry
from ostiary.server.guards.entry import Read, Step, Visit
from ostiary.server.storage import people
from ostiary.server.storage.tx import Tx

F = TypeVar("F")
A = TypeVar("A")
Ask = TypeVar("Ask", covariant=True)  # noqa: PLC0105 - as in `entry`


class Pending(Visit[Ask], frozen=True, kw_only=True):
    """A visit by somebody whose first step was right. There is no session yet; the account's row is locked."""

    account: Account
    token: MfaToken


def enter(
    tx: Tx, ports: Ports, call: Call, form: F | Refused, read: Read[F, A]
) -> Step[A] | Pending[A] | Refused:
    """By mfaToken, or by access token of any application: proving oneself manages nothing."""
    if isinstance(call.mfa, MfaToken):
        return _pending(tx, ports, call, call.mfa, form, read)
    return entry.enter(tx, ports, call, form, read, lock=True, manages_account=False)


def standing(scene: Scene | None, token: MfaToken, now: int) -> Refused | None:
    """Whether a sign-in can still be finished. A token that has opened its session is over."""
    if scene is None or scene.pool.id != token.pool_id:
        return Refused(Key.LOGIN_INVALID)
    account = scene.account
    if account is None or account.session_epoch != token.epoch or scene.session is not None:
        return Refused(Key.LOGIN_EXPIRED)
    if now >= token.expires_at or token.made_at > now + FUTURE_TOLERANCE:
        return Refused(Key.LOGIN_EXPIRED)
    return None if account.active else Refused(Key.USER_LOCKED)


def _pending(
    tx: Tx, ports: Ports, call: Call, token: MfaToken, form: F | Refused, read: Read[F, A]
) -> Pending[A] | Refused:
    if call.app_id not in {None, token.app_id} or call.pool_id not in {None, token.pool_id}:
        return Refused(Key.LOGIN_INVALID)
    people.lock_user(tx, token.user_id)
    scene = people.scene(tx, token.app_id, token.user_id, token.session_id)
    now = ports.now()
    fallen = standing(scene, token, now)
    if scene is None or scene.account is None:
        assert fallen is not None  # `standing` refuses both
        return fallen
    if isinstance(form, Refused):
        return form
    ask = read(form, Facts(scene.pool, scene.account))
    if isinstance(ask, Refused):
        return ask
    if fallen is not None:
        return fallen
    return Pending(tx, ports, now, call, scene.pool, scene.app, ask, account=scene.account, token=token)
