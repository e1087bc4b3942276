"""Roles raced: of two with one code exactly one is made, and nobody is ever in a role that is gone."""

import asyncio
import base64
import json
from collections import Counter

import pytest

from ostiary.server.core.refused import Refused
from tests.counts import RACE_ROUNDS
from tests.desk import Desk
from tests.front_door import FrontDoor
from tests.workbench import Workbench

pytestmark = pytest.mark.anyio
CROWD = 64


@pytest.fixture
async def desk(bench: Workbench) -> Desk:
    return Desk(bench)


def counted(answers):
    return Counter(one.key.value if isinstance(one, Refused) else "done" for one in answers)


def roles_in(id_token):
    claims = id_token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))).get("roles") or []


def targets(user_id):
    return [{"targetType": "USER", "targetIdentifier": user_id}]


ORPHANS = """
    SELECT count(*) FROM memberships m
    WHERE NOT EXISTS (SELECT 1 FROM circles c WHERE c.id = m.circle_id)
       OR NOT EXISTS (SELECT 1 FROM users u WHERE u.id = m.user_id)"""


async def test_of_many_with_one_code_exactly_one_is_made(desk: Desk) -> None:
    for turn in range(RACE_ROUNDS):
        form = {"code": f"role-{turn}"}
        answers = await asyncio.gather(*(desk.ask("create_role", form) for _ in range(CROWD)))
        assert counted(answers) == {"done": 1, "role_taken": CROWD - 1}


async def test_of_many_renamed_to_one_code_exactly_one_gets_it(desk: Desk) -> None:
    for turn in range(RACE_ROUNDS // 3):
        codes = [f"r{turn}-{number}" for number in range(8)]
        for code in codes:
            await desk.done("create_role", code=code)
        answers = await asyncio.gather(
            *(
                desk.ask("update_role", {"code": code, "newCode": f"wanted-{turn}", "name": "n"})
                for code in codes
            )
        )
        assert counted(answers) == {"done": 1, "role_taken": len(codes) - 1}


async def test_a_token_has_all_roles_that_are_taken_away_together_or_none(bench: Workbench) -> None:
    desk, door = Desk(bench), FrontDoor(bench)
    made = await door.sign_up(username="alice")
    door.app("none", refresh_token_rotation=False)
    tokens = await door.sign_in(username="alice", scope="openid offline_access roles")
    form = {"targets": targets(made.user_id), "roles": [{"code": f"role-{number}"} for number in range(4)]}
    for role in form["roles"]:
        await desk.done("create_role", code=role["code"])
    for turn in range(RACE_ROUNDS // 3):
        await desk.done("assign_role_batch", **form)
        asks = [door.refresh(tokens.refresh_token) for _ in range(8)]
        asks.insert(turn % 3, desk.ask("revoke_role_batch", form))
        answers = await asyncio.gather(*asks)
        seen = [roles_in(answer.id_token) for answer in answers if hasattr(answer, "id_token")]
        assert len(seen) == 8
        assert {len(roles) for roles in seen} <= {0, 4}
    bench.service.signer.close()


async def test_assigning_and_deleting_at_once_leaves_nobody_in_what_is_gone(desk: Desk) -> None:
    for turn in range(RACE_ROUNDS):
        code, users = f"role-{turn}", [desk.bench.person(None).user_id for _ in range(4)]
        await desk.done("create_role", code=code)
        asked = [desk.ask("assign_role", {"code": code, "targets": targets(user)}) for user in users * 4]
        asked.insert(turn % len(asked), desk.ask("delete_roles_batch", {"codeList": [code]}))
        asked.insert(turn // 2, desk.ask("delete_users_batch", {"userIds": users[:1]}))
        answers = counted(await asyncio.gather(*asked))
        assert set(answers) <= {"done", "role_not_found", "user_not_found"}
        assert desk.bench.one(ORPHANS) == 0
        assert desk.bench.one("SELECT count(*) FROM memberships") == 0, (
            "the role is gone, and so is who had it"
        )
