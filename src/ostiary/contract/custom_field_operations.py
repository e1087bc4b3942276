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
        summary="Define the fields of users' custom data.",
        description="An unknown key creates a field; a known one changes the given properties, except its "
        "`dataType`, which stays. Existing values are not checked. Users can only write defined fields; "
        "an administrator's program may store others, too. A pool has at most 200 fields.",
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
        summary="List the fields of users' custom data.",
        description="Sorted by key.",
        request=GetCustomFields,
        data=list[CustomField],
        later=(Later("tenantId", served=()), Later("targetType", served=("USER",))),
    ),
)
