"""Text that is allowed and nasty, in every field that takes text, on both databases: served or refused, never 5xx."""

import base64
import json
from typing import Any

import pytest

from ostiary.contract.operation import Operation, Who
from ostiary.server.storage import guesses
from tests.attacks.edge import JSON, Ask, Edge
from tests.attacks.spots import JSON_FORMS, TEXT_FORMS, Spot, longest, spots

NASTY = {
    "grows eighteenfold in NFKC": "\ufdfa",
    "grows fivefold in NFKC, no two alike": "".join(map(chr, range(0x3300, 0x3357))),
    "grows threefold in lower case": "\u0390\u1fb7\ufb03",
    "four bytes a character": "\U0001f3f4\U000e0067",
    "combining marks": "e\u0301\u0316\u0317",
    "right to left": "\u202e\u2066abc\u05d0",
    "noncharacters": "\uffff\ufffe\U0010ffff",
    "control characters": "\x01\x08\x1b\x7f\x85",
    "lines": "a\r\nset-cookie: a=b\r\n\r\n",
    "SQL": "'; DROP TABLE users; --%_\\",
    "PostgreSQL's own": "$1 :name %s E'\\\\x' ::int",
    "templates": "{field}{0.__class__}%(x)s{{7*7}}${jndi:x}",
    "markup": "<script>alert(1)</script>&amp;",
    "JSON": '{"a":"\\u0000"}',
    "only spaces": " \t\u3000\u00a0",
    "invisible": "\u200b\u2060\ufeff",
    "dotless and sharp": "\u0130\u0131\u00df\u1e9e",
}
"""Each is repeated until the field is full."""


