"""Pool A's user, application and access key at pool B, over every operation: no effect, and nothing told (T40)."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from ostiary.contract.operation import Kind, Operation, Who
from ostiary.contract.operations import BY_NAME, OPERATIONS
from tests.attacks.edge import Answer, Edge, Person, Tenant
from tests.wire.forms import LEAST

TABLES_OF_A_PERSON = {
    "users": "id = :id",
    "phones": "user_id = :id",
    "emails": "user_id = :id",
    "sessions": "user_id = :id",
    "one_time_tokens": "user_id = :id",
    "memberships": "user_id = :id",
    "codes": "owner = :id",
}


@dataclass
class Two:
    """Two pools of one installation, and somebody in each."""

    edge: Edge
    theirs: Tenant
    mine: Person
    victim: Person

    def victims_rows(self) -> dict[str, Any]:
        """Everything that is stored about pool B and its person."""
        rows = {
            table: self.edge.all(f"SELECT * FROM {table} WHERE {which}", id=self.victim.user_id)
            for table, which in TABLES_OF_A_PERSON.items()
        }
        for table in (
            "pools",
            "apps",
            "access_keys",
            "users",
            "user_counts",
            "phones",
            "emails",
            "codes",
            "outbox",
            "circles",
            "memberships",
        ):
            column = "id" if table == "pools" else "pool_id"
            rows[f"{table} of the pool"] = self.edge.all(
                f"SELECT count(*) FROM {table} WHERE {column} = :id", id=self.theirs.pool_id
            )
        rows["apps"] = self.edge.all("SELECT * FROM apps WHERE pool_id = :id", id=self.theirs.pool_id)
        rows["policy"] = self.edge.all("SELECT policy FROM pools WHERE id = :id", id=self.theirs.pool_id)
        return rows

    def tells(self, answer: Answer, form: Any = None) -> list[str]:
        """What of pool B stands in an answer, but for what the caller typed."""
        typed = json.dumps(form)
        text = answer.body.decode() + json.dumps(dict(answer.headers))
        secrets = [
            self.victim.user_id,
            self.victim.phone[3:],
            self.theirs.app_secret,
            f"{self.victim.username}@",
        ]
        return [secret for secret in secrets if secret in text and secret not in typed]


@pytest.fixture(scope="module")
def pools() -> dict[int, Two]:
    return {}


@pytest.fixture
def two(edge: Edge, pools: dict[int, Two]) -> Two:
    """The two pools of this edge, made once."""
    if id(edge) not in pools:
        theirs = edge.found()
        pools[id(edge)] = Two(edge, theirs, edge.person(), edge.person(theirs))
    return pools[id(edge)]


OF_AN_APP = {
    "get_application",
    "update_application",
    "delete_application",
    "get_application_secret",
    "refresh_application_secret",
}
CIRCLES: dict[str, Callable[[str], Any]] = {
    "assign_role": lambda user_id: {**LEAST["assign_role"], "targets": _targets(user_id)},
    "assign_role_batch": lambda user_id: {**LEAST["assign_role_batch"], "targets": _targets(user_id)},
    "revoke_role": lambda user_id: {**LEAST["revoke_role"], "targets": _targets(user_id)},
    "revoke_role_batch": lambda user_id: {**LEAST["revoke_role_batch"], "targets": _targets(user_id)},
    "add_group_members": lambda user_id: {"code": "berlin", "userIds": [user_id]},
    "remove_group_members": lambda user_id: {"code": "berlin", "userIds": [user_id]},
}


def _about(name: str, two: Two) -> Any:
    if name in OF_AN_APP:
        return {"appId": two.theirs.app_id}
    return CIRCLES[name](two.victim.user_id) if name in CIRCLES else None


def _targets(user_id: str) -> list[dict[str, str]]:
    return [{"targetType": "USER", "targetIdentifier": user_id}]


def forms(two: Two, op: Operation) -> Iterator[Any]:
    """Forms that name pool B's person in every way that the operation has."""
    victim = two.victim
    national = victim.phone.removeprefix("+86")
    names = [
        ("user_id", victim.user_id),
        ("phone", national),
        ("phone", victim.phone),
        ("email", f"{victim.username}@example.com"),
        ("username", victim.username),
    ]
    code = {"phone": national, "passCode": "123456"}
    match op.name:
        case "get_user" | "get_user_roles" | "get_user_groups":
            yield from ({"userId": name, "userIdType": kind} for kind, name in names)
        case "update_user":
            options = ({"userIdType": kind} for kind, _ in names)
            yield from (
                {"userId": name, "status": "Suspended", "password": "taken over", "options": option}
                for (_, name), option in zip(names, options, strict=True)
            )
        case "delete_users_batch":
            yield from ({"userIds": [name], "options": {"userIdType": kind}} for kind, name in names)
        case "list_users":
            yield from ({"keywords": name} for _, name in names)
            condition = {"operator": "EQUAL", "field": "username", "value": victim.username}
            yield {"advancedFilter": [condition]}
            yield {"options": {"pagination": {"limit": 50}}}
        case "sign_in_by_credentials":
            yield {
                "connection": "PASSWORD",
                "passwordPayload": {"account": victim.username, "password": victim.password},
            }
            yield {"connection": "PASSCODE", "passCodePayload": code}
        case "revoke_token":
            yield from (
                {"token": token} for token in (victim.access_token, victim.refresh_token, victim.id_token)
            )
        case "token":
            yield {"grant_type": "refresh_token", "refresh_token": victim.refresh_token}
        case "get_management_token":
            yield {
                "accessKeyId": two.theirs.access_key_id,
                "accessKeySecret": two.edge.tenant.access_key_secret,
            }
            yield {
                "accessKeyId": two.edge.tenant.access_key_id,
                "accessKeySecret": two.theirs.access_key_secret,
            }
        case "update_security_settings":
            yield {"verifyCodeLength": 4, "wrongCodesPerDay": 5, "registerDisabled": True}
        case _:
            yield _about(op.name, two)


