"""Ending sign-ins, raced with what makes new tokens of them; and keys that rotate under several processes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from ostiary.contract.own_logins import RevokeDeviceSession
from ostiary.contract.signin import LoginTokenResponseData
from ostiary.contract.tokens import TokenIntrospectEndpointParams, TokenResponse
from ostiary.server.core.call import ClientSecret, UserToken
from ostiary.server.core.millis import HOUR, Millis
from ostiary.server.core.ports import Ports
from ostiary.server.core.refused import Refused
from ostiary.server.features.oidc.introspection import introspect_token
from ostiary.server.features.own_logins.actions import revoke_my_device_session
from ostiary.server.guards.signing import PUBLISHED_FIRST, Signer
from ostiary.server.guards.signing_keys import ALGORITHMS
from ostiary.server.storage.db import Store
from tests.counts import RACE_ROUNDS
from tests.front_door import FrontDoor
from tests.workbench import Workbench

pytestmark = pytest.mark.anyio

CROWD = 16


@pytest.fixture
async def door(bench: Workbench) -> AsyncIterator[FrontDoor]:
    yield FrontDoor(bench)
    bench.service.signer.close()


async def signed_in(door: FrontDoor, device_id: str = "") -> LoginTokenResponseData:
    tokens = await door.sign_in(username="alice", call=door.caller(device_id=device_id))
    assert isinstance(tokens, LoginTokenResponseData), tokens
    return tokens


async def is_good(door: FrontDoor, access_token: str) -> bool:
    return not isinstance(await door.user_info(access_token), Refused)


async def is_active(door: FrontDoor, app_id: str, token: str) -> bool:
    """What introspection says to an application that proves itself."""
    call = door.caller(app_id, client=ClientSecret(app_id, door.secret, "basic"))
    told = await introspect_token(door.bench.service, call, TokenIntrospectEndpointParams(token=token))
    assert not isinstance(told, Refused)
    return told.active


async def nothing_is_left(door: FrontDoor, tokens: LoginTokenResponseData, refreshed: list[Any]) -> None:
    """Neither the sign-in's first tokens nor those that a refresh gave out at the same moment."""
    assert not await is_good(door, str(tokens.access_token))
    for answer in refreshed:
        if isinstance(answer, TokenResponse):
            assert not await is_good(door, answer.access_token)
            assert isinstance(await door.refresh(str(answer.refresh_token)), Refused)


@pytest.mark.parametrize("shown", ["refresh_token", "access_token"])
async def test_after_a_revocation_nothing_of_a_refresh_that_raced_it_is_good(
    door: FrontDoor, shown: str
) -> None:
    """keycloak#51312."""
    await door.sign_up(username="alice")
    for _ in range(RACE_ROUNDS):
        tokens = await signed_in(door)
        revoked, *refreshed = await asyncio.gather(
            door.revoke(getattr(tokens, shown)),
            *(door.refresh(str(tokens.refresh_token)) for _ in range(2)),
        )
        assert revoked is None
        await nothing_is_left(door, tokens, refreshed)


async def test_after_a_device_was_ended_nothing_of_a_refresh_that_raced_it_is_good(door: FrontDoor) -> None:
    await door.sign_up(username="alice")
    mine = await signed_in(door, "mine")
    user = await door.bench.service.signer.verify(str(mine.access_token))
    assert isinstance(user, UserToken)
    call = replace(door.caller(), user=user, token_given=True)
    for turn in range(RACE_ROUNDS):
        lost = await signed_in(door, f"lost {turn}")
        ended, *refreshed = await asyncio.gather(
            revoke_my_device_session(door.bench.service, call, RevokeDeviceSession(device_id=f"lost {turn}")),
            *(door.refresh(str(lost.refresh_token)) for _ in range(1 + turn % 2)),
        )
        assert ended is None
        await nothing_is_left(door, lost, refreshed)
        assert await is_good(door, str(mine.access_token))


async def test_introspection_never_calls_active_what_was_revoked_before_it_was_asked(door: FrontDoor) -> None:
    app_id = door.app("client_secret_basic", "app-asking")
    await door.sign_up(username="alice")
    for _ in range(RACE_ROUNDS // 3):
        call = door.caller(app_id, client=ClientSecret(app_id, door.secret, "basic"))
        tokens = await door.sign_in(username="alice", call=call)
        access = str(tokens.access_token)
        revoked = asyncio.Event()

        async def revoke(call: Any = call, access: str = access, revoked: asyncio.Event = revoked) -> None:
            from ostiary.contract.tokens import TokenRevocationEndpointParams
            from ostiary.server.features.oidc.revocation import revoke_token

            form = TokenRevocationEndpointParams(token=access)
            assert await revoke_token(door.bench.service, call, form) is None
            revoked.set()

        async def ask(access: str = access, revoked: asyncio.Event = revoked) -> bool:
            was_revoked = revoked.is_set()
            active = await is_active(door, app_id, access)
            return active and was_revoked

        wrong = await asyncio.gather(revoke(), *(ask() for _ in range(CROWD)))
        assert not any(wrong)
        assert not await is_active(door, app_id, access)


@pytest.mark.parametrize("alg", ALGORITHMS)
async def test_keys_rotate_and_no_process_meets_a_token_it_cannot_verify(
    bench: Workbench, database: str, alg: str
) -> None:
    """Three processes sign and verify while new keys come; whoever looks at any one's keys finds the token's."""
    stores = [Store.open(database, Ports(bench.keys, bench.clock)) for _ in range(3)]
    signers = [Signer(store, Ports(bench.keys, bench.clock), "https://id.example/oidc") for store in stores]
    try:
        await signers[0].add_key(bench.pool_id, alg)
        for _turn in range(RACE_ROUNDS // 6):
            rotation = asyncio.create_task(signers[1].add_key(bench.pool_id, alg))
            for _ in range(4):
                ends_at = Millis((bench.ports.now() + HOUR) // 1_000 * 1_000)
                token = UserToken("a" * 24, "s", bench.app_id, bench.pool_id, "openid", ends_at)
                made = await asyncio.gather(*(signer.access_token(token, alg) for signer in signers))
                read = await asyncio.gather(*(signer.verify(text) for signer in signers for text in made))
                assert set(read) == {token}
                bench.clock.advance(seconds=PUBLISHED_FIRST // 2_000)
            await rotation
        await asyncio.sleep(1.1)  # jwks.json is as of this second, and the clock above was moved by hand
        shown = await asyncio.gather(*(signer.jwks(bench.pool_id) for signer in signers))
        assert {len(keys) for keys in shown} == {1 + RACE_ROUNDS // 6}
        assert {key["alg"] for keys in shown for key in keys} == {alg}
    finally:
        for signer in signers:
            signer.close()
        for store in stores:
            await store.close()