def nasty(spot: Spot) -> list[str]:
    """As long as the field allows (a token or text of its own kind is no use to anybody: a few are enough)."""
    most = longest(spot)
    assert most is not None
    return [(text * (most // len(text) + 1))[:most] for text in NASTY.values()] + [
        "0",
        "-1",
        "null",
        "\u0661" * 11,
    ]


def asks(edge: Edge, op: Operation) -> list[Ask]:
    headers = {"x-authing-app-id": edge.tenant.app_id, "content-type": JSON}
    if op.who is Who.USER:
        headers["authorization"] = edge.person().access_token
    if op.who is Who.MANAGEMENT:
        headers = {"authorization": edge.manager(), "content-type": JSON}
    found = []
    for spot in spots(op):
        if longest(spot) is None:
            continue
        for number, text in enumerate(nasty(spot)):
            form = spot.form(text)
            if op.name == "create_user" and spot.name != "externalId":
                form["externalId"] = f"{spot.dotted} {number}"
                form = {
                    name: value for name, value in form.items() if name != "username" or spot.name == name
                }
            if op.name == "sign_up" and spot.path[0] != "passwordPayload" and number:
                # The way that computes no hash of a password; the first of each field goes the other way.
                form = {
                    "passCodePayload": {"phone": "1", "passCode": "1234"},
                    **form,
                    "connection": "PASSCODE",
                }
            found.append(Ask("POST", op.path, json.dumps(form, ensure_ascii=False).encode(), headers=headers))
    return found


def served(answer: Any) -> bool:
    said = answer.json
    return (
        answer.status == 200
        and (said["statusCode"] < 500 or said["statusCode"] == 501)
        and "requestId" in said
    )


@pytest.mark.parametrize("op", JSON_FORMS, ids=lambda op: op.name)
def test_nasty_text_is_served_or_refused(edge: Edge, op: Operation):
    made = asks(edge, op)
    for ask, answer in zip(made, edge.many(made), strict=True):
        assert served(answer), (ask.body[:300], answer.body[:300])


@pytest.mark.parametrize("op", TEXT_FORMS, ids=lambda op: op.name)
def test_nasty_text_in_queries_and_forms(edge: Edge, op: Operation):
    from urllib.parse import urlencode

    headers = {"authorization": edge.manager()} if op.who is Who.MANAGEMENT else {}
    if op.who is Who.USER:
        headers = {"authorization": edge.person().access_token}
    for spot in spots(op):
        for text in nasty(spot) if longest(spot) else ():
            pairs = urlencode(spot.form(text)).encode()
            if op.method == "GET":
                answer = edge.raw("GET", op.path, query=pairs, headers=headers)
            else:
                stated = {"content-type": "application/x-www-form-urlencoded"}
                answer = edge.raw("POST", op.path, pairs, headers={**stated, **headers})
            said = answer.json or {}
            assert answer.status < 500, (pairs[:200], answer.body[:200])
            assert said.get("statusCode", 200) < 500 or said["statusCode"] == 501


def test_what_nasty_people_are_called_can_be_read_back(edge: Edge):
    """Everybody made so far, by every name they have: nothing that was let in is out of reach."""
    manager = edge.manager()
    wanted = ["x" * 256, "\ufdfa" * 14, "\U0001f600" * 256, "a'b\"c\\", "<b>", "\u0130", "\u1e9e\u00df"]
    for name in wanted:
        made = edge.ask(
            "/api/v3/create-user", {"username": name, "name": name, "customData": {name: name}}, manager
        )
        assert made.verdict in {200, 2034}, made.body
    page, seen = 1, 0
    while True:
        options = {"pagination": {"page": page, "limit": 50}, "withCustomData": True}
        said = edge.ask("/api/v3/list-users", {"options": options}, manager).json
        assert said["statusCode"] == 200
        for user in said["data"]["list"]:
            for kind, name in (
                ("user_id", "userId"),
                ("username", "username"),
                ("external_id", "externalId"),
            ):
                if name in user:
                    query = _query(userId=user[name], userIdType=kind)
                    found = edge.raw(
                        "GET", "/api/v3/get-user", query=query, headers={"authorization": manager}
                    ).json
                    assert found["data"]["userId"] == user["userId"], (kind, user[name])
        seen += len(said["data"]["list"])
        if not said["data"]["list"]:
            break
        page += 1
    assert seen == said["data"]["totalCount"]


def _query(**pairs: str) -> bytes:
    from urllib.parse import urlencode

    return urlencode(pairs).encode()


def test_a_user_name_is_not_longer_than_it_may_be_typed(edge: Edge):
    """NFKC makes eighteen characters of one: what would be shown could not be signed in with."""
    manager = edge.manager()
    for path, form in (
        ("/api/v3/create-user", {"username": "\ufdfa" * 15}),
        (
            "/api/v3/signup",
            {"connection": "PASSWORD", "passwordPayload": {"username": "\ufdfa" * 15, "password": "x" * 9}},
        ),
    ):
        said = edge.ask(path, form, manager if "user" in path else None).json
        assert (said["statusCode"], said["data"]) == (400, {"field": "username"}), said


@pytest.mark.parametrize("pair", ["a\x00b:secret", "a:sec\x00ret", "\x00:", "a\nb:c", "a\x7f:b", "\ud800:x"])
@pytest.mark.parametrize("path", ["/oidc/token", "/oidc/token/revocation", "/api/v3/signin"])
def test_a_clients_name_with_control_characters_is_no_name(edge: Edge, pair: str, path: str):
    """A NUL in HTTP Basic went as far as PostgreSQL, which has no such text."""
    basic = "Basic " + base64.b64encode(pair.encode("utf-8", "surrogatepass")).decode()
    form = {"connection": "PASSWORD", "passwordPayload": {"account": "x", "password": "y"}}
    body = json.dumps({**form, "grant_type": "refresh_token", "refresh_token": "x", "token": "x"}).encode()
    answer = edge.raw("POST", path, body, headers={"content-type": JSON, "authorization": basic})
    assert answer.json.get("statusCode", answer.status) in {401, 404}


def test_full_width_digits_are_digits_and_other_scripts_digits_are_not(edge: Edge):
    number = edge.number()
    wide = number.translate({ord(str(digit)): 0xFF10 + digit for digit in range(10)})
    arabic = number.translate({ord(str(digit)): 0x0660 + digit for digit in range(10)})
    bengali = number.translate({ord(str(digit)): 0x09E6 + digit for digit in range(10)})
    assert edge.ask("/api/v3/send-sms", {"channel": "CHANNEL_LOGIN", "phoneNumber": number}).verdict == 200
    again = {"channel": "CHANNEL_LOGIN", "phoneNumber": wide, "phoneCountryCode": "\uff0b\uff18\uff16"}
    assert edge.ask("/api/v3/send-sms", again).verdict == 4004
    for other in (
        arabic,
        bengali,
        number[:-1] + "\u0663",
        number[:-1] + "\u00b2" * 12,
        number[:-1] + "\u2460x",
    ):
        said = edge.ask("/api/v3/send-sms", {"channel": "CHANNEL_LOGIN", "phoneNumber": other}).json
        assert (said["apiCode"], said["data"]["field"]) == (2028, "phoneNumber"), other
        look = {
            "phone": number,
            "passCode": "\u0661\u0662\u0663\u0664\u0665\u0666",
            "channel": "CHANNEL_LOGIN",
        }
        said = edge.ask("/api/v3/pre-check-code", {"codeType": "SMS", "smsCodePayload": look}).json
        assert (said["statusCode"], said["data"]["field"]) == (400, "passCode")
    paid = "SELECT count(*) FROM guess_counters WHERE subject = :subject AND guesses <> '[]'"
    assert edge.all(paid, subject=guesses.of_number(f"+86{number}"))[0][0] == 0
