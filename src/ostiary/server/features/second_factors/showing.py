"""The account's second factors, as they stand."""

from typing import TypeVar

from ostiary.contract.keys import Key
from ostiary.contract.second_factor import Factor, FactorToEnroll, GetFactor
from ostiary.server.core.call import Call
from ostiary.server.core.refused import Refused
from ostiary.server.features.second_factors import rules
from ostiary.server.guards.entry import Step, as_asked
from ostiary.server.guards.service import Service, in_one_look
from ostiary.server.storage import factors
from ostiary.server.storage.factors import FactorRow

A = TypeVar("A")


async def list_factors_to_enroll(
    service: Service, call: Call, form: Refused | None
) -> list[FactorToEnroll] | Refused:
    """The kinds that can be enrolled."""

    def kinds(step: Step[None]) -> list[FactorToEnroll]:
        free = rules.to_enroll(step.pool.policy, step.account.factors)
        return [FactorToEnroll(factor_type=kind) for kind in free]  # type: ignore[arg-type] # one of KINDS

    return await in_one_look(service, call, form, as_asked, kinds)


async def list_enrolled_factors(service: Service, call: Call, form: Refused | None) -> list[Factor] | Refused:
    """The factors that are enrolled, oldest first."""
    return await in_one_look(service, call, form, as_asked, lambda step: [_shown(row) for row in _rows(step)])


async def get_factor(service: Service, call: Call, form: GetFactor | Refused) -> Factor | Refused:
    """One of them. Another account's is none."""

    def one(step: Step[str]) -> Factor | Refused:
        found = next((row for row in _rows(step) if row.id == step.ask), None)
        return _shown(found) if found is not None else Refused(Key.FACTOR_NOT_FOUND)

    return await in_one_look(service, call, form, rules.read_factor_id, one)


def _rows(step: Step[A]) -> list[FactorRow]:
    return factors.of_user(step.tx, step.account.user_id)


def _shown(row: FactorRow) -> Factor:
    return Factor(factor_id=row.id, factor_type=row.kind, profile=rules.profile_of(row.kind, row.target))  # type: ignore[arg-type] # only KINDS are stored
