"""A pool's security settings: reading and changing them. They hold from the next request on, in every process."""

from ostiary.contract.security import SecuritySettings, UpdateSecuritySettings
from ostiary.server.core.call import Call
from ostiary.server.core.log import log
from ostiary.server.core.policy import PoolPolicy
from ostiary.server.core.refused import Refused
from ostiary.server.features.management import settings_rules as rules
from ostiary.server.features.management.errands import look, work
from ostiary.server.features.management.settings_rules import Changes
from ostiary.server.guards import audit
from ostiary.server.guards.entry import Errand, as_asked
from ostiary.server.guards.service import Service
from ostiary.server.storage import pools


async def get_security_settings(
    service: Service, call: Call, form: Refused | None
) -> SecuritySettings | Refused:
    """Read the pool's security settings."""
    return await look(service, call, form, as_asked, lambda errand: rules.shown(errand.pool.policy))


async def update_security_settings(
    service: Service, call: Call, form: UpdateSecuritySettings | Refused
) -> SecuritySettings | Refused:
    """Change the pool's security settings; what is absent stays as it is."""
    after = await work(service, call, form, rules.read_update, _update)
    if isinstance(after, Refused):
        return after
    if rules.codes_are_short(after):
        log.warning("codes_are_short", digits=after.verify_code_length, request_id=call.request_id)
    return rules.shown(after)


def _update(errand: Errand[Changes]) -> PoolPolicy | Refused:
    """The row is held, so that two updates at once change what each of them names and nothing else."""
    before = pools.policy(errand.tx, errand.pool.id, lock=True) or errand.pool.policy
    after = rules.judge(before, errand.ask)
    if isinstance(after, Refused):
        return after
    names = rules.changed(before, after)
    if names:
        pools.set_policy(errand.tx, errand.pool.id, after)
        audit.note(
            errand,
            "security_settings_changed",
            user_id="",
            actor=errand.actor,
            fields=" ".join(names),
            short_codes=rules.codes_are_short(after) or None,
        )
    return after
