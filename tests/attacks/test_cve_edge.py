"""Sessions, limits, headers, exposure: the holes of others at an edge (rows 77 to 100 of docs/security-tests.md)."""

import ast
import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

import ostiary
from ostiary.contract.operation import Kind, Who
from ostiary.contract.operations import BY_NAME, OPERATIONS
from tests.attacks.edge import Edge, Person
from tests.service import Service, run

ADMIN = {"x-authing-app-id": ""}
SOURCES = Path(ostiary.__file__).parent


def client(edge: Edge) -> dict[str, str]:
    return {"client_id": edge.tenant.app_id, "client_secret": edge.tenant.app_secret}


def grants(edge: Edge, who: Person) -> dict[str, Any]:
    """Every way that an account has to come in or stay in, and how it ends."""
    asked = {"channel": "CHANNEL_LOGIN", "phoneNumber": who.phone.removeprefix("+86")}
    edge.ask("/api/v3/send-sms", asked)
    [code] = edge.codes(who.phone, "CHANNEL_LOGIN").values()
    password = {
        "connection": "PASSWORD",
        "passwordPayload": {"username": who.username, "password": who.password},
    }
    by_code = {"connection": "PASSCODE", "passCodePayload": {"phone": who.phone, "passCode": code}}
    refresh = {"grant_type": "refresh_token", "refresh_token": who.refresh_token}
    return {
        "password": edge.ask("/api/v3/signin", {**password, **client(edge)}).verdict,
        "code": edge.ask("/api/v3/signin", {**by_code, **client(edge)}).verdict,
        "refresh": edge.ask("/oidc/token", {**refresh, **client(edge)}).verdict,
        "access": edge.raw("GET", "/api/v3/get-profile", headers={"authorization": who.access_token}).verdict,
        "user info": edge.raw("GET", "/oidc/me", headers={"authorization": who.access_token}).verdict,
    }


@pytest.mark.parametrize("status", ["Suspended", "Resigned", "Archived", "Deactivated"])
def test_cve_2025_64521_a_closed_account_comes_in_by_no_grant(edge: Edge, status: str):
    """Rows 77 and 80."""
    who = edge.person()
    form = {"userId": who.user_id, "status": status}
    assert edge.ask("/api/v3/update-user", form, edge.manager(), ADMIN).verdict == 200
    said = grants(edge, who)
    assert said.pop("refresh") == "invalid_grant"
    assert said.pop("user info") in {"invalid_token", "access_denied"}
    assert set(said.values()) <= {2005, 2206}


@pytest.mark.parametrize("how", ["delete", "password", "revoke"])
def test_cve_2025_29928_what_ends_a_session_ends_its_tokens_at_once(edge: Edge, how: str):
    """Row 79: looked up in the store on every request; nothing waits for an expiry."""
    who, manager = edge.person(), edge.manager()
    if how == "delete":
        assert (
            edge.ask("/api/v3/delete-users-batch", {"userIds": [who.user_id]}, manager, ADMIN).verdict == 200
        )
    elif how == "password":
        form = {"userId": who.user_id, "password": "another password"}
        assert edge.ask("/api/v3/update-user", form, manager, ADMIN).verdict == 200
    else:
        assert edge.ask("/oidc/token/revocation", {"token": who.access_token, **client(edge)}).status == 200
    refresh = {"grant_type": "refresh_token", "refresh_token": who.refresh_token}
    assert edge.ask("/oidc/token", {**refresh, **client(edge)}).verdict == "invalid_grant"
    for op in OPERATIONS:
        if op.who is Who.USER:
            answer = edge.call(op, {"authorization": who.access_token})
            assert answer.verdict in {2206, "invalid_token"}, op.name


