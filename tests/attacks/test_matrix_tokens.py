"""Kind of token and operation: each opens what it was made for; and the refusals that all operations share."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import OctKey

from ostiary.contract.errors import CATALOGUE
from ostiary.contract.keys import Key
from ostiary.contract.operation import Kind, Operation, Who
from ostiary.contract.operations import BY_NAME, OPERATIONS, common_errors
from ostiary.server.core.call import AppToken, ManagementToken, MfaToken, UserToken
from ostiary.server.core.millis import HOUR, Millis
from tests.attacks.edge import Edge, Person
from tests.attacks.test_cve_second_factor import VERIFICATION
from tests.wire.forms import LEAST

NOBODY, EXPIRED, INVALID, LOCKED = 2020, 2206, 2207, 2005
Token = Callable[[Edge, Person], str]

BY_ID = ("management", "get_user", "update_user", "delete_users_batch")


def _claims(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def _signed(edge: Edge, who: Person, **changes: Any) -> str:
    """An access token that our own key signs, with claims of our choice."""
    said = {**_claims(who.access_token), **changes}
    token = UserToken(
        said["sub"], said["sid"], said["aud"], said["pool"], said["scope"], Millis(said["exp"] * 1_000)
    )
    return edge.run(edge.process.service.signer.access_token(token))


def _expired(edge: Edge, who: Person) -> str:
    return _signed(edge, who, exp=edge.process.service.ports.now() // 1_000 - 1)


def _update_token(edge: Edge, who: Person) -> str:
    return "upt_" + "a" * 43


def _mfa_token(edge: Edge, who: Person) -> str:
    """A sign-in of theirs that waits for its second factor."""
    now, epoch = edge.process.service.ports.now(), 0
    token = MfaToken(
        user_id=who.user_id,
        session_id="f" * 24,
        app_id=edge.tenant.app_id,
        pool_id=edge.tenant.pool_id,
        scope="openid",
        epoch=epoch,
        method="pwd",
        contact="",
        made_at=now,
        expires_at=Millis(now + HOUR),
    )
    return edge.run(edge.process.service.signer.mfa_token(token))


def _other(edge: Edge, _who: Person) -> str:
    return edge.person(edge.found()).access_token


def _management(edge: Edge, _who: Person) -> str:
    return edge.manager()


def _app_token(edge: Edge, who: Person) -> str:
    """An application's own, with every scope that a user's token has."""
    now = edge.process.service.ports.now()
    scope = _claims(who.access_token)["scope"]
    token = AppToken(edge.tenant.app_id, edge.tenant.pool_id, scope, Millis(now + HOUR))
    return edge.run(edge.process.service.signer.app_token(token))


def _hs256(key: Callable[[Edge], bytes], typ: str) -> Token:
    """The user's own claims, signed with something that an application or anybody has."""

    def make(edge: Edge, who: Person) -> str:
        header = {"alg": "HS256", "typ": typ, "kid": edge.all("SELECT kid FROM signing_keys")[0][0]}
        return jws.serialize_compact(
            header, json.dumps(_claims(who.access_token)).encode(), OctKey.import_key(key(edge)), ["HS256"]
        )

    return make


def _es256(edge: Edge, who: Person) -> str:
    """As tokens of an ES256 application are."""
    said = _claims(who.access_token)
    token = UserToken(
        said["sub"], said["sid"], said["aud"], said["pool"], said["scope"], Millis(said["exp"] * 1_000)
    )
    return edge.run(edge.process.service.signer.access_token(token, "ES256"))


def _foreign_management(edge: Edge, _who: Person) -> str:
    """Of a key that is gone, as after it was taken back."""
    now = edge.process.service.ports.now()
    token = ManagementToken(edge.tenant.pool_id, "f" * 24, Millis(now + HOUR))
    return edge.run(edge.process.service.signer.management_token(token))


def _standing(change: str, value: Any) -> Token:
    def make(edge: Edge, _who: Person) -> str:
        other = edge.quick()
        if change == "revoked":
            edge.write(lambda tx: tx.run(_end(), id=_claims(other.access_token)["sid"]))
        elif change == "deleted":
            form = {"userIds": [other.user_id]}
            assert (
                edge.ask("/api/v3/delete-users-batch", form, edge.manager(), {"x-authing-app-id": ""}).verdict
                == 200
            )
        else:
            edge.write(lambda tx: tx.run(_status(), id=other.user_id, status=value))
        return other.access_token

    return make


