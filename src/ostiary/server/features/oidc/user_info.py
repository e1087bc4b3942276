"""The signed-in user's claims (OpenID Connect Core §5.3)."""

from ostiary.contract.tokens import UserInfo, UserInfoParams
from ostiary.server.core import scopes
from ostiary.server.core.call import Call, UserToken
from ostiary.server.core.refused import Refused
from ostiary.server.features.oidc.rules import INSUFFICIENT_SCOPE
from ostiary.server.guards import grants
from ostiary.server.guards.entry import Step, as_asked
from ostiary.server.guards.service import Service, in_one_look
from ostiary.server.storage import users


async def user_info(service: Service, call: Call, form: UserInfoParams | Refused) -> UserInfo | Refused:
    """The claims that the access token's scope opens and that are set."""
    scope = call.user.scope if isinstance(call.user, UserToken) else ""

    def tell(step: Step[UserInfoParams]) -> UserInfo | Refused:
        if scopes.OPENID not in scope.split():
            return INSUFFICIENT_SCOPE
        user = users.must_load(step.tx, step.pool.id, step.account.user_id)
        return UserInfo(sub=user.id, **grants.claims(step, user, scope))

    return await in_one_look(service, call, form, as_asked, tell)