def test_cve_2026_4634_a_megabyte_of_scope_is_refused_at_once(edge: Edge):
    """Row 78: and what is as long as it may be costs nothing."""
    for name in (
        "scope",
        "refresh_token",
        "grant_type",
        "code",
        "client_id",
        "redirect_uri",
        "code_verifier",
    ):
        form = {"grant_type": "refresh_token", "refresh_token": "x", **client(edge)}
        for size, wanted in ((1_000_000, 413), (60_000, 400)):
            begun = time.perf_counter()
            answer = edge.ask("/oidc/token", {**form, name: "a " * (size // 2)})
            assert answer.status == wanted
            assert time.perf_counter() - begun < 20
    payload = {"username": edge.someone.username, "password": edge.someone.password}
    for scope in (" ".join(["openid"] * 146), " " * 1_024, "o" * 1_024, "openid\tprofile\nemail"):
        body = {
            "connection": "PASSWORD",
            "passwordPayload": payload,
            "options": {"scope": scope},
            **client(edge),
        }
        said = edge.ask("/api/v3/signin", body).json
        assert said["statusCode"] in {200, 400}
        assert len((said.get("data") or {}).get("scope", "")) < 100


CROSS_SITE = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain;charset=utf-8",
]


@pytest.mark.parametrize("stated", CROSS_SITE)
def test_cve_2023_34927_a_websites_form_does_nothing(edge: Edge, stated: str):
    """Row 81 (T28): no cookie is ever a credential, a form's content type is not read, a GET changes nothing."""
    who = edge.quick()
    for op in OPERATIONS:
        if op.method != "POST" or op.kind is not Kind.API:
            continue
        headers = {
            "content-type": stated,
            "origin": "https://evil.example",
            "authorization": who.access_token,
        }
        answer = edge.raw("POST", op.path, b'{"passCode":"123456"}', headers=headers)
        assert (answer.status, answer.verdict) == (415, 415)
        assert "access-control-allow-origin" not in answer.headers
        read = edge.raw("GET", op.path, headers=headers)
        assert read.status == 405 or read.verdict == 501
        cookies = {"cookie": f"access_token={who.access_token}; authorization={who.access_token}"}
        if op.who is Who.USER:
            assert edge.call(op, cookies).verdict == 2020


HOSTS = [
    "host",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-server",
    "forwarded",
    "x-original-url",
    "x-rewrite-url",
    "x-host",
]


@pytest.mark.parametrize("header", HOSTS)
def test_cve_2025_67494_no_address_is_made_of_a_header(edge: Edge, header: str):
    """Rows 82 and 84: discovery, tokens and texts name the configured URL, whatever a request says."""
    value = "host=evil.example;proto=https" if header == "forwarded" else "evil.example"
    headers = {"host": "localhost", header: value} if header != "host" else {"host": "127.0.0.1"}
    told = edge.raw("GET", "/oidc/.well-known/openid-configuration", headers=headers)
    assert "evil" not in told.body.decode()
    assert told.json["issuer"] == "http://127.0.0.1:8000/oidc"
    for op in OPERATIONS:
        answer = edge.call(op, {**headers, "x-authing-app-id": edge.tenant.app_id})
        assert "evil" not in answer.body.decode() + json.dumps(dict(answer.headers))
        assert "location" not in answer.headers


def test_cve_2026_33505_forged_places_in_lists_are_refused(edge: Edge):
    """Row 85: pages are numbers, and names of places are looked up, never put into SQL."""
    manager = edge.manager()
    for page in (
        {"page": "1; DROP TABLE users"},
        {"page": -1},
        {"page": 2**40},
        {"limit": 51},
        {"limit": "1 UNION"},
    ):
        said = edge.ask("/api/v3/list-users", {"options": {"pagination": page}}, manager, ADMIN).json
        assert said["statusCode"] == 400
    for field in ("id; --", "password_hash", "users.id", "phone' OR '1'='1"):
        condition = {"field": field, "operator": "EQUAL", "value": "x"}
        said = edge.ask("/api/v3/list-users", {"advancedFilter": [condition]}, manager, ADMIN).json
        assert (said["statusCode"], said["data"]["field"]) == (501, "field")
    before = edge.counts()
    for name in ("list_audit_events", "list_messages"):
        for cursor in ("' OR 1=1 --", "%00", "x" * 10_000, "../", "1e9", "\u0661"):
            for parameter in ("before", "after", "cursor", "page"):
                answer = edge.call(BY_NAME[name], {"authorization": manager}, {parameter: cursor})
                assert answer.json["statusCode"] in {200, 400}, (name, answer.body)
    assert edge.counts() == before


SECRETS = [
    "passwordHash",
    "password_hash",
    "salt",
    "secret",
    "seed",
    "mac",
    "sessionEpoch",
    "phoneVersion",
    "argon2",
    "usernameKey",
]


def test_cve_2026_53725_no_answer_holds_a_field_that_its_contract_does_not_name(edge: Edge):
    """Row 94: every object of an answer has members of its Struct, and nothing of a raw row."""
    who, manager = edge.person(), edge.manager()
    asked = {
        "get_profile": ({"withCustomData": "true", "withIdentities": "true"}, who.access_token),
        "get_user": ({"userId": who.user_id, "withCustomData": "true", "withIdentities": "true"}, manager),
        "list_users": ({"options": {"withCustomData": True, "withIdentities": True}}, manager),
        "update_user": ({"userId": who.user_id, "nickname": "x"}, manager),
        "get_security_settings": ({}, manager),
        "user_info": ({}, who.access_token),
    }
    for name, (form, token) in asked.items():
        op = BY_NAME[name]
        said = edge.call(op, {"authorization": token}, form).json
        data = said["data"] if op.kind is Kind.API else said
        known = {info.encode_name for info in msgspec.structs.fields(op.data)} if op.data else set()
        assert set(data) <= known
        text = json.dumps(said)
        assert not [secret for secret in SECRETS if f'"{secret}"' in text or "$argon2" in text], name


def test_ghsa_5v7g_what_a_form_may_not_set_it_does_not_set(edge: Edge):
    """Row 95 (T42): every field of a user, sent to the operations that a user has."""
    who = edge.quick()
    row = edge.all("SELECT * FROM users WHERE id = :id", id=who.user_id)
    phones = edge.all("SELECT * FROM phones WHERE user_id = :id", id=who.user_id)
    user = BY_NAME["get_user"].data
    assert user is not None
    every = {info.encode_name: "Activated" for info in msgspec.structs.fields(user)}
    every |= {
        "userPoolId": "x",
        "phone": edge.number(),
        "phoneVerified": "true",
        "sessionEpoch": "9",
        "userId": edge.someone.user_id,
    }
    for op in OPERATIONS:
        if op.who is Who.USER and op.kind is Kind.API:
            edge.call(op, {"authorization": who.access_token}, every)
    assert edge.all("SELECT * FROM users WHERE id = :id", id=who.user_id) == row
    assert edge.all("SELECT * FROM phones WHERE user_id = :id", id=who.user_id) == phones
    name = f"every{edge.number()}"
    link, fitting = "https://example.com", {"locale": "en-US", "birthdate": "1990-07-03", "gender": "U"}
    profile = {**every, **fitting, "photo": link, "profile": link, "website": link, "customData": {}}
    payload: dict[str, Any] = {**every, "username": name, "password": "long enough"}
    payload.pop("email")
    form = {"connection": "PASSWORD", "passwordPayload": payload}
    for later in ("phone", "email", "phoneCountryCode"):
        profile.pop(later, None)
    made = edge.ask("/api/v3/signup", {**form, "profile": profile, "status": "Archived"}).json["data"]
    assert made["userId"] not in {who.user_id, edge.someone.user_id}
    assert (made["status"], made["userSourceType"], made["phoneVerified"]) == ("Activated", "register", False)
    assert "externalId" not in made


def test_cve_2026_7500_what_is_switched_off_has_no_other_door(edge: Edge):
    """Row 92: registering is off for every operation that registers; served paths are those of the table."""
    manager, number = edge.manager(), edge.number()
    for channel in ("CHANNEL_LOGIN", "CHANNEL_REGISTER"):
        assert edge.ask("/api/v3/send-sms", {"channel": channel, "phoneNumber": number}).verdict == 200
    codes = {
        channel: edge.codes(f"+86{number}", channel)[""] for channel in ("CHANNEL_LOGIN", "CHANNEL_REGISTER")
    }
    assert (
        edge.ask("/api/v3/update-security-settings", {"registerDisabled": True}, manager, ADMIN).verdict
        == 200
    )
    try:
        by_password = {
            "connection": "PASSWORD",
            "passwordPayload": {"username": f"off{number}", "password": "long enough"},
        }
        by_code = {
            "connection": "PASSCODE",
            "passCodePayload": {"phone": number, "passCode": codes["CHANNEL_REGISTER"]},
        }
        sign_in = {
            "connection": "PASSCODE",
            "passCodePayload": {"phone": number, "passCode": codes["CHANNEL_LOGIN"]},
        }
        before = edge.all("SELECT count(*) FROM users")
        for path, form in (
            ("signup", by_password),
            ("signup", by_code),
            ("signin", {**sign_in, "options": {"autoRegister": True}, **client(edge)}),
        ):
            said = edge.ask(f"/api/v3/{path}", form)
            assert said.json["statusCode"] in {403, 404}, said.body
        assert edge.all("SELECT count(*) FROM users") == before
    finally:
        edge.ask("/api/v3/update-security-settings", {"registerDisabled": False}, manager, ADMIN)


def test_cve_2024_52307_secrets_are_compared_in_constant_time():
    """Row 90: no `==` on what is called a secret, a MAC, a hash or a code, outside of `Ports.same`."""
    found = []
    for path in (SOURCES / "server").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
                words = " ".join(_words(side) for side in (node.left, *node.comparators))
                if any(
                    word in words.split()
                    for word in ("secret", "mac", "digits", "password", "secret_hash", "code_digits")
                ):
                    found.append(f"{path.relative_to(SOURCES)}:{node.lineno}")
    assert not found


def _words(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def test_cve_2026_41452_a_second_beginning_is_refused(tmp_path: Path):
    """Row 100, and the half of 85 about defaults: nothing has a secret of its own until `init` made one."""
    folder = tmp_path / "data"
    assert run(folder, "serve", "--port", "0")[0] == 2
    assert run(folder, "init")[0] == 0
    keys = (folder / "keys.json").read_bytes()
    code, _, told = run(folder, "init")
    assert code == 2
    assert "keys.json" in told
    assert (folder / "keys.json").read_bytes() == keys


CANARIES = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "javascript:alert(1)", "{{7*7}}"]


@pytest.mark.parametrize("canary", CANARIES)
def test_cve_2026_29191_what_a_request_says_is_never_markup(sqlite_service: Service, canary: str):
    """Row 88: every page that is served, asked with a canary in path, query and headers."""
    for path in (
        "/",
        "/docs",
        "/dev/inbox",
        f"/{canary}",
        "/healthz",
        "/oidc/.well-known/openid-configuration",
    ):
        answer = sqlite_service.http.get(path, params={"to": canary, "lang": canary, "error": canary, "state": canary},
                                         headers={"user-agent": canary, "referer": canary, "accept-language": canary})  # fmt: skip
        assert canary not in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert (
            "script-src 'self'" in answer.headers["content-security-policy"]
            or "default-src 'none'" in answer.headers["content-security-policy"]
        )
