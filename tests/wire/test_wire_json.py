"""Bytes that are no form: what JSON refuses, and what is refused beyond that."""

import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ostiary.contract.keys import Key
from ostiary.contract.operations import BY_NAME
from ostiary.contract.profile import UpdatePhone, VerifyUpdatePhoneRequest
from ostiary.server.core.refused import Refused
from ostiary.server.web import strict_json, wire

UPDATE = BY_NAME["update_phone"]
VERIFY = BY_NAME["verify_update_phone_request"]
CREATE = BY_NAME["create_user"]

NOT_JSON = {
    "cut short": b'{"updatePhoneToken":"x"',
    "trailing garbage": b'{"updatePhoneToken":"x"} x',
    "two documents": b'{"updatePhoneToken":"x"}{}',
    "a comma too many": b'{"updatePhoneToken":"x",}',
    "single quotes": b"{'updatePhoneToken':'x'}",
    "a comment": b'{"updatePhoneToken":"x"/*no*/}',
    "no quotes": b'{updatePhoneToken:"x"}',
    "byte order mark": b'\xef\xbb\xbf{"updatePhoneToken":"x"}',
    "UTF-16": '{"updatePhoneToken":"x"}'.encode("utf-16"),
    "a byte that is no UTF-8": b'{"updatePhoneToken":"\xff"}',
    "the same in a field nobody knows": b'{"updatePhoneToken":"x","zz":"\xff"}',
    "a surrogate as bytes": b'{"updatePhoneToken":"\xed\xa0\x80"}',
    "an overlong NUL": b'{"updatePhoneToken":"a\xc0\x80"}',
    "a raw NUL": b'{"updatePhoneToken":"a\x00"}',
    "a NUL behind": b'{"updatePhoneToken":"a"}\x00',
    "a raw newline in a string": b'{"updatePhoneToken":"a\nb"}',
    "NaN": b'{"updatePhoneToken":"a","zz":NaN}',
    "Infinity": b'{"updatePhoneToken":"a","zz":Infinity}',
    "-Infinity": b'{"updatePhoneToken":"a","zz":[-Infinity]}',
    "a leading zero": b'{"updatePhoneToken":"a","zz":01}',
    "a bad escape": b'{"updatePhoneToken":"\\x41"}',
    "a cut escape": b'{"updatePhoneToken":"\\u00',
    "a lone quote": b'"',
    "a backslash at the end": b'{"a":"\\',
    "33 levels": b'{"zz":' + b"[" * 32 + b"]" * 32 + b"}",
    "100 000 levels, never closed": b"[" * 100_000,
    "a list": b'[{"updatePhoneToken":"x"}]',
    "a string": b'"updatePhoneToken"',
    "a number": b"12",
    "true": b"true",
    "a form": b"updatePhoneToken=x",
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_no_json_object(body):
    assert wire.read(UPDATE, body, b"") == Refused(Key.BAD_JSON)


@pytest.mark.parametrize("body", [b"", b"  \r\n\t ", b"{}", b"null", b" { } "])
def test_an_empty_form_lacks_its_first_required_field(body):
    assert wire.read(UPDATE, body, b"") == Refused(
        Key.PARAMETERS_INCOMPLETE, data={"field": "updatePhoneToken"}
    )
    assert wire.read(VERIFY, body, b"") == Refused(
        Key.PARAMETERS_INCOMPLETE, data={"field": "phonePassCodePayload"}
    )


FAULTS = {
    "a name twice": (b'{"updatePhoneToken":"a","updatePhoneToken":"b"}', "updatePhoneToken", None),
    "the same value twice": (b'{"updatePhoneToken":"a","updatePhoneToken":"a"}', "updatePhoneToken", None),
    "one spelling escaped": (
        b'{"updatePhoneToken":"a","\\u0075pdatePhoneToken":"b"}',
        "updatePhoneToken",
        None,
    ),
    "twice where nobody looks": (b'{"updatePhoneToken":"a","zz":[{"k":1,"k":2}]}', "k", "zz.0.k"),
    "an escaped NUL": (b'{"updatePhoneToken":"a\\u0000"}', "updatePhoneToken", None),
    "a NUL in a field nobody knows": (b'{"updatePhoneToken":"a","zz":"\\u0000"}', "zz", None),
    "a lone high surrogate": (b'{"updatePhoneToken":"\\ud83d"}', "updatePhoneToken", None),
    "a lone low surrogate": (b'{"updatePhoneToken":"\\uDE00!"}', "updatePhoneToken", None),
    "surrogates the wrong way round": (b'{"updatePhoneToken":"\\ude00\\ud83d"}', "updatePhoneToken", None),
    "more than 64 bits": (b'{"updatePhoneToken":' + b"9" * 5_000 + b"}", "updatePhoneToken", None),
    "2^63": (b'{"updatePhoneToken":"a","zz":9223372036854775808}', "zz", None),
    "more than a float": (b'{"updatePhoneToken":"a","zz":{"k":[1,-1e999]}}', "k", "zz.k.1"),
}


@pytest.mark.parametrize(("body", "field", "path"), FAULTS.values(), ids=FAULTS)
def test_what_is_json_and_refused(body, field, path):
    data = {"field": field} | ({"path": path} if path else {})
    assert wire.read(UPDATE, body, b"") == Refused(Key.BAD_REQUEST, data=data)


def test_a_bad_name_has_no_field_to_name():
    assert wire.read(UPDATE, b'{"\\ud800":1}', b"") == Refused(Key.BAD_JSON)


def test_a_name_of_any_length_is_not_sent_back():
    long = b"k" * 65
    assert wire.read(UPDATE, b'{"%b":1,"%b":2}' % (long, long), b"") == Refused(Key.BAD_REQUEST)


GOOD = {
    "plain": b'{"updatePhoneToken":"x"}',
    "white space": b' \r\n{\t"updatePhoneToken" : "x" }\n',
    "an escaped name": b'{"\\u0075pdatePhoneToken":"x"}',
    "unknown fields": b'{"updatePhoneToken":"x","zz":{"deep":[1,2.5,null,"",true]}}',
    "names twice, but in two objects": b'{"updatePhoneToken":"x","zz":[{"k":1},{"k":1}]}',
    "32 levels": b'{"updatePhoneToken":"x","zz":' + b"[" * 31 + b"]" * 31 + b"}",
    "brackets in a string": b'{"updatePhoneToken":"x","zz":"' + b"[{" * 500 + b'"}',
    "brackets after an escaped quote": b'{"updatePhoneToken":"x","zz":"\\"' + b"[" * 50 + b'\\\\"}',
    "the largest integers": b'{"updatePhoneToken":"x","zz":[9223372036854775807,-9223372036854775808]}',
    "an emoji as a pair": b'{"updatePhoneToken":"x","zz":"\\ud83d\\ude00"}',
}


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_what_is_read(body):
    assert wire.read(UPDATE, body, b"") == UpdatePhone(update_phone_token="x")


@pytest.mark.parametrize("inner", [b"{}", b'{"zz":1}', b'{"password":null}', b'{"password":"","zz":"x"}'])
def test_an_object_without_anything_known_is_absent(inner):
    sign_in = BY_NAME["sign_in_by_credentials"]
    bare = wire.read(sign_in, b'{"connection":"PASSWORD"}', b"")
    assert bare == wire.read(sign_in, b'{"connection":"PASSWORD","passwordPayload":%b}' % inner, b"")


def test_text_of_any_script_is_kept():
    form = wire.read(
        VERIFY,
        '{"verifyMethod":"PHONE_PASSCODE","phonePassCodePayload":{"newPhoneNumber":"１８８ 1234-5678",'
        '"newPhonePassCode":"１２３４５６"}}'.encode(),
        b"",
    )
    assert isinstance(form, VerifyUpdatePhoneRequest)
    assert form.phone_pass_code_payload.new_phone_number == "１８８ 1234-5678"
    assert form.phone_pass_code_payload.new_phone_pass_code == "１２３４５６"


# --- bounded ----------------------------------------------------------------------------------

SIZE = 64 * 1024
HEAVY = {
    "quotes that never close": b'{"' + b'\\"' * (SIZE // 2),
    "quotes": b'"' * SIZE,
    "brackets": b"[" * SIZE,
    "pairs of brackets": b'{"z":[' + b"[]," * (SIZE // 3) + b"[]]}",
    "brackets behind a quote": b'"' + b"[" * SIZE,
    "backslashes": b'{"z":"' + b"\\" * SIZE + b'"}',
    "a number": b'{"z":' + b"9" * SIZE + b"}",
    "a fraction": b'{"z":0.' + b"9" * SIZE + b"}",
    "numbers": b'{"z":[' + b"99999999999999999999," * (SIZE // 21) + b"1]}",
    "names": b"{" + b",".join(b'"%d":1' % n for n in range(SIZE // 9)) + b"}",
    "one name": b"{" + b",".join([b'"a":1'] * (SIZE // 6)) + b"}",
    "escapes": b'{"z":"' + b"\\u0041" * (SIZE // 6) + b'"}',
    "white space": b" " * SIZE + b"x",
}


@pytest.mark.parametrize("body", HEAVY.values(), ids=HEAVY)
def test_64_kib_of_anything_is_read_at_once(body):
    best = min(timed(body) for _ in range(3))
    assert best < 0.25  # a quadratic reader needs seconds


def timed(body):
    start = time.process_time()
    wire.read(CREATE, body, b"")
    return time.process_time() - start


# --- properties -------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.booleans())
def test_all_clean_json_comes_back_as_it_is(value, escaped):
    assert strict_json.parse(json.dumps(value, ensure_ascii=escaped).encode()) == value


@given(st.binary(max_size=200))
@example(b'{"a":"\\')
@example(b'"\\u')
def test_any_bytes_are_read_or_refused_by_value(body):
    form = wire.read(UPDATE, body, b"")
    assert isinstance(form, UpdatePhone | Refused)


@given(
    st.text(alphabet='{}[]",:\\u0dDaé1e9.- ntf\x00', max_size=60)
    | st.recursive(
        st.sampled_from(['"a"', '""', "1", "1.0", "9" * 20, "-9223372036854775808", "1e999", "null", "true"]),
        lambda inner: (
            st.lists(st.tuples(st.sampled_from(['"a"', '"b"', '""', '"\\u0061"']), inner), max_size=3).map(
                lambda pairs: "{" + ", ".join(f"{name} : {value}" for name, value in pairs) + "}"
            )
            | st.lists(inner, max_size=3).map(lambda items: "[" + ",".join(items) + "]")
        ),
    )
)
@example('{"a":"1","a":2}')
@example('{"a":{"b":"","b":"x"}}')
def test_the_quick_reader_and_the_one_that_finds_faults_agree(text):
    body = text.encode()
    assert repr(outcome(strict_json.parse, body)) == repr(outcome(strict_json._second_look, body))


def outcome(read, body):
    try:
        return read(body)
    except strict_json.FaultError as fault:
        return fault.path
    except strict_json.NotJSONError:
        return "no JSON"
