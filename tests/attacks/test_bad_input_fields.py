"""Every field of every operation, wrong in every way: told by its name, and nothing is stored (issue 3, item 1).

The cases are made from the Structs themselves, so an operation that is added is attacked from its first day.
"""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from msgspec import inspect

from ostiary.contract.errors import CATALOGUE
from ostiary.contract.keys import Key
from ostiary.contract.operation import Kind, Operation, Who
from tests.attacks.edge import JSON, Answer, Ask, Edge
from tests.attacks.spots import JSON_FORMS, TEXT_FORMS, Spot, fits, longest, spots
from tests.wire.forms import LEAST

MISSING, BAD = Key.PARAMETERS_INCOMPLETE, Key.BAD_REQUEST
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

VALUES: list[Any] = [
    *(True, False, 0, 7, -1, 1.5, -(2**63), 2**63 - 1),
    *("text", " ", [], [7], [[]], [None], ["a"], [{}], {}, {"x": 1}, {"": ""}, [True] * 200),
]
SPELLINGS = {
    "NUL": '"a\\u0000b"',
    "high surrogate": '"\\ud800"',
    "low surrogate": '"x\\udc00"',
    "surrogates the wrong way round": '"\\udc00\\ud800"',
    "2^63": str(2**63),
    "a thousand digits": "9" * 1_000,
    "infinite": "1e999",
    "NUL inside": '{"a": ["\\u0000"]}',
    "NUL in a name": '{"a\\u0000": 1}',
    "a name twice inside": '{"a": 1, "\\u0061": 2}',
}
NOT_JSON = {
    "NaN": "NaN",
    "-Infinity": "-Infinity",
    "33 deep": "[" * 32 + "]" * 32,
    "hexadecimal": "0x1",
    "half a text": '"x',
    "single quotes": "'x'",
    "undefined": "undefined",
    "raw control character": '"\n"',
}
"""Inside a form these stand at the second level at least, so 32 brackets are 33 levels."""
UNREADABLE = (b"%ED%A0%80", b"%FF%FE", b"\xe9", b"%C0%80", b"%F5%80%80%80")
"""A surrogate, no UTF-8, raw latin-1, an overlong NUL, beyond Unicode."""


class Attack:
    """Asks one operation as somebody who may, and collects what was not refused as it should."""

    def __init__(self, edge: Edge, op: Operation) -> None:
        self.edge, self.op = edge, op
        self.headers = {"x-authing-app-id": edge.tenant.app_id, "accept-language": "en"}
        if op.who is Who.USER:
            self.headers["authorization"] = edge.person().access_token
        if op.who is Who.MANAGEMENT:
            self.headers = {"accept-language": "en", "authorization": edge.manager()}
        self.asks: list[Ask] = []
        self.wanted: list[tuple[str, Key, str | None, str]] = []

    def json(self, body: bytes, case: str, key: Key, field: str | None, path: str = "") -> None:
        """A body, and the refusal that it must meet."""
        self.asks.append(Ask("POST", self.op.path, body, headers={"content-type": JSON, **self.headers}))
        self.wanted.append((case, key, field, path))

    def text(self, pairs: bytes, method: str, case: str, key: Key, field: str | None) -> None:
        """The same for a query or a form."""
        stated = {"content-type": "application/x-www-form-urlencoded", **self.headers}
        ask = Ask("POST", self.op.path, pairs, headers=stated)
        self.asks.append(ask if method == "POST" else Ask("GET", self.op.path, b"", pairs, self.headers))
        self.wanted.append((case, key, field, ""))

    def done(self) -> None:
        """Ask all of it: every one refused as wanted, and not a row more than before."""
        judge = _oauth_problem if self.op.kind is Kind.OAUTH else _problem
        before, failures = self.edge.counts(), []
        for answer, (case, key, field, path) in zip(self.edge.many(self.asks), self.wanted, strict=True):
            problem = judge(answer, key, field, path)
            if problem:
                failures.append(f"{case}: {problem}: {answer.body[:200]!r}")
        assert not failures, f"{len(failures)} of {len(self.asks)}:\n" + "\n".join(failures[:40])
        assert self.edge.counts() == before
        assert self.asks


def _problem(answer: Answer, key: Key, field: str | None, path: str) -> str | None:
    said, row = answer.json, CATALOGUE[key]
    if answer.status != 200 or said["statusCode"] != row.status_code or said.get("apiCode") != row.api_code:
        return f"not {key.value}"
    if not UUID.fullmatch(said["requestId"]) or said["requestId"] != answer.headers["x-request-id"]:
        return "no request id"
    data = said.get("data") or {}
    if data.get("field") != field:
        return f"field is not {field}"
    if "." in path and not str(data.get("path")).startswith(path):
        return f"path is not {path}"
    return None if field is None or field in said["message"] else "the message does not name the field"