def credentials(two: Two, op: Operation) -> Iterator[dict[str, str]]:
    """Pool A's, pointed at pool B in every way a request can point."""
    mine, theirs = two.edge.tenant, two.theirs
    tokens = {
        Who.USER: [two.mine.access_token],
        Who.MANAGEMENT: [two.edge.manager()],
        Who.ANYONE: ["", two.mine.access_token],
        Who.CLIENT: ["", two.mine.access_token],
    }[op.who]
    for token in tokens:
        signed = {"authorization": token} if token else {}
        for family in ("genauth", "authing"):
            yield {**signed, f"x-{family}-userpool-id": theirs.pool_id}
            yield {**signed, f"x-{family}-app-id": theirs.app_id, f"x-{family}-userpool-id": mine.pool_id}
            yield {**signed, f"x-{family}-app-id": mine.app_id, f"x-{family}-userpool-id": theirs.pool_id}
        yield {**signed, "x-genauth-app-id": mine.app_id}
        yield {**signed, "x-genauth-userpool-id": mine.pool_id, "x-authing-userpool-id": theirs.pool_id}


# What pool B's door is for: strangers may come in, and do there what strangers may.
OPEN_DOORS = {
    "sign_up",
    "send_sms",
    "send_email",
    "pre_check_code",
    "sign_in_by_credentials",
    "openid_configuration",
    "jwks",
    "get_country_list",
}


@pytest.mark.parametrize("op", [op for op in OPERATIONS if op.name not in OPEN_DOORS], ids=lambda op: op.name)
def test_one_pools_credential_does_nothing_in_another(two: Two, op: Operation):
    policy = two.edge.all("SELECT policy FROM pools WHERE id = :id", id=two.edge.tenant.pool_id)
    before = two.victims_rows()
    for headers in credentials(two, op):
        for form in forms(two, op):
            answer = two.edge.call(op, headers, form)
            assert answer.status < 500
            assert not two.tells(answer, form), (headers, form, answer.body)
            points_there = two.theirs.pool_id in headers.values() or two.theirs.app_id in headers.values()
            if op.who is Who.MANAGEMENT and headers.get("x-genauth-userpool-id") != two.edge.tenant.pool_id:
                names_theirs = two.theirs.pool_id in headers.values()
                assert not names_theirs or answer.verdict == 2207, (headers, answer.body)
            if (
                op.who is Who.USER
                and points_there
                and op.kind is Kind.API
                and "x-authing-userpool-id" not in headers
            ):
                assert answer.verdict == 2207, (headers, answer.body)
    assert two.victims_rows() == before
    restored = two.edge.write(_put_back(two.edge.tenant.pool_id, policy[0][0]))
    assert restored == 1


