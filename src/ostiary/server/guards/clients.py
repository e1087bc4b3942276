"""Whether an application is who it says: in the form it is set up for, and in no other (RFC 6749 §2.3).

A secret that comes in another form is refused even where it is right, and so is one where none is wanted: a client
that sends it where nobody asked has lost it to whoever reads there.
"""

from typing import Protocol, TypeVar

from msgspec.structs import replace

from ostiary.contract.keys import Key
from ostiary.server.core.address import counted_as, read_address
from ostiary.server.core.call import NOBODY, Call, ClientSecret, UserToken
from ostiary.server.core.people import Facts
from ostiary.server.core.ports import Ports
from ostiary.server.core.refused import Refused
from ostiary.server.guards import sealing
from ostiary.server.guards.entry import Read, Visit, visit
from ostiary.server.storage import pools
from ostiary.server.storage.tx import Tx


class ClientForm(Protocol):
    """A form that may hold the client's own credentials, as OAuth calls them."""

    @property
    def client_id(self) -> str | None:
        """The application."""

    @property
    def client_secret(self) -> str | None:
        """Its secret (client_secret_post)."""


F = TypeVar("F", bound=ClientForm)
A = TypeVar("A")

_FAILED = Refused(Key.CLIENT_AUTHENTICATION_FAILED)


def outside(call: Call, client_id: str | None = None) -> Call | Refused:
    """The call at a door where nobody is signed in yet: a user's token on it counts for nothing but its application.

    The application is the one that header, form and Basic name, and they must agree; where none does, the token's.
    So only the row of the user who signs in is locked, and two sign-ins never wait for each other.
    """
    named = {app for app in (call.app_id, client_id, call.client and call.client.client_id) if app}
    if len(named) > 1:
        return _FAILED
    of_token = call.user.app_id if isinstance(call.user, UserToken) else None
    return replace(call, app_id=named.pop() if named else of_token, user=NOBODY, token_given=False)


def named_address(call: Call, client_ip: str | None) -> Call | Refused:
    """The call with the person's address that a configured backend names (`options.clientIp`).

    Nobody else is believed: without the trust rule one could choose whose limits to spend. A backend that named the
    address in `x-real-ip` has said it already. Refused: `bad_request`.
    """
    if client_ip is None or call.address:
        return call
    address = read_address(client_ip)
    if address is None:
        return Refused(Key.BAD_REQUEST, data={"field": "clientIp", "path": "options.clientIp"})
    return replace(call, address=counted_as(address))


def enter(
    tx: Tx, ports: Ports, call: Call, form: F, read: Read[F, A], *, proven: bool = False
) -> Visit[A] | Refused:
    """The door of operations that a client opens: the application, authenticated; then what the form means.

    `proven`: a public client, of which nothing but its name is known, is refused.

    Refused: `app_not_found`, `user_pool_not_found`, `client_authentication_failed`, or what `read` says.
    """
    caller = outside(call, form.client_id)
    if isinstance(caller, Refused):
        return caller
    came = visit(tx, ports, caller, form, _as_it_is, lock=False)
    if isinstance(came, Refused):
        return came
    refused = _judge(came, form)
    if refused is None and proven and came.app.policy.token_endpoint_auth_method == "none":
        refused = _FAILED
    if refused is not None:
        return refused
    ask = read(*came.ask)
    if isinstance(ask, Refused):
        return ask
    return Visit(tx, ports, came.now, caller, came.pool, came.app, ask)


def _as_it_is(form: F, facts: Facts) -> tuple[F, Facts]:
    return form, facts


def _judge(came: Visit[object], form: ClientForm) -> Refused | None:
    """The pair of the body or of HTTP Basic against the application's own."""
    method = came.app.policy.token_endpoint_auth_method
    by_basic = came.call.client
    by_body = (
        ClientSecret(form.client_id or "", form.client_secret, "body")
        if form.client_secret is not None
        else None
    )
    if method == "none":
        return _FAILED if by_body or by_basic else None
    shown, other = (by_body, by_basic) if method == "client_secret_post" else (by_basic, by_body)
    if shown is None or other is not None or shown.client_id != came.app.id:
        return _FAILED
    app = pools.load_app(came.tx, came.app.id)
    if app is None:
        return _FAILED
    secret = sealing.open_app_secret(came.ports, app.id, app.secret)
    return None if came.ports.same(secret, shown.secret) else _FAILED
