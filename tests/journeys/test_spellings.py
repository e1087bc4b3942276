"""One mailbox, one account, however its address is typed; and names that nobody can tell apart are nobody's."""

import secrets

import pytest

from ostiary.contract.keys import Key
from tests.journeys.hands import key, refusal, send, texts
from tests.service import BIND, LOGIN, REGISTER, UNBIND, UPDATE_EMAIL, Service

PASSWORD = "a horse of one's own"


def spellings(host: str) -> list[str]:
    """One domain as it may be typed, `host` being one label of it."""
    marks = ("\u00ad", "\u034f", "\u180b", "\ufe00", "\ufe01", "\ufe0f")
    return [
        *(f"stra{mark}ße.{host}.example" for mark in marks),
        f"STRAẞE。{host}｡example",
        f"xn--strae-oqa.{host}.example",
        f"XN--STRAE-OQA.{host}.EXAMPLE",
    ]


def test_every_spelling_of_an_address_has_one_limit_one_code_and_one_account(service: Service):
    client, host = service.client(), f"h{secrets.token_hex(4)}"
    stored = f"kim@xn--strae-oqa.{host}.example"
    send(client, REGISTER, f"kim@straße.{host}.example")
    for domain in spellings(host):
        assert key(client.send_email, REGISTER, f"Kim@{domain}") == "email_too_often"
    made = client.sign_up_by_email_passcode(f"kim@straße.{host}.example", service.code(stored, REGISTER)).data
    assert (made.email, made.email_verified) == (stored, True)
    for domain in spellings(host):
        assert key(client.sign_up_by_email_password, f"kim@{domain}", PASSWORD) == Key.EMAIL_TAKEN
    assert (
        service.management.get_user(f"kim@straße.{host}.example", user_id_type="email").data.user_id
        == made.user_id
    )


def test_what_only_looks_like_an_address_is_another_mailbox(service: Service):
    """ß is no ss: who has `strasse.example` reads nothing that was meant for `straße.example`."""
    host = f"h{secrets.token_hex(4)}"
    boss = service.management.create_user(email=f"boss@straße.{host}.example", email_verified=True).data
    send(service.client(), LOGIN, f"boss@straße.{host}.example")
    [told] = texts(service, f"boss@xn--strae-oqa.{host}.example", LOGIN)
    assert told
    assert not texts(service, f"boss@strasse.{host}.example", LOGIN)
    assert boss.email == f"boss@xn--strae-oqa.{host}.example"


@pytest.mark.parametrize(
    "domain",
    [
        "evil.example/claim?id=7",
        "您的账户已被盗，请立即打开evil.example",
        "evil.example#x",
        "ex\u1806ample.net",
        "❤\u0301.net",
    ],
)
def test_a_domain_holds_nothing_but_its_labels(service: Service, domain: str):
    for refused in (
        refusal(service.client().send_email, LOGIN, f"x@{domain}"),
        refusal(service.client().sign_up_by_email_password, f"x@{domain}", PASSWORD),
    ):
        assert (refused.key, refused.data) == (Key.BAD_CONTACT, {"field": "email"})


def test_a_stranger_s_words_stand_in_no_mail_to_somebody_who_was_only_named(service: Service):
    """Who signs up with another one's address writes to them in our name: so that mail names no new address."""
    bystander, own = service.address(), service.person()
    client = service.client()
    client.sign_up_by_email_password(bystander, PASSWORD)
    tokens = client.sign_in_by_email_password(bystander, PASSWORD).data
    stranger = client.with_access_token(tokens.access_token)
    for who, address, named in ((stranger, bystander, False), (own.client, own.email, True)):
        lure = f"x@call-0800-now-{secrets.token_hex(4)}.example"
        send(who, UPDATE_EMAIL, lure)
        send(who, UPDATE_EMAIL, address)
        mail = service.message(address, UPDATE_EMAIL)["text"]
        assert ("call-0800-now" in mail) is named


def test_a_number_that_an_administrator_set_is_told_which_one_is_wanted_instead(service: Service):
    """A masked number says nothing but digits: its owner is warned, whoever set the old one (phone-change.md §4)."""
    ann = service.person()
    service.management.update_user(ann.user_id, phone_verified=False)
    new = service.number()
    send(ann.client, BIND, new)
    send(ann.client, UNBIND, str(ann.phone))
    assert new[-4:] in service.message(str(ann.phone), UNBIND)["text"]


@pytest.mark.parametrize("sign", ["\ufe0f", "\u034f", "\u3164", "\u115f", "\u2800"])
def test_a_user_name_is_seen_as_a_whole(service: Service, sign: str):
    person, client = service.person(), service.client()
    for name in (sign, f"{person.username}{sign}", f"{sign}{person.username}"):
        for refused in (
            refusal(client.sign_up_by_username_password, name, PASSWORD),
            refusal(person.client.update_profile, username=name),
            refusal(service.management.create_user, username=name),
        ):
            assert (refused.status_code, refused.data) == (400, {"field": "username"})


def test_an_unproven_address_hides_no_user_name(service: Service):
    """Anybody may name an address at sign-up; once it is proven it goes before a user name that is spelt alike."""
    client, name = service.client(), service.address()
    stranger = client.sign_up_by_email_password(name, PASSWORD).data
    alice = service.management.create_user(username=name, password="the words of alice").data

    def comes_in(password: str) -> str:
        tokens = client.sign_in_by_account_password(name, password).data
        return str(client.with_access_token(tokens.access_token).get_profile().data.user_id)

    assert comes_in("the words of alice") == alice.user_id
    assert key(client.sign_in_by_account_password, name, PASSWORD) == Key.WRONG_CREDENTIALS
    assert client.sign_in_by_email_password(name, PASSWORD).data.access_token
    service.management.update_user(stranger.user_id, email_verified=True)
    assert comes_in(PASSWORD) == stranger.user_id
    assert client.sign_in_by_username_password(name, "the words of alice").data.access_token


def test_nobody_calls_themselves_like_somebody_else_s_address(service: Service):
    """It would be what `account` means then: the address is unproven, as it is after any sign-up with a password."""
    client, address = service.client(), service.address()
    user = client.sign_up_by_email_password(address, PASSWORD).data
    assert key(client.sign_up_by_username_password, address.upper(), PASSWORD) == Key.USERNAME_TAKEN
    stranger = service.person()
    assert key(stranger.client.update_profile, username=address) == Key.USERNAME_TAKEN
    tokens = client.sign_in_by_account_password(address, PASSWORD).data
    owner = client.with_access_token(tokens.access_token)
    assert owner.update_profile(username=address).data.user_id == user.user_id
    assert owner.update_profile(username=address, nickname="Ann").data.nickname == "Ann"


def test_nobody_s_unproven_address_is_somebody_else_s_user_name(service: Service):
    client, name = service.client(), service.address()
    client.sign_up_by_username_password(name, PASSWORD)
    assert key(client.sign_up_by_email_password, name.upper(), PASSWORD) == Key.EMAIL_TAKEN
    send(client, REGISTER, name)
    owner = client.sign_up_by_email_passcode(name, service.code(name, REGISTER)).data
    assert owner.email_verified, "who reads its mail is its owner, whatever others are called"
