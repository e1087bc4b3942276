"""Applications authenticate in the form they are set up for, and in no other (RFC 6749 §2.3)."""

from collections.abc import AsyncIterator
from itertools import product
from typing import Any

import pytest

from ostiary.contract.keys import Key
from ostiary.contract.signin import LoginTokenResponseData
from ostiary.server.core.call import ClientSecret
from ostiary.server.core.refused import Refused
from ostiary.server.storage import users
from tests.explain import explain
from tests.front_door import FrontDoor
from tests.workbench import Workbench

METHODS = ("none", "client_secret_post", "client_secret_basic")
FORMS = ("nothing", "id", "body", "basic", "both", "wrong body", "wrong basic", "other's basic")
RIGHT = {
    "none": {"nothing", "id"},
    "client_secret_post": {"body"},
    "client_secret_basic": {"basic"},
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def door(sqlite_url: str) -> AsyncIterator[FrontDoor]:
    bench = Workbench(sqlite_url)
    yield FrontDoor(bench)
    await bench.close()
    bench.service.signer.close()


def shown(door: FrontDoor, form: str) -> tuple[Any, dict[str, str]]:
    """The call and the body's fields of a client that shows its secret in a form."""
    call, body = door.caller(), {}
    if form in {"id", "body", "both", "wrong body"}:
        body["client_id"] = door.app_id
    if form in {"body", "both"}:
        body["client_secret"] = door.secret
    if form == "wrong body":
        body["client_secret"] = door.secret + "x"
    if form.endswith("basic") or form == "both":
        client_id = "app-other" if "other" in form else door.app_id
        secret = "wrong" if "wrong" in form else door.secret
        call = door.caller(client=ClientSecret(client_id, secret, "basic"))
    return call, body


@pytest.mark.parametrize(("method", "form"), list(product(METHODS, FORMS)))
async def test_one_form_is_right_for_each_application(door: FrontDoor, method: str, form: str) -> None:
    await door.sign_up(username="alice")
    door.app(method)
    door.app("client_secret_basic", "app-other")
    call, body = shown(door, form)
    answer = await door.sign_in(username="alice", call=call, **body)
    if form in RIGHT[method]:
        assert isinstance(answer, LoginTokenResponseData)
    else:
        assert isinstance(answer, Refused)
        assert answer.key is Key.CLIENT_AUTHENTICATION_FAILED


async def test_a_refresh_token_belongs_to_its_application(door: FrontDoor) -> None:
    """Shown by another one it is refused, and stays good for its own."""
    await door.sign_up(username="alice")
    door.app("none", "app-other")
    tokens = await door.sign_in(username="alice")
    stolen = await door.refresh(tokens.refresh_token, client_id="app-other", call=door.caller("app-other"))
    assert isinstance(stolen, Refused)
    assert (stolen.data or {})["error"] == "invalid_grant"
    for token in (tokens.refresh_token, tokens.access_token):
        assert await door.revoke(token, app_id="app-other") is None
    assert not isinstance(await door.user_info(tokens.access_token), Refused)
    assert not isinstance(await door.refresh(tokens.refresh_token), Refused)


async def test_a_password_under_old_settings_is_stored_anew_by_a_right_sign_in(door: FrontDoor) -> None:
    import argon2

    made = await door.sign_up(username="alice")
    old = argon2.PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash("an old password")
    ports = door.bench.ports
    door.bench.store.write_now(lambda tx: users.set_password(tx, made.user_id, old, ports.now()))
    assert isinstance(await door.sign_in(username="alice", password="a wrong one"), Refused)
    assert door.bench.one("SELECT password_hash FROM users") == old
    assert isinstance(
        await door.sign_in(username="alice", password="an old password"), LoginTokenResponseData
    )
    new = door.bench.one("SELECT password_hash FROM users")
    assert not door.bench.service.passwords.needs_rehash(new)
    assert isinstance(
        await door.sign_in(username="alice", password="an old password"), LoginTokenResponseData
    )


async def test_every_try_leaves_an_audit_row_that_names_nobody(door: FrontDoor) -> None:
    made = await door.sign_up(username="alice", email="alice@example.com")
    await door.sign_in(account="alice@example.com")
    await door.sign_in(account="alice@example.com", password="a wrong one")
    await door.sign_in(account="nobody@example.com")
    assert door.events("sign_up") == [("done", made.user_id)]
    assert sorted(door.events("sign_in")) == [
        ("done", made.user_id),
        ("wrong_credentials", ""),
        ("wrong_credentials", made.user_id),
    ]
    assert not door.bench.all("SELECT id FROM audit WHERE facts LIKE '%example.com%' OR facts LIKE '%alice%'")


@pytest.mark.parametrize(
    ("sql", "indexes"),
    [
        (users._FIND, {"phones_pkey", "emails_pkey", "users_by_username", "users_pkey"}),
        (users._LOAD, {"users_pkey", "phone_of_user", "email_of_user"}),
        (users._BY_USERNAME, {"users_by_username"}),
        (users._BY_EXTERNAL_ID, {"users_by_external_id"}),
        (users._SIGNED_IN, {"users_pkey"}),
        (users._REHASH, {"users_pkey"}),
        (users._SET_PASSWORD, {"users_pkey"}),
    ],
)
async def test_users_are_found_by_index(database: str, sql: Any, indexes: set[str]) -> None:
    """A million users behave like a thousand."""
    await Workbench(database).close()
    values: dict[str, Any] = dict.fromkeys(sql.names, "x") | {"now": 1}
    plan = explain(database, sql, **{name: values[name] for name in sql.names})
    assert not plan.whole, plan.text
    assert indexes <= plan.indexes, plan.text
