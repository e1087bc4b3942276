"""The front door without its web edge: registering, signing in, refreshing, on a workbench.

For races, faults and what only the database shows. Journeys go through the real server (`tests/service.py`).
"""

from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec.structs import replace

from ostiary.contract.signin import (
    SigninByCredentials,
    SignInByPassCodePayload,
    SignInByPasswordPayload,
    SignInOptions,
    SignUp,
    SignUpByPassCode,
    SignUpByPassword,
)
from ostiary.contract.tokens import TokenEndPointParams, TokenRevocationEndpointParams, UserInfoParams
from ostiary.server.core.call import Call
from ostiary.server.core.policy import AppPolicy
from ostiary.server.features.oidc.revocation import revoke_token
from ostiary.server.features.oidc.token import token
from ostiary.server.features.oidc.user_info import user_info
from ostiary.server.features.sign_in.actions import sign_in_by_credentials
from ostiary.server.features.sign_up.actions import sign_up
from ostiary.server.guards import sealing
from ostiary.server.storage import pools
from ostiary.server.storage.pools import AppRow
from ostiary.server.storage.tx import Tx
from tests.workbench import Workbench

REGISTER = "CHANNEL_REGISTER"
PASSWORD = "correct horse battery"
EVERYTHING = "openid profile username email phone address external_id extended_fields offline_access"


@dataclass
class FrontDoor:
    """A workbench, and an application of its pool that people come through."""

    bench: Workbench
    app_id: str = "app-door"
    secret: str = "the application's secret, 256 bits of it"

    def __post_init__(self) -> None:
        self.app("none")

    def app(self, method: str = "none", app_id: str | None = None, **policy: Any) -> str:
        """Make an application, or set one up anew."""
        app_id = app_id or self.app_id
        settings = AppPolicy(token_endpoint_auth_method=method, **policy)  # type: ignore[arg-type] # one of the three
        ports = self.bench.ports
        sealed = sealing.seal_app_secret(ports, app_id, self.secret)
        row = AppRow(app_id, self.bench.pool_id, "Door", sealed, settings, ports.now())

        def step(tx: Tx) -> None:
            if not pools.insert_app(tx, row):
                pools.set_app_policy(tx, app_id, settings)

        self.bench.store.write_now(step)
        return app_id

    def caller(self, app_id: str | None = None, **more: Any) -> Call:
        """Somebody without a token, at this application."""
        return replace(self.bench.stranger(), app_id=app_id or self.app_id, **more)

    async def sign_up(self, *, call: Call | None = None, **names: Any) -> Any:
        form = SignUp(connection="PASSWORD", password_payload=SignUpByPassword(password=PASSWORD, **names))
        return await sign_up(self.bench.service, call or self.caller(), form)

    async def sign_up_by_code(self, phone: str, code: str) -> Any:
        payload = SignUpByPassCode(phone=phone, pass_code=code)
        form = SignUp(connection="PASSCODE", pass_code_payload=payload)
        return await sign_up(self.bench.service, self.caller(), form)

    async def sign_in(
        self, *, call: Call | None = None, password: str = PASSWORD, scope: str = EVERYTHING, **names: Any
    ) -> Any:
        client = {name: names.pop(name) for name in ("client_id", "client_secret") if name in names}
        form = SigninByCredentials(
            connection="PASSWORD",
            password_payload=SignInByPasswordPayload(password=password, **names),
            options=SignInOptions(scope=scope),
            **client,
        )
        return await sign_in_by_credentials(self.bench.service, call or self.caller(), form)

    async def sign_in_by_code(
        self, contact: str, code: str, *, auto_register: bool = False, call: Call | None = None
    ) -> Any:
        name = {"email": contact} if "@" in contact else {"phone": contact}
        form = SigninByCredentials(
            connection="PASSCODE",
            pass_code_payload=SignInByPassCodePayload(pass_code=code, **name),
            options=SignInOptions(scope=EVERYTHING, auto_register=auto_register),
        )
        return await sign_in_by_credentials(self.bench.service, call or self.caller(), form)

    async def refresh(self, refresh_token: str, *, call: Call | None = None, **form: Any) -> Any:
        params = TokenEndPointParams(
            **{
                "grant_type": "refresh_token",
                "refresh_token": refresh_token,
                "client_id": self.app_id,
                **form,
            }
        )
        return await token(self.bench.service, call or self.caller(), params)

    async def revoke(self, shown: str, *, app_id: str | None = None) -> Any:
        params = TokenRevocationEndpointParams(token=shown, client_id=app_id or self.app_id)
        return await revoke_token(self.bench.service, self.caller(app_id), params)

    async def user_info(self, access_token: str) -> Any:
        user: Any = await self.bench.service.signer.verify(access_token)
        call = replace(self.caller(), app_id=None, user=user, token_given=True)
        return await user_info(self.bench.service, call, UserInfoParams())

    def events(self, event: str) -> list[tuple[str, str]]:
        """Verdict and user id of each audit row of an event, oldest first."""
        rows = self.bench.all(
            "SELECT verdict, user_id FROM audit WHERE event = :event ORDER BY id", event=event
        )
        return [(row[0], row[1]) for row in rows]


def facts(answer: Any) -> dict[str, Any]:
    """What stands in an answer."""
    found: dict[str, Any] = msgspec.to_builtins(answer)
    return found
