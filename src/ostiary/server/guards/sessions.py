"""Sessions: a session is a sign-in. Only checking a credential starts one; refreshing keeps it.

It lives 14 days, or as long as its refresh family where `offline_access` was asked for. A change of number ends
all others by raising the account's epoch: sign-ins and refreshes that were under way end with them.
"""

from collections.abc import Sequence

from ostiary.contract.keys import Key
from ostiary.server.core import second_factor
from ostiary.server.core.millis import DAY, SECOND
from ostiary.server.core.people import Account, Session, ways_in
from ostiary.server.core.refused import Refused
from ostiary.server.guards.entry import Step, Visit
from ostiary.server.storage import logins, sessions


def open_session(
    visit: Visit[object],
    account: Account,
    methods: Sequence[str],
    scope: str,
    *,
    epoch: int,
    session_id: str | None = None,
) -> tuple[Session, str | None]:
    """Start a session for an account whose credential was just checked; the refresh token too, where asked for.

    `epoch` is the account's when the credential was checked: a change of number in between ends this session
    before it is used. `session_id` was promised to a sign-in that waited for its second factor: it opens once, and
    where it is there already the step runs again and sees it. The refresh token (`offline_access`) is answered once and kept as its hash.
    """
    policy = visit.app.policy
    offline = "offline_access" in scope.split()
    life = policy.refresh_token_life if offline else policy.session_life
    session = Session(
        id=session_id or visit.ports.object_id(),
        epoch=epoch,
        scope=scope,
        methods=" ".join(methods),
        opened_at=visit.now,
        checked_at=visit.now,
        ends_at=visit.now + life * SECOND,
        ended_at=None,
    )
    sessions.put(
        visit.tx,
        session,
        pool_id=visit.pool.id,
        user_id=account.user_id,
        app_id=visit.app.id,
        address=visit.call.address,
        device=visit.call.device,
    )
    logins.put(
        visit.tx,
        session,
        pool_id=visit.pool.id,
        user_id=account.user_id,
        app_id=visit.app.id,
        address=visit.call.address,
        user_agent=visit.call.device,
        device_id=visit.call.device_id,
        ends_at=max(session.ends_at, visit.now + visit.pool.policy.login_history_days * DAY),
    )
    return session, refresh_token(visit, session) if offline else None


def refresh_token(visit: Visit[object], session: Session) -> str:
    """A new refresh token of a session's family: 256 random bits, kept as plain SHA-256."""
    token = visit.ports.secret("rt_")
    sessions.put_refresh(
        visit.tx,
        visit.ports.sha256(token),
        session_id=session.id,
        app_id=visit.app.id,
        made_at=visit.now,
        ends_at=session.ends_at,
    )
    return token


def end_others(step: Step[object]) -> None:
    """End every session of the account but this one, refresh tokens and refreshes under way included."""
    sessions.raise_epoch(step.tx, step.account.user_id, step.account.session_epoch, keep=step.session.id)


def end_all(visit: Visit[object], account: Account) -> None:
    """End every session of an account."""
    sessions.raise_epoch(visit.tx, account.user_id, account.session_epoch, keep="")


def judge_step_up(step: Step[object]) -> Refused | None:
    """Whether this session may do what matters most.

    Its last credential check is young enough (`stepUpMaxAge`), and an enrolled second factor was used in it.
    """
    return judge_age(step) or judge_second_factor(step)


def judge_age(step: Step[object]) -> Refused | None:
    """Whether the session's last credential check is young enough."""
    age = step.now - step.session.checked_at
    return reauth_required(step.account) if age >= step.pool.policy.step_up_max_age * SECOND else None


def judge_second_factor(step: Step[object]) -> Refused | None:
    """Whether an enrolled second factor was used in this session, where there is one; looked up now, never kept."""
    in_use = second_factor.in_use(step.pool.policy, step.account.factors)
    return None if second_factor.was_used(in_use, step.session.methods) else second_factor_required(in_use)


def second_factor_used(step: Step[object], method: str) -> None:
    """The session has used this factor from now on. No credential was checked, so its age stays what it was."""
    known = step.session.methods.split()
    if method not in known:
        sessions.set_methods(step.tx, step.session.id, step.session.methods, " ".join([*known, method]))


def second_factor_required(in_use: Sequence[str]) -> Refused:
    """Verify a second factor in this session, or sign in again with it: `data.methods` names the kinds enrolled."""
    return Refused(Key.REAUTH_REQUIRED, data={"methods": list(in_use)})


def reauth_required(account: Account | None) -> Refused:
    """Sign in again: `data.methods` names the ways this account can."""
    ways = ways_in(account) if account is not None else ()
    return Refused(Key.REAUTH_REQUIRED, data={"methods": list(ways)})
