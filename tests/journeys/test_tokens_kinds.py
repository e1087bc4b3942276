"""What an application decides about its tokens: how they are signed, and whether it gets some of its own."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt
import pytest
from joserfc import jws
from joserfc.jwk import OctKey

from ostiary import AsyncAuthenticationClient, AuthenticationClient
from ostiary.client.errors import OAuthError, TokenNotValid
from tests.service import Person, Service, run

SCOPE = (
    "openid profile username email phone address external_id extended_fields roles tenant_id offline_access"
)


@contextmanager
def app_settings(service: Service, **settings: str) -> Iterator[None]:
    """The dev application's settings (wire names, as text), and its defaults again at the end."""
    defaults = {
        "signingAlg": "RS256",
        "clientCredentialsScopes": "",
        "tokenEndpointAuthMethod": "client_secret_post",
    }
    try:
        for name, value in settings.items():
            assert set_one(service, name, value)[0] == 0
        yield
    finally:
        for name in reversed(settings):
            assert set_one(service, name, defaults[name])[0] == 0


def set_one(service: Service, name: str, value: str) -> tuple[int, str, str]:
    where = ["--database", service.database] if service.database else []
    return run(service.folder, "settings", "set", "--app", service.ids["appId"], *where, name, value)


def tokens_of(person: Person, client: AuthenticationClient | None = None, scope: str = SCOPE) -> Any:
    client = client or person.service.client()
    return client.sign_in_by_username_password(
        person.username, person.password, options={"scope": scope}
    ).data


def header(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".", maxsplit=1)[0] + "=="))
    return found


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return found


