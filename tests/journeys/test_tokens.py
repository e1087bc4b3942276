"""Tokens after the sign-in: refreshed, revoked, read and checked, through the real service and our SDK."""

import base64
import json
from typing import Any

import jwt
import pytest

from ostiary import AuthenticationClient
from ostiary.client.errors import LoginExpired, OAuthError
from tests.service import Person, Service

EVERYTHING = "openid profile username email phone address external_id extended_fields roles offline_access"


def tokens_of(person: Person, scope: str = EVERYTHING) -> Any:
    client = person.service.client()
    return client.sign_in_by_username_password(
        person.username, person.password, options={"scope": scope}
    ).data


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return found


def refused(refresh_token: str, client: AuthenticationClient) -> str:
    with pytest.raises(OAuthError) as error:
        client.get_new_access_token_by_refresh_token(refresh_token)
    return str(error.value.error)


def post(service: Service, path: str, **form: str) -> tuple[int, dict[str, Any]]:
    """A form as the app's own client sends it; '' leaves a field out."""
    own = {"client_id": service.ids["appId"], "client_secret": service.ids["appSecret"]}
    answer = service.http.post(path, data={name: text for name, text in (own | form).items() if text})
    return answer.status_code, answer.json() if answer.content else {}


# ── refreshing ──────────────────────────────────────────────────────────────────────────────


def test_a_refresh_gives_new_tokens_of_the_same_sign_in(service: Service):
    person = service.person(sign_in=False)
    first = tokens_of(person)
    service.advance(minutes=5)
    second = service.client().get_new_access_token_by_refresh_token(first.refresh_token)
    assert second.refresh_token not in {None, first.refresh_token}
    assert (second.token_type, second.expires_in, second.expire_in) == ("Bearer", 7_200, 7_200)
    before, after = claims(first.id_token), claims(str(second.id_token))
    assert (after["sid"], after["auth_time"], after["sub"]) == (
        before["sid"],
        before["auth_time"],
        person.user_id,
    )
    assert after["iat"] >= before["iat"] + 300
    third = service.client().get_new_access_token_by_refresh_token(str(second.refresh_token))
    assert service.client(third.access_token).get_profile().data.user_id == person.user_id


def test_a_refresh_token_shown_again_ends_the_sign_in(service: Service):
    person = service.person(sign_in=False)
    first, other_device = tokens_of(person), tokens_of(person)
    client = service.client()
    second = client.get_new_access_token_by_refresh_token(first.refresh_token)
    assert refused(first.refresh_token, client) == "invalid_grant"
    assert refused(str(second.refresh_token), client) == "invalid_grant"
    for token in (first.access_token, second.access_token):
        with pytest.raises(LoginExpired):
            service.client(token).get_profile()
    assert service.client(other_device.access_token).get_profile().data.user_id == person.user_id


def test_without_offline_access_there_is_nothing_to_refresh(service: Service):
    person = service.person(sign_in=False)
    tokens = tokens_of(person, "openid profile")
    assert tokens.refresh_token is None
    service.advance(hours=2, seconds=1)
    with pytest.raises(LoginExpired) as expired:
        service.client(tokens.access_token).get_profile()
    assert expired.value.api_code == 2206


def test_a_refresh_family_lives_thirty_days_and_no_refresh_makes_it_longer(service: Service):
    person = service.person(sign_in=False)
    client = service.client()
    refresh_token = tokens_of(person).refresh_token
    for _ in range(2):
        service.advance(days=14)
        refresh_token = str(client.get_new_access_token_by_refresh_token(refresh_token).refresh_token)
    service.advance(days=1, hours=23)
    last = client.get_new_access_token_by_refresh_token(refresh_token)
    assert last.expires_in <= 3_600  # an access token does not outlive its session
    service.advance(hours=1)
    assert refused(str(last.refresh_token), client) == "invalid_grant"


def test_a_refresh_may_ask_for_less(service: Service):
    person = service.person(sign_in=False)
    refresh_token = tokens_of(person, "openid phone offline_access").refresh_token
    status, answer = post(
        service, "/oidc/token", grant_type="refresh_token", refresh_token=refresh_token, scope="openid email"
    )
    assert (status, answer["error"]) == (400, "invalid_scope")
    status, answer = post(
        service, "/oidc/token", grant_type="refresh_token", refresh_token=refresh_token, scope="phone"
    )
    assert (status, answer["scope"]) == (200, "phone")
    assert "id_token" not in answer
    bearer = {"authorization": f"Bearer {answer['access_token']}"}
    me = service.http.get("/oidc/me", headers=bearer)
    assert (me.status_code, me.json()["error"]) == (403, "insufficient_scope")
    status, again = post(
        service, "/oidc/token", grant_type="refresh_token", refresh_token=answer["refresh_token"]
    )
    assert again["scope"] == "openid phone offline_access"