def _put_back(pool_id: str, policy: str) -> Any:
    from ostiary.server.storage.tx import Sql

    sql = Sql("UPDATE pools SET policy = :policy WHERE id = :id")
    return lambda tx: tx.run(sql, id=pool_id, policy=policy)


def test_another_pools_person_is_nobody_here(two: Two):
    """Every way of naming somebody of pool B says what it says of somebody whom there is not."""
    app = {"x-authing-app-id": two.edge.tenant.app_id}
    client = {"client_id": two.edge.tenant.app_id, "client_secret": two.edge.tenant.app_secret}
    for form in forms(two, BY_NAME["sign_in_by_credentials"]):
        text = json.dumps(form)
        nobody = json.loads(
            text.replace(two.victim.username, "nobody-at-all").replace(
                two.victim.phone[3:], two.edge.number()
            )
        )
        there = two.edge.ask("/api/v3/signin", {**form, **client}, headers=app)
        assert there.verdict == two.edge.ask("/api/v3/signin", {**nobody, **client}, headers=app).verdict
    manager = {"authorization": two.edge.manager()}
    for name in ("get_user", "update_user", "delete_users_batch"):
        for form in forms(two, BY_NAME[name]):
            assert two.edge.call(BY_NAME[name], manager, form).verdict == 2004, form
    for form in list(forms(two, BY_NAME["list_users"]))[:6]:
        found = two.edge.call(BY_NAME["list_users"], manager, form).json["data"]
        assert found["totalCount"] == 0, form


def test_names_of_one_pool_are_free_in_another(two: Two):
    form = {
        "username": two.victim.username,
        "phone": two.victim.phone[3:],
        "email": f"{two.victim.username}@example.com",
        "externalId": "same",
    }
    manager = {"x-authing-app-id": ""}
    made = two.edge.ask("/api/v3/create-user", form, two.edge.manager(), manager)
    assert made.verdict == 200
    user_id = made.json["data"]["userId"]
    assert user_id != two.victim.user_id
    gone = two.edge.ask("/api/v3/delete-users-batch", {"userIds": [user_id]}, two.edge.manager(), manager)
    assert gone.verdict == 200
    still = two.edge.call(BY_NAME["get_profile"], {"authorization": two.victim.access_token})
    assert still.json["data"]["phone"] == two.victim.phone[3:]


@pytest.mark.parametrize("channel", ["CHANNEL_LOGIN", "CHANNEL_REGISTER", "CHANNEL_BIND_PHONE"])
def test_a_code_of_one_pool_is_none_in_another(two: Two, channel: str):
    edge, number = two.edge, two.edge.number()
    asked = {"channel": channel, "phoneNumber": number}
    assert edge.ask("/api/v3/send-sms", asked, headers={"x-authing-app-id": two.theirs.app_id}).verdict == 200
    code = edge.codes(f"+86{number}", channel, two.theirs.pool_id)[""]
    assert edge.codes(f"+86{number}", channel) == {}
    look = {"codeType": "SMS", "smsCodePayload": {"phone": number, "passCode": code, "channel": channel}}
    who = edge.quick()
    assert edge.ask("/api/v3/pre-check-code", look, who.access_token).json["data"]["isValid"] is False
    payload = {"phone": number, "passCode": code}
    client = {"client_id": edge.tenant.app_id, "client_secret": edge.tenant.app_secret}
    for path, more in (("/api/v3/signin", client), ("/api/v3/signup", {})):
        said = edge.ask(path, {"connection": "PASSCODE", "passCodePayload": payload, **more})
        assert said.verdict == 2300
    bound = edge.ask(
        "/api/v3/bind-phone", {"phoneNumber": number, "passCode": code}, edge.quick(phone=False).access_token
    )
    assert bound.verdict == 2300


def test_a_pool_that_has_no_application_or_is_none_says_nothing_else(two: Two):
    for pool_id in ("0" * 24, "", "x" * 5_000, two.theirs.pool_id[:-1], two.theirs.pool_id.upper()):
        for op in OPERATIONS:
            answer = two.edge.call(
                op, {"x-genauth-userpool-id": pool_id, "x-genauth-app-id": two.edge.tenant.app_id}
            )
            assert answer.status < 500
            assert not two.tells(answer)
            of_a_pool = op.name not in {"get_management_token", "get_country_list"}
            if op.who is Who.ANYONE and op.kind is Kind.API and pool_id and of_a_pool:
                assert answer.verdict in {2011, 2224}, answer.body