def _end() -> Any:
    from ostiary.server.storage.tx import Sql

    return Sql("UPDATE sessions SET ended_at = 1 WHERE id = :id")


def _status() -> Any:
    from ostiary.server.storage.tx import Sql

    return Sql("UPDATE users SET status = :status WHERE id = :id")


KINDS: dict[str, tuple[Token, int, int]] = {
    # kind: how it is made, what a user's operation says, what a management operation says
    "none": (lambda _edge, _who: "", NOBODY, NOBODY),
    "garbage": (lambda _edge, _who: "a.b.c", NOBODY, NOBODY),
    "update token": (_update_token, NOBODY, NOBODY),
    "refresh token": (lambda _edge, who: who.refresh_token, NOBODY, NOBODY),
    "user id": (lambda _edge, who: who.user_id, NOBODY, NOBODY),
    "mfa token": (_mfa_token, INVALID, INVALID),
    "id token": (lambda _edge, who: who.id_token, INVALID, INVALID),
    "access token": (lambda _edge, who: who.access_token, 0, INVALID),
    "access token, ES256": (_es256, 0, INVALID),
    "access token, HS256 with the secret": (
        _hs256(lambda edge: edge.tenant.app_secret.encode(), "at+jwt"),
        INVALID,
        INVALID,
    ),
    "access token, HS256 with the public key": (
        _hs256(lambda edge: edge.all("SELECT public FROM signing_keys")[0][0].encode(), "at+jwt"),
        INVALID,
        INVALID,
    ),
    "id token, HS256": (
        _hs256(lambda edge: edge.tenant.app_secret.encode(), "JWT"),
        INVALID,
        INVALID,
    ),
    "application's own token": (_app_token, INVALID, INVALID),
    "expired": (_expired, EXPIRED, EXPIRED),
    "of an ended session": (_standing("revoked", None), EXPIRED, INVALID),
    "of a deleted user": (_standing("deleted", None), EXPIRED, INVALID),
    "of a suspended user": (_standing("status", "Suspended"), LOCKED, INVALID),
    "of an archived user": (_standing("status", "Archived"), LOCKED, INVALID),
    "of nobody": (lambda edge, who: _signed(edge, who, sub="0" * 24), EXPIRED, INVALID),
    "with another's session": (
        lambda edge, who: _signed(edge, who, sid=_claims(edge.quick().access_token)["sid"]),
        EXPIRED,
        INVALID,
    ),
    "of an app that is gone": (lambda edge, who: _signed(edge, who, aud="0" * 24), INVALID, INVALID),
    "of another pool's app": (
        lambda edge, who: _signed(edge, who, aud=edge.found().app_id),
        INVALID,
        INVALID,
    ),
    "management token": (_management, INVALID, 0),
    "management token of a key that is gone": (_foreign_management, INVALID, INVALID),
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.replace(" ", "_"))
def test_a_token_opens_what_it_was_made_for(edge: Edge, kind: str):
    who = edge.someone
    make, as_user, as_manager = KINDS[kind]
    token = make(edge, who)
    before = edge.counts()
    opened = {"none"}
    for op in OPERATIONS:
        if op.who not in {Who.USER, Who.MANAGEMENT}:
            continue
        if kind == "mfa token" and op.name in VERIFICATION:
            continue  # its own doors: test_cve_second_factor.py
        wanted = as_user if op.who is Who.USER else as_manager
        answer = edge.call(op, {"authorization": token} if token else {})
        if wanted == 0:
            assert answer.verdict not in {NOBODY, EXPIRED, INVALID, LOCKED, "invalid_token"}, (
                op.name,
                answer.body,
            )
            opened.add(op.name)
        elif op.kind is Kind.OAUTH:
            assert answer.verdict == ("access_denied" if wanted == LOCKED else "invalid_token"), op.name
            assert answer.status == (403 if wanted == LOCKED else 401)
        else:
            assert (answer.status, answer.verdict) == (200, wanted), (op.name, answer.body)
    if opened == {"none"}:
        assert edge.counts() == before


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.replace(" ", "_"))
def test_where_nobody_needs_to_be_signed_in_a_token_changes_nothing(edge: Edge, kind: str):
    who = edge.someone
    token = KINDS[kind][0](edge, who)
    for op in OPERATIONS:
        if op.who in {Who.USER, Who.MANAGEMENT}:
            continue
        form = _harmless(edge, op)
        app = {"x-authing-app-id": edge.tenant.app_id}
        without = edge.call(op, app, form)
        answer = edge.call(op, {**app, "authorization": token} if token else app, form)
        assert answer.verdict == without.verdict, (op.name, answer.body)


