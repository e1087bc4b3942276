"""The operations: the one list that dispatch, the SDK's generator, OpenAPI, the reference and the tests read.

Names are the incumbent's Python SDK methods where it has one. `own_errors` stand in the order in which they are
judged (phone-change.md §5 and §6); refusals that every operation of a kind shares are `common_errors`.
The rows stand in `*_operations.py`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from ostiary.contract.account_operations import MESSAGES, PROFILE, REGISTER
from ostiary.contract.application_operations import APPLICATIONS
from ostiary.contract.captcha_operations import CAPTCHAS
from ostiary.contract.circle_operations import GROUPS, ROLES
from ostiary.contract.custom_field_operations import CUSTOM_FIELDS
from ostiary.contract.email_operations import EMAIL
from ostiary.contract.keys import Key
from ostiary.contract.management_operations import MANAGEMENT
from ostiary.contract.mine_operations import MINE
from ostiary.contract.operation import Kind, Later, Operation, Who
from ostiary.contract.own_login_operations import OWN_LOGINS
from ostiary.contract.own_page_operations import OWN_PAGE
from ostiary.contract.record_operations import RECORDS
from ostiary.contract.second_factor_operations import SECOND_FACTORS
from ostiary.contract.system_operations import SYSTEM
from ostiary.contract.token_operations import TOKENS

OPERATIONS: tuple[Operation, ...] = (
    *REGISTER,
    *MESSAGES,
    *PROFILE,
    *EMAIL,
    *OWN_PAGE,
    *SECOND_FACTORS,
    *OWN_LOGINS,
    *TOKENS,
    *MANAGEMENT,
    *CUSTOM_FIELDS,
    *ROLES,
    *GROUPS,
    *MINE,
    *APPLICATIONS,
    *RECORDS,
    *SYSTEM,
    *CAPTCHAS,
)

BY_NAME: Mapping[str, Operation] = MappingProxyType({op.name: op for op in OPERATIONS})


def _by_path() -> Mapping[str, Mapping[str, Operation]]:
    paths: dict[str, dict[str, Operation]] = {}
    for op in OPERATIONS:
        for path in (op.path, *op.aliases):
            paths.setdefault(path, {}).update(dict.fromkeys(op.methods, op))
    return MappingProxyType({path: MappingProxyType(methods) for path, methods in paths.items()})


BY_PATH: Mapping[str, Mapping[str, Operation]] = _by_path()
"""Path → method → operation. A path without the method asked for is a 405, and its keys are what is allowed."""

LATER: Mapping[str, tuple[Later, ...]] = MappingProxyType(
    {op.name: op.later for op in OPERATIONS if op.later}
)
"""What is answered 501 so far, by operation."""

_FORM = (Key.BAD_JSON, Key.PARAMETERS_INCOMPLETE, Key.BAD_REQUEST)
_POOL = (Key.APP_NOT_FOUND, Key.USER_POOL_NOT_FOUND)
_TOKEN = (Key.NOT_LOGGED_IN, Key.LOGIN_EXPIRED, Key.LOGIN_INVALID)


def common_errors(op: Operation) -> tuple[Key, ...]:
    """Refusals that `op` shares with its kind: its credential's, then its form's. None for OAUTH and BARE."""
    if op.kind is not Kind.API:
        return ()
    caller: tuple[Key, ...] = {
        Who.ANYONE: _POOL,
        Who.CLIENT: _POOL,
        Who.USER: (*_TOKEN, Key.USER_LOCKED),
        Who.MANAGEMENT: _TOKEN,
    }[op.who]
    if op.name in {"get_management_token", "get_country_list"}:  # its form is its credential; of no pool
        caller = ()
    form = _FORM if op.request is not None else ()
    later = (Key.NOT_IMPLEMENTED,) if op.later else ()
    return tuple(key for key in (*caller, *form, *later) if key not in op.own_errors)
