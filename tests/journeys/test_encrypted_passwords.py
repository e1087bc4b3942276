"""Passwords that a client encrypted on their way: RSA and SM2, by the keys of `GET /api/v3/system`."""

import base64
import secrets
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from genauth.AuthenticationClient import AuthenticationClient as Genauth

from ostiary import AsyncAuthenticationClient
from ostiary.contract.keys import Key
from ostiary.server.core import sm2
from tests.journeys.hands import key, refusal
from tests.service import Service

PASSWORD = "正确的 horse battery"


def by_rsa(pem: str, password: str) -> str:
    """As the incumbent's Android and web clients do it: PKCS#1 v1.5, base64."""
    public = load_pem_public_key(pem.encode())
    assert isinstance(public, rsa.RSAPublicKey)
    assert public.key_size == 2_048
    return base64.b64encode(public.encrypt(password.encode(), padding.PKCS1v15())).decode()


def by_sm2(public: str, password: str) -> str:
    """The password's base64, C1C2C3, hex."""
    assert len(public) == 130
    point = sm2.Point(int(public[2:66], 16), int(public[66:], 16))
    chance = secrets.randbelow(sm2.N - 1) + 1
    blinding = secrets.token_bytes(sm2.BLINDING_BYTES)
    return sm2.encrypt(point, base64.b64encode(password.encode()), chance, blinding).hex()


def encrypted(service: Service, kind: str, password: str) -> str:
    system = service.client().get_system_info()
    if kind == "rsa":
        return by_rsa(system.rsa.public_key, password)
    return by_sm2(system.sm2.public_key, password)


def options(kind: str) -> dict[str, Any]:
    return {"passwordEncryptType": kind}


@pytest.mark.parametrize("kind", ["rsa", "sm2"])
def test_registering_and_signing_in_with_an_encrypted_password(service: Service, kind: str):
    name = f"sealed{secrets.token_hex(4)}"
    client = service.client()
    client.sign_up_by_username_password(name, encrypted(service, kind, PASSWORD), options=options(kind))
    for way, text in (
        (kind, encrypted(service, kind, PASSWORD)),
        ("none", PASSWORD),
    ):
        tokens = client.sign_in_by_username_password(name, text, options=options(way)).data
        assert client.with_access_token(tokens.access_token).get_profile().data.username == name
    service.management.update_user(
        client.with_access_token(tokens.access_token).get_profile().data.user_id,
        password=encrypted(service, kind, "another horse"),
        options=options(kind),
    )
    assert client.sign_in_by_username_password(name, "another horse").data.access_token


@pytest.mark.parametrize(
    "password",
    ["horse 👩\u200d💻 staple", "horse\u3000staple", "horse \U0001fae9 staple", "horse\u00a0\uf8ff staple"],
)
def test_a_password_that_is_good_in_clear_is_good_encrypted(service: Service, password: str):
    """Joined emoji, an ideographic space, an emoji newer than this Python, an Apple's sign: what keyboards type."""
    name, client = f"sealed{secrets.token_hex(4)}", service.client()
    client.sign_up_by_username_password(name, password)
    for kind in ("rsa", "sm2"):
        text = encrypted(service, kind, password)
        assert client.sign_in_by_username_password(name, text, options=options(kind)).data.access_token


def test_no_password_has_a_control_character_whichever_way_it_comes(service: Service):
    person = service.person()
    refused = refusal(person.client.update_password, "correct\thorse", person.password)
    assert (refused.status_code, refused.data) == (400, {"field": "newPassword"})
    for kind in ("rsa", "sm2"):
        text = encrypted(service, kind, "correct\thorse")
        old = encrypted(service, kind, person.password)
        changed = refusal(person.client.update_password, text, old, password_encrypt_type=kind)
        assert changed.key == Key.PASSWORD_NOT_DECRYPTED


@pytest.mark.parametrize("kind", ["rsa", "sm2"])
def test_what_does_not_decrypt_looks_like_a_wrong_password(service: Service, kind: str):
    person = service.person(sign_in=False)
    client = service.client()
    wrong = refusal(client.sign_in_by_username_password, person.username, "wrong password")
    right = encrypted(service, kind, person.password)
    turned = (
        ("B" if right[0] == "A" else "A") + right[1:]
        if kind == "rsa"
        else right[:-1] + f"{15 - int(right[-1], 16):x}"
    )
    for text in (
        turned,
        "no ciphertext at all",
        "",
        "QUJD",
        "AA" * 128,
        encrypted(service, kind, "wrong password"),
        person.password,
    ):
        if not text:
            continue
        refused = refusal(client.sign_in_by_username_password, person.username, text, options=options(kind))
        assert (refused.key, refused.message, refused.data) == (wrong.key, wrong.message, wrong.data)
    nobody = refusal(client.sign_in_by_username_password, "nobody at all", right, options=options(kind))
    assert (nobody.key, nobody.message) == (wrong.key, wrong.message)


