"""Rows of the operations table: what users' custom data may hold."""

from ostiary.contract.custom_fields import CustomField, GetCustomFields, SetCustomFields
from ostiary.contract.operation import Later, Operation, Who

CUSTOM_FIELDS: tuple[Operation, ...] = (
    Operation(
        name="set_custom_fields",
        method="POST",
        path="/api/v3/set-custom-fields",
        who=Who.MANAGEMENT,
        group="Management",
        summary="Define what users' custom data may hold.",
        description="A new key makes a field, a known one changes what is given of it; a field's `dataType` stays. "
        "Values that users have already are not looked at. Users write defined fields only; a program of the "
        "administrator's may keep others, too. A pool has at most 200 fields.",
        request=SetCustomFields,
        data=list[CustomField],
        later=(
            Later("tenantId", served=()),
            Later("list.targetType", served=("USER",)),
            Later("list.encrypted"),
            Later("list.isUnique"),
            Later("list.desensitization"),
            Later("list.validateRules", served=()),
            Later("list.appIds", served=()),
        ),
    ),
    Operation(
        name="get_custom_fields",
        method="GET",
        path="/api/v3/get-custom-fields",
        who=Who.MANAGEMENT,
        group="Management",
        summary="List what users' custom data may hold.",
        description="By key.",
        request=GetCustomFields,
        data=list[CustomField],
        later=(Later("tenantId", served=()), Later("targetType", served=("USER",))),
    ),
)