def _harmless(edge: Edge, op: Operation) -> Any:
    """The least form, but for what would be there already the second time."""
    if op.name == "sign_up":
        return {**LEAST[op.name], "passwordPayload": {"username": "alice", "password": "long enough"}}
    if op.name == "send_sms":
        return {"channel": "CHANNEL_RESET_PASSWORD", "phoneNumber": "123"}
    if op.name == "send_email":
        return {"channel": "CHANNEL_RESET_PASSWORD", "email": "nobody"}
    return LEAST.get(op.name, {})


def test_what_belongs_to_a_user_wants_a_good_token_or_none(edge: Edge):
    """`send-sms` for bound channels: one that is given must be good (phone-change.md §4)."""
    who = edge.someone
    for kind, (make, as_user, _) in KINDS.items():
        if kind == "none":
            continue
        form = {"channel": "CHANNEL_BIND_PHONE", "phoneNumber": edge.number()}
        before = edge.all("SELECT count(*) FROM codes")
        answer = edge.ask("/api/v3/send-sms", form, make(edge, who), {"x-authing-app-id": ""})
        assert answer.verdict == (as_user or 200), kind
        if as_user:
            assert edge.all("SELECT count(*) FROM codes") == before


# ── the refusals that operations share ──────────────────────────────────────────────────────────


def _caller(edge: Edge, op: Operation) -> dict[str, str]:
    if op.who is Who.USER:
        return {"authorization": edge.quick().access_token}
    if op.who is Who.MANAGEMENT:
        return {"authorization": edge.manager()}
    return {"x-authing-app-id": edge.tenant.app_id}


def _causes(edge: Edge, op: Operation) -> Iterator[tuple[Key, dict[str, str], Any]]:
    """Every shared refusal, and a request that meets it."""
    good = _caller(edge, op)
    signed = op.who in {Who.USER, Who.MANAGEMENT}
    yield Key.APP_NOT_FOUND, {}, None
    yield Key.APP_NOT_FOUND, {"x-authing-app-id": "0" * 24}, None
    yield Key.USER_POOL_NOT_FOUND, {**good, "x-authing-userpool-id": "0" * 24}, None
    yield Key.NOT_LOGGED_IN, {}, None
    yield Key.NOT_LOGGED_IN, {"authorization": "Bearer nothing"}, None
    yield Key.LOGIN_INVALID, {**good, "x-authing-userpool-id": "0" * 24}, None
    yield Key.LOGIN_INVALID, {"authorization": edge.someone.id_token}, None
    if op.who is Who.USER:
        yield Key.LOGIN_INVALID, {**good, "x-genauth-app-id": "0" * 24}, None
        yield Key.USER_LOCKED, {"authorization": KINDS["of a suspended user"][0](edge, edge.quick())}, None
    yield Key.LOGIN_EXPIRED, {"authorization": _expired(edge, edge.quick())}, None
    if op.request and op.method == "POST":
        yield Key.BAD_JSON, good, ["x"]
        required = [info for info in _members(op) if info.required]
        if required:
            yield Key.PARAMETERS_INCOMPLETE, good, {}
        if required and signed:  # the token is judged before the form
            yield Key.NOT_LOGGED_IN, {}, {}
            yield Key.LOGIN_INVALID, {**good, "x-authing-userpool-id": "0" * 24}, {}
    for member in _members(op)[:1] if op.request and op.method == "POST" else ():
        yield Key.BAD_REQUEST, good, {**LEAST[op.name], member.encode_name: [[7]]}


def _members(op: Operation) -> Any:
    from msgspec import inspect

    info = inspect.type_info(op.request)
    assert isinstance(info, inspect.StructType)
    return info.fields


