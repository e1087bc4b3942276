"""Ending a token (RFC 7009).

Both kinds end their whole sign-in: an access token is believed only while its session lives, so there is nothing
smaller to end (§2.1 lets us). An application's own token is believed until it expires, so revoking it is refused
(§2.2.1) rather than said to be done. Whatever is not this application's own, or is over already, is answered alike.
"""

from ostiary.contract.tokens import TokenRevocationEndpointParams
from ostiary.server.core.call import AppToken, Call, UserToken
from ostiary.server.core.refused import Refused
from ostiary.server.features.oidc import rules
from ostiary.server.guards import audit, clients
from ostiary.server.guards.entry import Visit
from ostiary.server.guards.service import Service
from ostiary.server.storage import people, sessions
from ostiary.server.storage.tx import Tx


async def revoke_token(
    service: Service, call: Call, form: TokenRevocationEndpointParams | Refused
) -> Refused | None:
    """End the sign-in that a refresh or access token belongs to."""
    if isinstance(form, Refused):
        return form
    shown = await service.signer.verify(form.token)

    def step(tx: Tx) -> Refused | None:
        came = clients.enter(tx, service.ports, call, form, rules.read_revocation)
        if isinstance(came, Refused):
            return came
        if isinstance(shown, AppToken) and shown.app_id == came.app.id:
            return rules.UNSUPPORTED_TOKEN_TYPE
        owner = _owner(came, shown if isinstance(shown, UserToken) else None)
        if owner is not None:
            _end(came, *owner)
        return None

    return await service.store.write(step)


def _owner(came: Visit[str], access: UserToken | None) -> tuple[str, str] | None:
    """User and session of a token of this application; None: there is nothing to end."""
    if access is not None:
        return (access.user_id, access.session_id) if access.app_id == came.app.id else None
    row = sessions.find_refresh(came.tx, came.ports.sha256(came.ask))
    return (row.user_id, row.session_id) if row is not None and row.app_id == came.app.id else None


def _end(came: Visit[str], user_id: str, session_id: str) -> None:
    people.lock_user(came.tx, user_id)
    sessions.end(came.tx, session_id, came.now)
    audit.note(came, "revoke_token", user_id=user_id, ended_session=session_id)