def refused(call: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(OAuthError) as error:
        call(*arguments, **named)
    return str(error.value.error)


# ── claims ──────────────────────────────────────────────────────────────────────────────────


def test_an_id_token_says_null_for_what_is_not_set(service: Service):
    person = service.person(sign_in=False)
    said = claims(tokens_of(person).id_token)
    unset = {
        *("name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile"),
        *("picture", "website", "birthdate", "zoneinfo", "locale", "address", "external_id", "tenant_id"),
    }
    assert {name for name, value in said.items() if value is None} == unset
    assert (said["gender"], said["roles"], said["extended_fields"]) == ("U", [], {})
    assert (said["phone_number"], said["email_verified"]) == (person.phone, True)


def test_an_address_is_one_claim(sqlite_service: Service):
    """OpenID Connect Core §5.1.1: an object, of what is set."""
    service = sqlite_service
    person = service.person(sign_in=False)
    service.management.update_user(person.user_id, country="CN", city="Hangzhou", street_address="1 Lake St")
    wanted = {"country": "CN", "locality": "Hangzhou", "street_address": "1 Lake St"}
    tokens = tokens_of(person, scope="openid address")
    assert claims(tokens.id_token)["address"] == wanted
    assert service.client(tokens.access_token).user_info().address == wanted


def test_the_roles_of_the_moment_are_a_claim(service: Service):
    person = service.person(sign_in=False)
    code = f"editor-{person.username}"
    service.management.create_role(code)
    service.management.assign_role([{"targetType": "USER", "targetIdentifier": person.user_id}], code)
    tokens = tokens_of(person)
    assert claims(tokens.id_token)["roles"] == [code]
    assert "roles" not in claims(tokens_of(person, scope="openid profile").id_token)
    reader = service.client(tokens.access_token)
    assert reader.user_info().roles == [code]
    service.management.delete_roles_batch([code])
    assert reader.user_info().roles == []
    fresh = service.client().get_new_access_token_by_refresh_token(tokens.refresh_token)
    assert claims(str(fresh.id_token))["roles"] == []


# ── how they are signed ─────────────────────────────────────────────────────────────────────


def test_es256_signs_both_kinds_and_everybody_can_check_them(service: Service):
    person, client = service.person(sign_in=False), service.client()
    before = tokens_of(person)
    with app_settings(service, signingAlg="ES256"):
        tokens = tokens_of(person)
        for token, typ in ((tokens.access_token, "at+jwt"), (tokens.id_token, "JWT")):
            assert (header(token)["alg"], header(token)["typ"]) == ("ES256", typ)
            assert client.introspect_token_offline(token, typ=typ, alg="ES256")["sub"] == person.user_id
            with pytest.raises(TokenNotValid, match="ES256"):
                client.introspect_token_offline(token, typ=typ, alg="RS256")
        assert service.client(tokens.access_token).get_profile().data.user_id == person.user_id
        # What was out before keeps its life.
        assert service.client(before.access_token).get_profile().data.user_id == person.user_id
        fresh = client.get_new_access_token_by_refresh_token(before.refresh_token)
        assert header(fresh.access_token)["alg"] == "ES256"
    keys = {key["kid"]: key for key in client.jwks().keys}
    own = keys[header(tokens.access_token)["kid"]]
    assert (own["kty"], own["crv"], "d" in own) == ("EC", "P-256", False)
    read = jwt.decode(
        tokens.access_token,
        jwt.PyJWK(own),
        algorithms=["ES256"],
        audience=service.ids["appId"],
        options={"verify_exp": False, "verify_iat": False},
    )
    assert read["sub"] == person.user_id


def test_hs256_is_for_id_tokens_and_access_tokens_stay_with_our_key(service: Service):
    """Whoever has the secret could make an HS256 access token of any user, so none is believed."""
    person, client = service.person(sign_in=False), service.client()
    secret = service.ids["appSecret"]
    with app_settings(service, signingAlg="HS256"):
        tokens = tokens_of(person)
    assert (header(tokens.id_token), header(tokens.access_token)["alg"]) == (
        {"alg": "HS256", "typ": "JWT"},
        "RS256",
    )
    assert client.introspect_token_offline(tokens.id_token, typ="JWT")["sub"] == person.user_id
    assert client.introspect_token_offline(tokens.access_token)["sub"] == person.user_id
    public = AuthenticationClient(service.ids["appId"], service.url)
    with pytest.raises(TokenNotValid, match="app_secret"):
        public.introspect_token_offline(tokens.id_token, typ="JWT")
    with pytest.raises(TokenNotValid, match="HS256"):
        client.introspect_token_offline(tokens.id_token, typ="JWT", alg="RS256")
    forged = jwt.encode(claims(tokens.access_token), secret, "HS256", {"typ": "at+jwt"})
    with pytest.raises(TokenNotValid, match="id tokens"):
        client.introspect_token_offline(forged)
    shown = OctKey.import_key(json.dumps(client.jwks().keys[0]).encode())
    by_public_key = jws.serialize_compact(
        {"alg": "HS256", "typ": "JWT"}, json.dumps(claims(tokens.id_token)).encode(), shown, ["HS256"]
    )
    with pytest.raises(TokenNotValid, match="signature"):
        client.introspect_token_offline(by_public_key, typ="JWT")
    for token in (forged, by_public_key, tokens.id_token):
        answer = service.http.get("/api/v3/get-profile", headers={"authorization": token}).json()
        assert answer["apiCode"] == 2207


def test_a_public_application_can_have_neither(sqlite_service: Service):
    service = sqlite_service
    with app_settings(service, tokenEndpointAuthMethod="none"):
        code, _out, told = set_one(service, "signingAlg", "HS256")
        assert (code, "secret" in told) == (2, True)
        code, _out, told = set_one(service, "clientCredentialsScopes", "orders")
        assert (code, "tokenEndpointAuthMethod" in told) == (2, True)
    with app_settings(service, signingAlg="HS256"):
        assert set_one(service, "tokenEndpointAuthMethod", "none")[0] == 2


# ── introspection ───────────────────────────────────────────────────────────────────────────


def test_introspection_tells_what_a_token_is_worth(service: Service):
    person, client = service.person(sign_in=False), service.client()
    tokens = tokens_of(person)
    access = client.introspect_token(tokens.access_token)
    said = claims(tokens.access_token)
    assert access.active
    assert (access.sub, access.client_id, access.aud) == (person.user_id, service.ids["appId"], said["aud"])
    assert (access.exp, access.iat, access.jti, access.iss) == tuple(
        said[name] for name in ("exp", "iat", "jti", "iss")
    )
    assert (access.scope, access.token_type) == (tokens.scope, "Bearer")
    refresh = client.introspect_token(tokens.refresh_token)
    assert (refresh.active, refresh.token_type, refresh.sub) == (True, "refresh_token", person.user_id)
    for other in (tokens.id_token, "rt_nobody", "a.b.c", person.user_id):
        answer = service.http.post(
            "/oidc/token/introspection",
            data={
                "client_id": service.ids["appId"],
                "client_secret": service.ids["appSecret"],
                "token": other,
            },
        )
        assert answer.json() == {"active": False}
    client.get_new_access_token_by_refresh_token(tokens.refresh_token)
    assert not client.introspect_token(tokens.refresh_token).active, "it is used up"


@pytest.mark.parametrize("end", ["revoked", "suspended", "deleted", "expired"])
def test_what_ended_is_not_active(service: Service, end: str):
    person, client = service.person(sign_in=False), service.client()
    tokens = tokens_of(person)
    if end == "revoked":
        client.revoke_token(tokens.access_token)
    elif end == "suspended":
        service.management.update_user(person.user_id, status="Suspended")
    elif end == "deleted":
        service.management.delete_users_batch([person.user_id])
    else:
        service.advance(days=31)
    for token in (tokens.access_token, tokens.refresh_token):
        assert not client.introspect_token(token).active


def test_a_public_application_may_revoke_but_not_introspect(sqlite_service: Service):
    service = sqlite_service
    person = service.person(sign_in=False)
    public = AuthenticationClient(service.ids["appId"], service.url)
    with app_settings(service, tokenEndpointAuthMethod="none"):
        tokens = tokens_of(person, public)
        assert refused(public.introspect_token, tokens.access_token) == "invalid_client"
        assert refused(service.client().revoke_token, tokens.access_token) == "invalid_client"
        assert public.revoke_token(tokens.access_token)
    assert not service.client().introspect_token(tokens.access_token).active


def test_basic_is_one_way_to_introspect_and_revoke(sqlite_service: Service):
    service = sqlite_service
    person = service.person(sign_in=False)
    basic = AuthenticationClient(
        service.ids["appId"],
        service.url,
        service.ids["appSecret"],
        token_endpoint_auth_method="client_secret_basic",
        introspection_endpoint_auth_method="client_secret_basic",
        revocation_endpoint_auth_method="client_secret_basic",
    )
    with app_settings(
        service, tokenEndpointAuthMethod="client_secret_basic", clientCredentialsScopes="orders"
    ):
        tokens = tokens_of(person, basic)
        assert basic.introspect_token(tokens.access_token).active
        assert basic.get_access_token_by_client_credentials("orders").scope == "orders"
        post = service.client()
        for call in (post.introspect_token, post.revoke_token, post.get_new_access_token_by_refresh_token):
            assert refused(call, tokens.refresh_token) == "invalid_client"
        assert basic.introspect_token(tokens.refresh_token).active
        assert basic.revoke_token(tokens.refresh_token)
        assert not basic.introspect_token(tokens.access_token).active


# ── the application's own tokens ────────────────────────────────────────────────────────────


def test_an_application_gets_tokens_of_its_own_for_the_scopes_it_was_given(service: Service):
    client = service.client()
    assert refused(client.get_access_token_by_client_credentials, "orders:read") == "unauthorized_client"
    with app_settings(service, clientCredentialsScopes="orders:read,orders:write"):
        tokens = client.get_access_token_by_client_credentials("orders:read")
        assert (tokens.scope, tokens.expires_in, tokens.token_type) == ("orders:read", 7_200, "Bearer")
        assert (tokens.refresh_token, tokens.id_token) == (None, None)
        assert client.get_access_token_by_client_credentials("").scope == "orders:read orders:write"
        for scope in ("orders:read openid", "admin", "offline_access", " "):
            assert refused(client.get_access_token_by_client_credentials, scope) == "invalid_scope"
        assert (
            refused(client.get_access_token_by_client_credentials, "orders:read", None, "wrong")
            == "invalid_client"
        )
        token = tokens.access_token
        told = client.introspect_token(token)
        assert (told.active, told.sub, told.scope) == (True, service.ids["appId"], "orders:read")
        assert client.introspect_token_offline(token, typ="app+jwt")["client_id"] == service.ids["appId"]
        with pytest.raises(TokenNotValid, match="kind"):
            client.introspect_token_offline(token)
        for path in ("/api/v3/get-profile", "/oidc/me"):
            answer = service.http.get(path, headers={"authorization": f"Bearer {token}"}).json()
            assert "invalid_token" in {
                answer.get("error"),
                "invalid_token" if answer.get("apiCode") == 2207 else "",
            }
        assert refused(client.revoke_token, token) == "unsupported_token_type"
    assert not client.introspect_token(token).active, "its scope was taken from the application"


# ── the twins ───────────────────────────────────────────────────────────────────────────────


def test_the_oauth_paths_are_the_same_doors(service: Service):
    person = service.person(sign_in=False)
    client = service.client(protocol="oauth")
    first = tokens_of(person)
    second = client.get_new_access_token_by_refresh_token(first.refresh_token)
    assert client.introspect_token(second.access_token).active
    assert client.introspect_token_offline(second.access_token)["sub"] == person.user_id
    assert client.get_user_info_by_access_token(second.access_token).sub == person.user_id
    assert service.http.post("/oauth/me", data={"access_token": second.access_token}).json()["sub"]
    assert client.revoke_token(second.access_token)
    assert not client.introspect_token(second.access_token).active


@pytest.mark.anyio
async def test_a_program_of_tasks_asks_the_same(sqlite_service: Service):
    service = sqlite_service
    person = service.person(sign_in=False)
    tokens = tokens_of(person)
    async with AsyncAuthenticationClient(
        service.ids["appId"], service.url, service.ids["appSecret"]
    ) as client:
        assert (await client.introspect_token(tokens.access_token)).active
        assert await client.revoke_token(tokens.access_token)
        assert not (await client.introspect_token(tokens.access_token)).active
        with pytest.raises(OAuthError):
            await client.get_access_token_by_client_credentials("orders")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