@pytest.mark.parametrize("op", [op for op in OPERATIONS if op.kind is Kind.API], ids=lambda op: op.name)
def test_every_operation_gives_the_refusals_that_it_shares(edge: Edge, op: Operation):
    documented = {*common_errors(op), *op.own_errors}
    for key, headers, form in _causes(edge, op):
        if key not in documented or (key is Key.APP_NOT_FOUND and op.who not in {Who.ANYONE, Who.CLIENT}):
            continue
        row = CATALOGUE[key]
        if op.name in {"send_sms", "send_email", "pre_check_code"} and key in {
            Key.NOT_LOGGED_IN,
            Key.LOGIN_INVALID,
            Key.LOGIN_EXPIRED,
        }:
            continue  # theirs depend on the channel: see above
        before = edge.counts()
        said = edge.call(op, headers, form).json
        assert (said["statusCode"], said.get("apiCode")) == (row.status_code, row.api_code), (
            key,
            headers,
            said,
        )
        assert edge.counts() == before, key


def test_every_later_option_is_refused_before_anything_is_done(edge: Edge):
    for op in OPERATIONS:
        if Key.NOT_IMPLEMENTED not in common_errors(op):
            continue
        before = edge.counts()
        headers = _caller(edge, op)
        counted = edge.counts()
        for form, field in _LATER[op.name]:
            said = edge.call(op, headers, form).json
            assert (said["statusCode"], said["data"]["field"]) == (501, field), op.name
        assert edge.counts() == counted, before


_LATER: dict[str, list[tuple[Any, str]]] = {
    "sign_up": [({**LEAST["sign_up"], "profile": {"phone": "18812345678"}}, "phone")],
    "sign_in_by_credentials": [
        ({**LEAST["sign_in_by_credentials"], "options": {"tenantId": "x"}}, "tenantId")
    ],
    "send_enroll_factor_request": [
        ({**LEAST["send_enroll_factor_request"], "factorType": "FACE"}, "factorType")
    ],
    "enroll_factor": [({**LEAST["enroll_factor"], "factorType": "FACE"}, "factorType")],
    "update_security_settings": [({"cookieSettings": {"cookieExpiresIn": 1}}, "cookieExpiresIn")],
    "create_user": [({"username": "later", "salt": "x"}, "salt")],
    "get_user": [({"userId": "x", "withPost": "true"}, "withPost")],
    "list_users": [({"searchQuery": {"a": 1}}, "searchQuery")],
    "update_user": [({"userId": "x", "metadata": {"a": 1}}, "metadata")],
    "update_password": [({"newPassword": "x", "passwordResetToken": "rpt_x"}, "passwordResetToken")],
    "set_custom_fields": [({"list": [{"targetType": "ROLE", "key": "x"}]}, "targetType")],
    "get_custom_fields": [({"targetType": "USER", "tenantId": "x"}, "tenantId")],
    "delete_users_batch": [({"userIds": ["x"], "options": {"userIdType": "identity"}}, "userIdType")],
    **{
        op.name: [({**LEAST[op.name], "namespace": "shop"}, "namespace")]
        for op in OPERATIONS
        if "namespace" in {later.path for later in op.later}
    },
    **{
        name: [({**LEAST[name], "roles": [{"code": "a", "namespace": "shop"}]}, "namespace")]
        for name in ("assign_role_batch", "revoke_role_batch")
    },
    "create_application": [({"appName": "x", "samlConfig": {"a": 1}}, "samlConfig")],
    "list_applications": [({"keywords": "x"}, "keywords")],
    "create_group": [({**LEAST["create_group"], "customData": {"a": 1}}, "customData")],
    "update_group": [({**LEAST["update_group"], "customData": {"a": 1}}, "customData")],
    "get_group": [({"code": "x", "withCustomData": "true"}, "withCustomData")],
    "list_groups": [({"withCustomData": "true"}, "withCustomData")],
    "get_user_groups": [({"userId": "x", "userIdType": "identity"}, "userIdType")],
}


def test_the_table_of_later_options_names_every_operation_that_has_some():
    assert {op.name for op in OPERATIONS if Key.NOT_IMPLEMENTED in common_errors(op)} <= set(_LATER)
    assert set(_LATER) <= set(BY_NAME)
