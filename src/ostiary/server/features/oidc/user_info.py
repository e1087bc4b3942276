"""The signed-in user's claims (OpenID Connect Core §5.3)."""

from msgspec.structs import replace

from ostiary.contract.keys import Key
from ostiary.contract.tokens import UserInfo, UserInfoParams
from ostiary.server.core import scopes
from ostiary.server.core.call import Call, UserToken
from ostiary.server.core.people import Facts
from ostiary.server.core.refused import Refused
from ostiary.server.features.oidc.rules import INSUFFICIENT_SCOPE
from ostiary.server.guards import grants
from ostiary.server.guards.entry import enter
from ostiary.server.guards.service import Service
from ostiary.server.storage import users
from ostiary.server.storage.tx import Tx


async def user_info(service: Service, call: Call, form: UserInfoParams | Refused) -> UserInfo | Refused:
    """The claims that the access token's scope opens and that are set."""
    if isinstance(form, UserInfoParams):
        call = await _with_token_of_form(service, call, form)
    scope = call.user.scope if isinstance(call.user, UserToken) else ""

    def step(tx: Tx) -> UserInfo | Refused:
        entered = enter(tx, service.ports, call, form, _as_asked, lock=False, manages_account=False)
        if isinstance(entered, Refused):
            return entered
        if scopes.OPENID not in scope.split():
            return INSUFFICIENT_SCOPE
        user = users.load(tx, entered.pool.id, entered.account.user_id)
        if user is None:  # one snapshot saw the account a moment ago; mypy cannot see that
            return Refused(Key.LOGIN_EXPIRED)
        return UserInfo(sub=user.id, **grants.claims(entered, user, scope))

    return await service.store.read(step)


async def _with_token_of_form(service: Service, call: Call, form: UserInfoParams) -> Call:
    """The form's token counts where the header has none (RFC 6750 §2.2 allows one method a request)."""
    if call.token_given or form.access_token is None:
        return call
    verdict = await service.signer.verify(form.access_token)
    user = verdict if isinstance(verdict, UserToken | Refused) else Refused(Key.LOGIN_INVALID)
    return replace(call, user=user, token_given=True)


def _as_asked(form: UserInfoParams, _facts: Facts) -> UserInfoParams:
    return form
