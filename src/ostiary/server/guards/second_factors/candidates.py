"""The factors that may prove a sign-in: the enrolled ones, or what stands in for them.

An application with `requiredFactors` asks people who have enrolled nothing, too. For them, and only for them, their own
verified number and address stand in (`rules.kinds_taken`). A stand-in's id is its kind, and nothing of it is stored.
"""

from ostiary.server.core.people import Account
from ostiary.server.guards.entry import Visit
from ostiary.server.guards.second_factors import rules
from ostiary.server.storage import factors
from ostiary.server.storage.factors import FactorRow


def candidates(visit: Visit[object], account: Account) -> list[FactorRow]:
    """The factors that an account may finish a sign-in with, all of kinds that the pool has in use.

    Enrolled factors take precedence over stand-ins. Of either, those in the application's list are accepted. If the list
    matches no enrolled factor, all enrolled ones are: an application's list must never weaken an account.
    """
    in_use = visit.pool.policy.enabled_factors
    if not in_use:
        return []
    own = enrolled(visit, account)
    standing_in = [row for row in _stand_ins(visit, account) if row.kind in in_use]
    asked = [kind for kind in visit.app.policy.required_factors if kind in in_use]
    taken = rules.kinds_taken([row.kind for row in own], [row.kind for row in standing_in], asked)
    return [row for row in own or standing_in if row.kind in taken]


def enrolled(visit: Visit[object], account: Account) -> list[FactorRow]:
    """An account's own factors that the pool has in use, whatever the application takes."""
    in_use = visit.pool.policy.enabled_factors
    return [row for row in factors.of_user(visit.tx, account.user_id) if row.kind in in_use]


def wanted_by_app(visit: Visit[object]) -> bool:
    """Whether the application asks everybody who comes through it."""
    return any(kind in visit.pool.policy.enabled_factors for kind in visit.app.policy.required_factors)


def _stand_ins(visit: Visit[object], account: Account) -> list[FactorRow]:
    contacts = {
        "SMS": account.phone if account.phone_verified else None,
        "EMAIL": account.email if account.email_verified else None,
    }
    return [
        FactorRow(
            user_id=account.user_id,
            kind=kind,
            id=kind,
            pool_id=visit.pool.id,
            target=contact,
            secret=None,
            key_id="",
            recovery=None,
            last_step=0,
            made_at=0,
        )
        for kind, contact in contacts.items()
        if contact is not None
    ]