def _oauth_problem(answer: Answer, _key: Key, field: str | None, _path: str) -> str | None:
    said = answer.json
    if (
        answer.status != 400
        or said["error"] != "invalid_request"
        or set(said) != {"error", "error_description"}
    ):
        return "not invalid_request"
    return None if field is None or field in said["error_description"] else f"{field} is not named"


@pytest.mark.parametrize("op", JSON_FORMS, ids=lambda op: op.name)
def test_every_field_of_a_body_is_named_when_it_is_wrong(sqlite_edge: Edge, op: Operation):
    attack = Attack(sqlite_edge, op)
    for spot in spots(op):
        for nothing in (..., None, "") if spot.can_be_missing else ():
            attack.json(_json(spot.form(nothing)), f"{spot} is {nothing}", MISSING, spot.name, spot.dotted)
        for value in [*VALUES, *_out_of_range(spot)]:
            if fits(spot.kinds, value) is False:
                attack.json(_json(spot.form(value)), f"{spot} = {value!r:.40}", BAD, spot.name, spot.dotted)
        for case, spelling in SPELLINGS.items():
            inside = "inside" in case
            name = "a" if inside else spot.name
            attack.json(spot.body(spelling), f"{spot} {case}", BAD, name, "" if inside else spot.dotted)
        for case, spelling in NOT_JSON.items():
            attack.json(spot.body(spelling), f"{spot} {case}", Key.BAD_JSON, None)
        if not spot.in_list:
            attack.json(spot.twice(spot.fitting), f"{spot} twice", BAD, spot.name, spot.dotted)
    attack.done()


def _json(form: Any) -> bytes:
    return json.dumps(form).encode()


def _out_of_range(spot: Spot) -> Iterator[Any]:
    most = longest(spot)
    if most is not None:
        yield "x" * (most + 1)
        yield "\u8bed" * (most + 1)
    for kind in spot.kinds:
        if isinstance(kind, inspect.IntType):
            yield from (limit for limit in ((kind.ge or 0) - 1, (kind.le or 2**62) + 1))
        if isinstance(kind, inspect.LiteralType):
            yield str(kind.values[0]).swapcase()
            yield f" {kind.values[0]}"


@pytest.mark.parametrize(
    ("op", "method"), [(op, method) for op in TEXT_FORMS for method in op.methods], ids=lambda x: str(x)[:40]
)
def test_every_field_of_a_query_or_form_is_named_when_it_is_wrong(
    sqlite_edge: Edge, op: Operation, method: str
):
    attack = Attack(sqlite_edge, op)
    for spot in spots(op):
        least: Any = LEAST[op.name]
        others = "".join(f"&{name}={value}" for name, value in least.items() if name != spot.name).encode()
        name = spot.name.encode()
        fitting = quote(str(spot.fitting)).encode()
        pairs: list[tuple[bytes, Key, str | None]] = [
            (b"%b=%b&%b=%b" % (name, fitting, name, fitting), BAD, spot.name),
            (name + b"=a%00", BAD, spot.name),
            *((name + b"=" + unreadable, BAD, None) for unreadable in UNREADABLE),
        ]
        if spot.required:
            pairs += [(b"", MISSING, spot.name), (name + b"=", MISSING, spot.name)]
        if (most := longest(spot)) is not None:
            pairs.append((name + b"=" + b"x" * (most + 1), BAD, spot.name))
        if isinstance(spot.kinds[0], inspect.BoolType | inspect.LiteralType):
            wrong = (b"2", b"yes", b"nope", b"%20", b"%EF%BC%91", b"[]")
            pairs += [(name + b"=" + value, BAD, spot.name) for value in wrong]
        for pair, key, field in pairs:
            attack.text(pair + others, method, f"{spot}: {pair[:60]!r}", key, field)
    many = b"&".join(b"x%d=1" % number for number in range(101))
    attack.text(many, method, "101 names", BAD, None)
    attack.done()


@pytest.mark.parametrize("op", JSON_FORMS, ids=lambda op: op.name)
def test_a_body_that_is_no_object_says_so(sqlite_edge: Edge, op: Operation):
    attack = Attack(sqlite_edge, op)
    for body in (
        b"[]",
        b'"x"',
        b"7",
        b"true",
        b"{",
        b"{}{}",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"{" * 40,
        b'{"a":1,}',
    ):
        attack.json(body, repr(body), Key.BAD_JSON, None)
    for deep in (b'{"x":' * 13_000, b'{"x":' + b"[" * 65_000, b'["' + b"\\" * 65_000):
        attack.json(deep, f"{len(deep)} bytes of {deep[:6]!r}", Key.BAD_JSON, None)
    attack.done()
