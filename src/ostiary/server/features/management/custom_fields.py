"""What users' custom data may hold: reading and setting the pool's definitions. They hold from the next request on."""

from ostiary.contract.custom_fields import CustomField, GetCustomFields, SetCustomField, SetCustomFields
from ostiary.server.core.call import Call
from ostiary.server.core.moments import iso
from ostiary.server.core.refused import Refused
from ostiary.server.features.management import custom_fields_rules as rules
from ostiary.server.features.management.errands import look, work
from ostiary.server.guards import audit
from ostiary.server.guards.entry import Errand, as_asked
from ostiary.server.guards.service import Service
from ostiary.server.storage import custom_fields, pools


async def set_custom_fields(
    service: Service, call: Call, form: SetCustomFields | Refused
) -> list[CustomField] | Refused:
    """Define fields: all of them, or none where one can't be."""
    return await work(service, call, form, rules.read_set, _set)


async def get_custom_fields(
    service: Service, call: Call, form: GetCustomFields | Refused
) -> list[CustomField] | Refused:
    """List the definitions. The wire has answered targets that are not served."""
    return await look(service, call, form, as_asked, _listed)


def _set(errand: Errand[tuple[SetCustomField, ...]]) -> list[CustomField] | Refused:
    """The pool's row is held, so that of two who define one field the second sees the first's."""
    pools.policy(errand.tx, errand.pool.id, lock=True)
    before = {key: field for key, (field, _) in custom_fields.every(errand.tx, errand.pool.id).items()}
    after = rules.judge(before, errand.ask, len(before))
    if isinstance(after, Refused):
        return after
    for key, field in after.items():
        custom_fields.put(errand.tx, errand.pool.id, "USER", key, field, errand.now)
    audit.note(errand, "custom_fields_set", user_id="", actor=errand.actor, fields=" ".join(after))
    return [one for one in _listed(errand) if one.key in after]


def _listed(errand: Errand[object]) -> list[CustomField]:
    found = custom_fields.every(errand.tx, errand.pool.id)
    return [rules.shown(key, field, iso(made_at)) for key, (field, made_at) in found.items()]
