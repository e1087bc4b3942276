"""The link that verifies an address: what looks at it changes nothing, the button spends it once. Both databases."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.journeys.hands import check, key, send, texts
from tests.service import LOGIN, Person, Service

PASSWORD = "a horse of one's own"
RESET = "CHANNEL_RESET_PASSWORD"
LINK = "CHANNEL_VERIFY_EMAIL_LINK"
OUTSIDE = re.compile(r"""(?:src|href|action|url)\s*[=(]\s*["']?(?:https?:)?//""", re.IGNORECASE)


def link_of(person: Person, *, count: int = 1) -> str:
    """Have a link sent, and take it out of the mail: path and query."""
    send(person.service.client(), LINK, person.email)
    mail = person.service.message(person.email, LINK, count=count)
    assert mail["code"] is None
    [found] = re.findall(r"https?://\S+", mail["text"])
    url = urlsplit(found)
    assert f"{url.scheme}://{url.netloc}" == person.service.url
    return f"{url.path}?{url.query}"


def token_of(link: str) -> str:
    return parse_qs(urlsplit(link).query)["token"][0]


def press(service: Service, link: str, lang: str = "en-US"):
    return service.http.post("/verify-email", data={"token": token_of(link), "lang": lang})


def verified(person: Person) -> bool:
    return person.client.get_profile().data.email_verified


def test_a_preview_spends_nothing_and_the_button_does(service: Service):
    ann = service.person(email_verified=False)
    link = link_of(ann)
    for _ in range(3):
        assert service.http.get(link).status_code == 200
        assert service.http.head(link).status_code == 200
    assert not verified(ann)
    page = service.http.get(link).text
    assert '<form method="post"' in page
    assert "p****@example.com" in page
    assert ann.email not in page
    assert press(service, link).status_code == 200
    assert verified(ann)
    assert press(service, link).status_code == 410, "once"
    assert service.http.get(link).status_code == 200, "looking at it still asks nobody"


@pytest.mark.parametrize(
    ("lang", "asks", "done", "over"),
    [
        ("zh-CN", "验证此邮箱", "邮箱已验证", "链接已失效"),
        ("en-US", "Verify this address", "Your address is verified", "has expired"),
    ],
)
def test_the_page_is_safe_and_speaks_both_languages(
    service: Service, lang: str, asks: str, done: str, over: str
):
    ann = service.person(email_verified=False)
    link = link_of(ann).replace("lang=en-US", f"lang={lang}")
    shown = service.http.get(link)
    said = [(shown, asks), (press(service, link, lang), done), (press(service, link, lang), over)]
    for answer, words in said:
        assert words in answer.text
        assert f'<html lang="{lang}">' in answer.text
        assert not OUTSIDE.search(answer.text)
        assert "<script" not in answer.text
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    style = service.http.get("/verify-email.css")
    assert style.headers["content-type"].startswith("text/css")
    assert "url(" not in style.text


def test_what_is_no_link_opens_nothing(service: Service):
    ann = service.person(email_verified=False)
    token = token_of(link_of(ann))
    flipped = token[:40] + ("A" if token[40] != "A" else "B") + token[41:]
    for forged in ("", "x", token[:-4], flipped, token + "AAAA", "A" * 5_000, "é", "<script>"):
        assert service.http.get("/verify-email", params={"token": forged}).status_code == 410
        answer = service.http.post("/verify-email", data={"token": forged})
        assert answer.status_code == 410
        assert "<script>" not in answer.text
    assert service.http.post("/verify-email", content=b"\xff\xfe").status_code == 410
    assert service.http.put("/verify-email").status_code == 405
    assert not verified(ann)


def test_a_link_ends_and_dies_with_the_address(service: Service):
    ann, ben = service.person(email_verified=False), service.person(email_verified=False)
    link, of_ben = link_of(ann), link_of(ben)
    service.advance(minutes=14, seconds=50)
    service.management.update_user(ben.user_id, email=service.address())
    assert press(service, of_ben).status_code == 410, "the address left the account"
    service.management.update_user(ben.user_id, email=ben.email)
    assert press(service, of_ben).status_code == 410, "and came back as another one"
    service.advance(10)
    assert press(service, link).status_code == 410
    assert not verified(ann)
    assert press(service, link_of(ann, count=2)).status_code == 200


def test_nothing_is_told_of_who_has_an_account_and_no_digits_open_it(service: Service):
    nobody = service.address()
    send(service.client(), LINK, nobody)
    assert not texts(service, nobody, LINK)
    ann = service.person(email_verified=False)
    link = link_of(ann)
    for guess in ("000000", "123456"):
        assert not check(service.client(), LINK, ann.email, guess)
    assert press(service, link).status_code == 200, "nobody can guess a link dead"


def test_a_verified_address_proves_its_owner_elsewhere(service: Service):
    """Verified by link, the address is a way in that is kept: the phone may go."""
    ann = service.person(email_verified=False)
    assert press(service, link_of(ann)).status_code == 200
    send(service.client(), LOGIN, ann.email)
    assert service.code(ann.email, LOGIN)
    rows = service.management.list_audit_events(user_id=ann.user_id, event="email_verified").data.list
    assert len(rows) == 1


def test_who_signed_up_with_a_password_keeps_it_by_the_link(service: Service):
    """The common case: sign up, open the mail in the same browser, press the button; nobody is signed out by it."""
    client, address = service.client(), service.address()
    client.sign_up_by_email_password(address, PASSWORD)
    tokens = client.sign_in_by_email_password(address, PASSWORD).data
    ann = Person(service, "", "", PASSWORD, address, None, client.with_access_token(tokens.access_token))
    assert press(service, link_of(ann)).status_code == 200
    assert verified(ann)
    assert client.sign_in_by_email_password(address, PASSWORD).data.access_token


@pytest.mark.parametrize(
    ("lang", "mail", "page"), [("en-US", "Do not press", "omeone else"), ("zh-CN", "请勿按", "他人")]
)
def test_who_did_not_sign_up_is_warned_off_the_button(service: Service, lang: str, mail: str, page: str):
    """It would leave a stranger's password as it is (ADR 0012): the mail says so, and the page before and after it."""
    client, address = service.client(lang=lang), service.address()
    client.sign_up_by_email_password(address, PASSWORD)
    send(client, LINK, address)
    text = service.message(address, LINK)["text"]
    assert mail in text
    [link] = re.findall(r"https?://\S+", text)
    assert page in service.http.get(link).text
    assert page in press(service, link, lang).text
    send(client, RESET, address)
    payload = {"email": address, "passCode": service.code(address, RESET)}
    granted = client.verify_reset_password_request("EMAIL_PASSCODE", email_pass_code_payload=payload)
    client.reset_password("the owner's own words", granted.data.password_reset_token)
    assert key(client.sign_in_by_email_password, address, PASSWORD) == "wrong_credentials", "as the page said"


def test_ghsa_2wmj_a_forged_host_stands_in_no_link(service: Service):
    """Row 84: the link names the configured URL, whatever host a request says it came to."""
    ann = service.person(email_verified=False)
    forged = {
        "x-forwarded-host": "evil.example",
        "forwarded": "host=evil.example",
        "origin": "https://evil.example",
    }
    asked = service.http.post(
        "/api/v3/send-email",
        json={"channel": LINK, "email": ann.email},
        headers={"x-authing-app-id": service.ids["appId"], **forged},
    )
    assert asked.json()["statusCode"] == 200
    mail = service.message(ann.email, LINK)
    assert "evil" not in str(mail)
    assert f"{service.url}/verify-email?" in mail["text"]
