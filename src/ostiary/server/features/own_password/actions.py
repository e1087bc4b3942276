"""Changing one's own password: looked at in one step, hashed outside, set in another that finds the same world.

The old password costs a guess before it is looked at (`guards/password_guesses`). Of two changes at once the second
finds another password than the one it was compared with, and is wrong.
"""

from dataclasses import dataclass, field

from ostiary.contract.keys import Key
from ostiary.contract.own_page import UpdatePassword
from ostiary.server.core.call import Call
from ostiary.server.core.policy import PoolPolicy
from ostiary.server.core.refused import Refused
from ostiary.server.features.own_password import rules
from ostiary.server.guards import audit, new_passwords, password_change, password_guesses, sessions
from ostiary.server.guards.entry import Step, as_asked
from ostiary.server.guards.new_passwords import Wanted
from ostiary.server.guards.service import Service, in_one_step
from ostiary.server.storage import users
from ostiary.server.storage.users import UserRow


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the first step saw."""

    row: UserRow
    policy: PoolPolicy
    before: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Judged:
    """What was found outside of steps. `old`: whether the old one was right; `new`: the hash, or why there is none."""

    old: bool | Refused
    new: str | Refused | None = field(repr=False, default=None)


async def update_password(service: Service, call: Call, form: UpdatePassword | Refused) -> Refused | None:
    """Set another password; the other sessions end, and every verified contact is told."""
    seen = await in_one_step(service, call, form, as_asked, _look)
    if isinstance(seen, Refused):
        return seen
    assert isinstance(form, UpdatePassword)  # the first step has seen it
    judged = await _judge(service, form, seen)
    return await in_one_step(service, call, form, as_asked, lambda step: _settle(step, seen, judged))


def _look(step: Step[UpdatePassword]) -> _Seen | Refused:
    row = users.must_load(step.tx, step.pool.id, step.account.user_id)
    has_password = row.password_hash is not None
    refused = rules.judge_old(step.ask.old_password, has_password=has_password) or (
        sessions.judge_second_factor(step) if has_password else sessions.judge_step_up(step)
    )
    if refused is None and has_password:
        refused = password_guesses.reserve(step)
    if refused is not None:
        return _noted(step, refused)
    return _Seen(row, step.pool.policy, new_passwords.before(step.tx, row, step.pool.policy))


async def _judge(service: Service, form: UpdatePassword, seen: _Seen) -> _Judged:
    if seen.row.password_hash is not None:
        old = await service.password_keys.open(form.old_password or "", form.password_encrypt_type)
        if isinstance(old, Refused):
            return _Judged(old)
        right = await service.passwords.verify(seen.row.password_hash if old is not None else None, old or "")
        if right is not True:
            return _Judged(right)
    wanted = Wanted(
        form.new_password,
        form.password_encrypt_type,
        names=(seen.row.username, seen.row.email, seen.row.phone),
        before=seen.before,
        field="newPassword",
    )
    new = await new_passwords.hashed(service.passwords, service.password_keys, seen.policy, wanted)
    return _Judged(True, new)


def _settle(step: Step[UpdatePassword], seen: _Seen, judged: _Judged) -> Refused | None:
    row = users.must_load(step.tx, step.pool.id, step.account.user_id)
    if judged.old is not False:  # right, or not looked at
        password_guesses.release(step, step.account, right=judged.old is True)
    if isinstance(judged.old, Refused):
        return judged.old
    if not judged.old or row.password_hash != seen.row.password_hash:
        return _noted(step, Refused(Key.OLD_PASSWORD_WRONG))
    if judged.new is None or isinstance(judged.new, Refused):
        return judged.new
    password_change.set_password(step, row, judged.new, keep=step.session, tell="password_changed")
    audit.note(step, "password_changed", user_id=row.id, first=row.password_hash is None)
    return None


def _noted(step: Step[UpdatePassword], refused: Refused) -> Refused:
    audit.note(step, "password_changed", refused, user_id=step.account.user_id)
    return refused