@pytest.mark.parametrize("kind", ["rsa", "sm2"])
def test_a_password_to_set_that_does_not_decrypt_is_refused_with_what_to_do(service: Service, kind: str):
    refused = refusal(
        service.client().sign_up_by_username_password,
        f"sealed{secrets.token_hex(4)}",
        "no ciphertext at all",
        options=options(kind),
    )
    assert (refused.key, refused.api_code) == (Key.PASSWORD_NOT_DECRYPTED, 2016)
    short = encrypted(service, kind, "short")
    name = f"sealed{secrets.token_hex(4)}"
    assert key(service.client().sign_up_by_username_password, name, short, options=options(kind)) == (
        Key.PASSWORD_TOO_SHORT
    )


async def test_an_async_client_reads_the_same_keys(service: Service):
    async with AsyncAuthenticationClient(service.ids["appId"], service.url) as client:
        system = await client.get_system_info()
    assert system.rsa.public_key == service.client().get_system_info().rsa.public_key
    assert system.version.server


def test_genauth_reads_the_keys_as_a_bare_object(service: Service):
    client = Genauth(app_id=service.ids["appId"], app_host=service.url, app_secret=service.ids["appSecret"])
    system = client.get_system_info()
    assert set(system) == {"rsa", "sm2", "version", "publicIps"}
    name = f"sealed{secrets.token_hex(4)}"
    made = client.sign_up_by_username_password(
        name, by_rsa(system["rsa"]["publicKey"], PASSWORD), options={**options("rsa"), "context": None}
    )
    assert made["statusCode"] == 200
    tokens = client.sign_in_by_username_password(
        name, by_sm2(system["sm2"]["publicKey"], PASSWORD), options=options("sm2")
    )
    assert tokens["data"]["access_token"]


def test_passwords_that_everybody_uses_are_refused(service: Service):
    client = service.client()
    for password in ("Password1", "qwertyuiop", "ｉｌｏｖｅｙｏｕ１"):
        refused = refusal(client.sign_up_by_username_password, f"new{secrets.token_hex(4)}", password)
        assert (refused.key, refused.api_code) == (Key.PASSWORD_COMMON, 2061)
    assert (
        key(service.management.create_user, username="longname", password="longname12") == Key.PASSWORD_COMMON
    )
    with service.settings(passwordMinLength=16, refuseCommonPasswords=False):
        refused = refusal(client.sign_up_by_username_password, "somebody new", "fifteen letters")
        assert refused.key == Key.PASSWORD_TOO_SHORT
        assert refused.data == {"field": "password", "minLength": 16}


def test_one_password_on_every_keyboard(service: Service):
    """NFKC: full-width letters and composed accents are the same password."""
    name = f"wide{secrets.token_hex(4)}"
    client = service.client()
    client.sign_up_by_username_password(name, "ｃａｆé ｍｏｎｄｅ")
    for typed in ("café monde", "cafe\u0301 monde"):
        assert client.sign_in_by_username_password(name, typed).data.access_token
    assert key(client.sign_in_by_username_password, name, "Café monde") == Key.WRONG_CREDENTIALS


def test_no_password_is_a_number_or_address_that_the_account_gets(service: Service):
    """However it is spaced, wherever in the form it stands, and whoever sets it."""
    client, number, address = service.client(), service.number(), service.address()
    national = number.removeprefix("+86")
    spaced = f"{national[:3]}-{national[3:7]} {national[7:]}"
    completed = {
        "phonePassCodeForInformationCompletion": "123456",
        "emailPassCodeForInformationCompletion": "123456",
    }
    for password in (national, spaced, f"0086{national}", address, address.partition("@")[0]):
        refused = refusal(
            client.sign_up,
            "PASSWORD",
            password_payload={"username": f"n{secrets.token_hex(4)}", "password": password},
            profile={"phone": national, "email": address},
            options=completed,
        )
        assert refused.key == Key.PASSWORD_COMMON, password
    person = service.person()
    for call in (
        lambda: service.management.create_user(phone=spaced, password=national),
        lambda: service.management.update_user(person.user_id, phone=spaced, password=spaced),
        lambda: service.management.update_user(person.user_id, password=person.national),
        lambda: person.client.update_password(person.national, person.password),
    ):
        assert key(call) == Key.PASSWORD_COMMON
