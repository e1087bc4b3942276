"""Applications: an administrator makes, changes and deletes them, and their sessions follow at once."""

import asyncio

import genauth
import pytest

from ostiary import AsyncManagementClient, AuthenticationClient, compat
from ostiary.client import errors
from tests.service import Person, Service


def client_of(service: Service, app_id: str, **options: object) -> AuthenticationClient:
    return AuthenticationClient(app_id, service.url, lang="en-US", http_client=service.http, **options)  # type: ignore[arg-type]


def signed_in(client: AuthenticationClient, who: Person) -> AuthenticationClient:
    scope = {"scope": "openid offline_access"}
    tokens = client.sign_in_by_username_password(who.username, who.password, options=scope).data
    return client.with_access_token(tokens.access_token)


def test_an_application_from_its_making_to_its_end(service: Service):
    admin, who = service.management, service.person(sign_in=False)
    made = admin.create_application("Shop", redirect_uris=["https://shop.example/cb"], session_life=600).data
    assert (made.app_name, made.default_protocol, made.session_life) == ("Shop", "oidc", 600)
    assert admin.get_application(made.app_id).data == made
    listed = admin.list_applications(limit=50).data
    assert made.app_id in {app.app_id for app in listed.list}
    assert listed.total_count >= 2

    secret = admin.get_application_secret(made.app_id).data.secret
    client = client_of(service, made.app_id, app_secret=secret)
    session = signed_in(client, who)
    assert session.get_profile().data.user_id == who.user_id
    mine = {app.app_id: app for app in session.get_accessible_apps().data}
    assert mine[made.app_id].app_login_url == "https://shop.example/cb"

    other = admin.refresh_application_secret(made.app_id).data.secret
    assert other != secret
    assert admin.get_application_secret(made.app_id).data.secret == other
    with pytest.raises(errors.ClientAuthenticationError):
        signed_in(client, who)
    client = client_of(service, made.app_id, app_secret=other)
    signed_in(client, who)

    changed = admin.update_application(
        made.app_id, app_name="Market", self_service=False, redirect_uris=[]
    ).data
    assert (changed.app_name, changed.self_service, changed.redirect_uris) == ("Market", False, [])
    with pytest.raises(errors.PermissionDenied):
        session.unbind_phone("123456")

    assert admin.delete_application(made.app_id).data.success
    with pytest.raises(errors.NotLoggedIn):
        session.get_profile()
    with pytest.raises(errors.NotFound):
        signed_in(client, who)
    for asked in (admin.get_application, admin.delete_application, admin.get_application_secret):
        with pytest.raises(errors.NotFound) as gone:
            asked(made.app_id)
        assert gone.value.key == "app_not_found"
    assert admin.get_user(who.user_id).data.user_id == who.user_id


def test_a_public_client_has_no_use_for_a_secret(service: Service):
    admin, who = service.management, service.person(sign_in=False)
    with pytest.raises(errors.ParameterError) as caught:
        admin.create_application("Spa", token_endpoint_auth_method="none", signing_alg="HS256")
    assert caught.value.field == "signingAlg"
    made = admin.create_application("Spa", token_endpoint_auth_method="none").data
    signed_in(client_of(service, made.app_id), who)
    with pytest.raises(errors.ParameterError) as caught:
        admin.update_application(made.app_id, client_credentials_scopes=["orders"])
    assert caught.value.field == "clientCredentialsScopes"
    with pytest.raises(errors.ParameterError) as caught:
        admin.update_application(made.app_id, redirect_uris=["https://a.example", "javascript:alert(1)"])
    assert (caught.value.field, caught.value.data["path"]) == ("redirectUris", "redirectUris.1")
    assert admin.get_application(made.app_id).data == made
    admin.delete_application(made.app_id)


def test_tokens_are_signed_as_the_application_says(service: Service):
    admin, who = service.management, service.person(sign_in=False)
    made = admin.create_application("Es", token_endpoint_auth_method="none", signing_alg="ES256").data
    session = signed_in(client_of(service, made.app_id), who)
    assert session.get_profile().data.user_id == who.user_id
    admin.delete_application(made.app_id)


def test_what_is_not_served_of_the_incumbents_form_is_said(service: Service):
    with pytest.raises(errors.NotServed) as caught:
        service.management.create_application("Shop", saml_config={"a": 1})
    assert caught.value.field == "samlConfig"


def test_for_tasks(service: Service):
    async def story() -> int:
        ids = service.ids
        async with AsyncManagementClient(ids["accessKeyId"], ids["accessKeySecret"], service.url) as admin:
            made = (await admin.create_application("Tasks")).data
            secrets = await asyncio.gather(*(admin.refresh_application_secret(made.app_id) for _ in range(8)))
            last = (await admin.get_application_secret(made.app_id)).data.secret
            assert last in {one.data.secret for one in secrets}
            await admin.delete_application(made.app_id)
            return len({one.data.secret for one in secrets})

    assert asyncio.run(story()) == 8


@pytest.mark.parametrize("library", [genauth, compat], ids=["genauth", "compat"])
def test_a_program_of_the_incumbents(service: Service, library):
    ids = service.ids
    admin = library.ManagementClient(
        access_key_id=ids["accessKeyId"],
        access_key_secret=ids["accessKeySecret"],
        host=service.url,
        lang="en-US",
    )
    made = admin.create_application("Theirs", app_type="web", default_protocol="oidc")["data"]
    assert admin.get_application(made["appId"])["data"] == made
    assert made["appId"] in {app["appId"] for app in admin.list_applications(limit=50)["data"]["list"]}
    secret = admin.get_application_secret(made["appId"])["data"]["secret"]
    assert admin.refresh_application_secret(made["appId"])["data"]["secret"] != secret
    assert admin.create_application("Spa", app_type="spa")["statusCode"] == 501
    assert admin.delete_application(made["appId"])["data"] == {"success": True}
    assert admin.get_application(made["appId"])["apiCode"] == 2011
