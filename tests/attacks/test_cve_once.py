"""What is good once, across kinds, restarts and the same second (rows 44 to 57 of docs/security-tests.md).

The races themselves, 64 at a time, are `tests/races/test_heart.py` and `test_front_door.py`.
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ostiary.server.core.policy import ChangePhoneStrategy
from ostiary.server.core.refused import Refused
from ostiary.server.guards import contacts
from tests.attacks.edge import Edge, Person
from tests.counts import count
from tests.front_door import FrontDoor
from tests.workbench import BIND, Workbench

pytestmark = pytest.mark.anyio

NO_OLD = ChangePhoneStrategy(verify_old_phone=False)
OLD, NEW = "+8613800138001", "+8613900139011"
ROUNDS = count(10, 200)


def key(answer: Any) -> str:
    return answer.key.value if isinstance(answer, Refused) else "done"


async def test_keycloak_51220_a_failure_between_taking_and_moving_takes_nothing(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
):
    """Row 50: taking the token and moving the number are one transaction."""
    bench.policy(change_phone_strategy=NO_OLD)
    who = bench.person(OLD)
    token = await bench.ready_to_change(who, NEW)

    def broken(*_: Any, **__: Any) -> bool:
        raise RuntimeError("between the two")

    with monkeypatch.context() as patched:
        patched.setattr(contacts, "move", broken)
        with pytest.raises(RuntimeError, match="between"):
            await bench.update(who, token)
    assert bench.phone(who.user_id) == OLD
    assert key(await bench.update(who, token)) == "done"
    assert key(await bench.update(who, token)) == "update_token_used"
    assert bench.phone(who.user_id) == NEW


async def test_keycloak_51312_after_a_revocation_no_refresh_is_good(bench: Workbench):
    """Row 51: whichever comes first, what is left is dead."""
    door = FrontDoor(bench)
    await door.sign_up(username="someone")
    for _ in range(ROUNDS):
        tokens = await door.sign_in(username="someone")
        refreshed, revoked = await asyncio.gather(
            door.refresh(tokens.refresh_token), door.revoke(tokens.refresh_token)
        )
        assert revoked is None
        left = [tokens.refresh_token] + ([] if isinstance(refreshed, Refused) else [refreshed.refresh_token])
        for token in left:
            assert isinstance(await door.refresh(token), Refused)
        for token in [tokens.access_token] + (
            [] if isinstance(refreshed, Refused) else [refreshed.access_token]
        ):
            assert isinstance(await door.user_info(token), Refused)


async def test_keycloak_51885_two_refreshes_in_one_second_are_two(bench: Workbench):
    """Row 52: tokens are told apart by themselves, not by the second they were made in."""
    door = FrontDoor(bench)
    await door.sign_up(username="someone")
    first = await door.sign_in(username="someone")
    second = await door.refresh(first.refresh_token)
    third = await door.refresh(second.refresh_token)
    assert len({first.refresh_token, second.refresh_token, third.refresh_token}) == 3
    assert len({first.access_token, second.access_token, third.access_token}) == 3
    assert isinstance(await door.refresh(first.refresh_token), Refused)
    assert isinstance(await door.refresh(third.refresh_token), Refused), "the family is over"


PRESENTED = ("access_token", "id_token", "refresh_token", "update token", "code", "management", "user_id")


@pytest.mark.parametrize("shown", PRESENTED)
def test_cve_2026_4325_each_kind_is_spent_at_its_own_door_only(edge: Edge, shown: str):
    """Row 53: every one-time thing and every token at every place that takes one; only the diagonal works."""
    who, new = edge.person(), edge.number()
    with edge.old_number(verified=False):
        thing = shown_thing(edge, who, new, shown)
        said = {
            door: opens(edge, who, door, thing)
            for door in ("update_phone", "refresh", "access", "management", "refresh_as_code")
        }
    works = {
        "access_token": "access",
        "refresh_token": "refresh",
        "update token": "update_phone",
        "management": "management",
    }
    assert (
        {door for door, opened in said.items() if opened} == {works[shown]}
        if shown in works
        else not any(said.values())
    )


def shown_thing(edge: Edge, who: Person, new: str, shown: str) -> str:
    """A token or code of the kind that is shown, live."""
    assert (
        edge.ask("/api/v3/send-sms", {"channel": BIND, "phoneNumber": new}, who.access_token).verdict == 200
    )
    code = edge.codes(f"+86{new}", BIND)[who.user_id]
    form = {"newPhoneNumber": new, "newPhonePassCode": code}
    if shown == "update token":
        verify = {"phonePassCodePayload": form, "verifyMethod": "PHONE_PASSCODE"}
        said = edge.ask("/api/v3/verify-update-phone-request", verify, who.access_token).json
        return str(said["data"]["updatePhoneToken"])
    return str({"code": code, "management": edge.manager()}.get(shown) or getattr(who, shown))


def opens(edge: Edge, who: Person, door: str, thing: str) -> bool:
    client = {"client_id": edge.tenant.app_id, "client_secret": edge.tenant.app_secret}
    match door:
        case "update_phone":
            return (
                edge.ask("/api/v3/update-phone", {"updatePhoneToken": thing}, who.access_token).verdict == 200
            )
        case "refresh":
            form = {"grant_type": "refresh_token", "refresh_token": thing, **client}
            return edge.ask("/oidc/token", form).status == 200
        case "access":
            return edge.raw("GET", "/api/v3/get-profile", headers={"authorization": thing}).verdict == 200
        case "management":
            return edge.ask("/api/v3/list-users", {}, thing, {"x-authing-app-id": ""}).verdict == 200
        case _:
            form = {"grant_type": "authorization_code", "code": thing, **client}
            return edge.ask("/oidc/token", form).status == 200


async def test_cve_2026_9802_a_restart_forgives_nothing(tmp_path: Path):
    """Row 54: used tokens, dead families, guesses and sending limits are rows, not memory."""
    url = f"sqlite:///{tmp_path}/ostiary.db"
    bench = Workbench(url)
    bench.policy(change_phone_strategy=NO_OLD)
    door = FrontDoor(bench)
    await door.sign_up(username="someone")
    tokens = await door.sign_in(username="someone")
    rotated = await door.refresh(tokens.refresh_token)
    who, bare = bench.person(OLD), bench.person(None)
    token = await bench.ready_to_change(who, NEW)
    assert key(await bench.update(who, token)) == "done"
    assert await bench.send(bare, BIND, "+8613900139012") is None
    for _ in range(5):
        await bench.bind(bare, "+8613900139012", bench.wrong(bare, BIND, "+8613900139012"))
    await bench.close()

    again = Workbench(url, keys=bench.keys)
    door = FrontDoor(again)
    assert key(await again.update(who, token)) == "update_token_used"
    assert key(await again.send(bare, BIND, "+8613900139012")) == "sms_too_often"
    assert key(await again.bind(bare, "+8613900139012", "000000")) == "guesses_spent"
    assert isinstance(await door.refresh(tokens.refresh_token), Refused)
    assert isinstance(await door.refresh(rotated.refresh_token), Refused), "the replay ended the family"
    await again.close()


async def test_ghsa_w73w_one_token_shown_by_many_at_once_moves_once(bench: Workbench):
    """Rows 44 to 46, at the edge of a transaction: see the races for 64 at a time."""
    who = bench.person(OLD)
    token = await bench.ready_to_change(who, NEW)
    said = [key(answer) for answer in await asyncio.gather(*(bench.update(who, token) for _ in range(16)))]
    assert sorted(set(said)) == ["done", "update_token_used"]
    assert said.count("done") == 1
    assert bench.one("SELECT count(*) FROM audit WHERE event = 'phone_changed'") == 1
