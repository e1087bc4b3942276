"""Whether custom data may be written: the pool defines the fields, and says which of them their owner may change.

Users write defined fields only. An administrator's program may also keep what is not defined, as it always could;
what is defined must be of its kind, whoever writes it.
"""

from collections.abc import Mapping
from typing import Any, Literal

from ostiary.contract.keys import Key
from ostiary.server.core.custom_field import LONGEST_NAME, fits
from ostiary.server.core.refused import Refused
from ostiary.server.storage import custom_fields
from ostiary.server.storage.tx import Tx

By = Literal["user", "administrator"]


def judge(tx: Tx, pool_id: str, given: Mapping[str, Any] | None, *, by: By) -> Refused | None:
    """Judge each member that is given; null takes a value away.

    Refused, naming the member: `bad_request` (unknown, or of the wrong kind), `field_not_editable`.
    """
    if not given:
        return None
    fields = custom_fields.every(tx, pool_id)
    for name, value in given.items():
        known = fields.get(name)
        where = {"field": name[:LONGEST_NAME], "path": f"customData.{name[:LONGEST_NAME]}"}
        if known is None:
            if by == "user":
                return Refused(Key.BAD_REQUEST, data=where)
            continue
        field = known[0]
        if by == "user" and not field.user_editable:
            return Refused(Key.FIELD_NOT_EDITABLE, data=where)
        if value is not None and not fits(field, value):
            return Refused(Key.BAD_REQUEST, data=where)
    return None