def test_a_locked_account_refreshes_nothing(service: Service):
    person = service.person(sign_in=False)
    tokens = tokens_of(person)
    service.management.update_user(person.user_id, status="Suspended")
    assert refused(tokens.refresh_token, service.client()) == "invalid_grant"


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "x"}, 400, "unsupported_grant_type"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "rt_unknown"}, 400, "invalid_grant"),
        (
            {"grant_type": "refresh_token", "refresh_token": "x", "client_secret": "wrong"},
            401,
            "invalid_client",
        ),
        ({"grant_type": "refresh_token", "refresh_token": "x", "client_secret": ""}, 401, "invalid_client"),
        ({"grant_type": "refresh_token", "refresh_token": "x", "client_id": "nobody"}, 401, "invalid_client"),
    ],
)
def test_the_token_endpoint_refuses_as_oauth_does(
    service: Service, form: dict[str, str], status: int, error: str
):
    got, answer = post(service, "/oidc/token", **form)
    assert (got, answer["error"]) == (status, error)
    assert answer["error_description"]
    assert answer.keys() == {"error", "error_description"}


# ── revoking ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("which", ["refresh_token", "access_token"])
def test_a_revoked_token_takes_its_sign_in_along(service: Service, which: str):
    person = service.person(sign_in=False)
    tokens, other_device = tokens_of(person), tokens_of(person)
    client = service.client()
    assert client.revoke_token(getattr(tokens, which)) is True
    with pytest.raises(LoginExpired):
        service.client(tokens.access_token).get_profile()
    assert refused(tokens.refresh_token, client) == "invalid_grant"
    assert client.revoke_token(getattr(tokens, which)) is True
    assert service.client(other_device.access_token).get_profile().data.user_id == person.user_id


def test_revoking_what_is_no_token_changes_nothing_and_says_nothing(service: Service):
    assert post(service, "/oidc/token/revocation", token="rt_nobody-knows-it") == (200, {})
    assert post(service, "/oidc/token/revocation", token="a.b.c") == (200, {})
    status, answer = post(service, "/oidc/token/revocation", token="x", client_secret="wrong")
    assert (status, answer["error"]) == (401, "invalid_client")
    status, answer = post(service, "/oidc/token/revocation")
    assert (status, answer["error"]) == (400, "invalid_request")


# ── what they say ───────────────────────────────────────────────────────────────────────────


def test_the_scope_opens_the_claims(service: Service):
    person = service.person(sign_in=False)
    everything = service.client(tokens_of(person).access_token).user_info()
    assert everything.sub == person.user_id
    assert (everything.username, everything.email, everything.email_verified) == (
        person.username,
        person.email,
        True,
    )
    assert (everything.phone_number, everything.phone_number_verified) == (person.phone, True)
    assert (everything.gender, everything.roles) == ("U", [])
    openid = service.client(tokens_of(person, "openid").access_token).user_info()
    assert (openid.sub, openid.username, openid.email, openid.phone_number) == (
        person.user_id,
        None,
        None,
        None,
    )


def test_the_token_may_come_in_header_query_or_form(service: Service):
    person = service.person()
    token = str(person.client._access_token)
    asked = (
        service.http.get("/oidc/me", headers={"authorization": f"Bearer {token}"}),
        service.http.post("/oidc/me", headers={"authorization": f"Bearer {token}"}),
        service.http.get("/oidc/me", params={"access_token": token}),
        service.http.post("/oidc/me", data={"access_token": token}),
    )
    assert [answer.json().get("sub") for answer in asked] == [person.user_id] * 4
    nobody = service.http.get("/oidc/me")
    assert (nobody.status_code, nobody.json()["error"]) == (401, "invalid_token")
    assert nobody.headers["www-authenticate"].startswith("Bearer")


def test_an_id_token_stands_up_to_a_second_opinion(service: Service):
    person = service.person(sign_in=False)
    tokens = tokens_of(person)
    found = service.client().openid_configuration()
    keys = {key["kid"]: jwt.PyJWK(key) for key in service.client().jwks().keys}
    assert all(key.keys() >= {"kty", "alg", "kid"} and "d" not in key for key in service.client().jwks().keys)
    key = keys[jwt.get_unverified_header(tokens.id_token)["kid"]]
    now_moves = {"verify_exp": False, "verify_iat": False}  # the service's clock runs ahead of ours by now
    read = jwt.decode(
        tokens.id_token,
        key,
        algorithms=found.id_token_signing_alg_values_supported,
        audience=service.ids["appId"],
        issuer=found.issuer,
        options=now_moves,  # type: ignore[arg-type] # typed as the library's own TypedDict
    )
    assert (read["sub"], read["phone_number"], read["gender"]) == (person.user_id, person.phone, "U")
    assert read["nickname"] is None
    assert read["exp"] - read["iat"] == 7_200


def test_discovery_names_what_is_there_and_nothing_else(service: Service):
    found = service.client().openid_configuration()
    assert found.issuer == f"{service.url}/oidc"
    for url in (
        found.jwks_uri,
        found.userinfo_endpoint,
        found.token_endpoint,
        found.revocation_endpoint,
        found.introspection_endpoint,
    ):
        assert service.http.get(str(url)).status_code != 404
    assert found.grant_types_supported == ["refresh_token", "client_credentials"]
    assert found.authorization_endpoint is None
    assert {"phone_number", "amr"} <= set(found.claims_supported or [])
