"""Whatever arrives, the answer is JSON with a request id, and the service goes on."""

import json
import re
import socket
import time
from typing import Any

import httpx2
import pytest

from tests.service import Service, start

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def is_an_envelope(answer, status):
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    body = answer.json()
    assert body["statusCode"] == status
    assert body["message"]
    assert UUID.fullmatch(body["requestId"])
    assert answer.headers["x-request-id"] == body["requestId"]
    assert "apiCode" not in body
    return body


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/api/v3",
        "/api/v3/",
        "/api/v3/send-sms/",
        "/api/v3/send-sms;x=1",
        "/API/V3/SEND-SMS",
        "/api/v3/%73end-sms",
        "/api//v3/send-sms",
        "/api/v3/x/../send-sms",
        "/..%2f..%2fetc/passwd",
        "/api/v3/send-sms%00",
        "/oidc/.well-known/..",
        "/dev/inbox.json/",
    ],
)
def test_another_spelling_of_a_path_is_another_path(sqlite_service, path):
    with socket.create_connection(("127.0.0.1", sqlite_service.port), timeout=5) as wire:
        wire.sendall(f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n".encode())
        head, body = answer_of(wire)
    assert b" 404 " in head
    assert json.loads(body)["statusCode"] == 404


@pytest.mark.parametrize(("method", "path", "allow"), [
    ("GET", "/api/v3/send-sms", "POST"),
    ("PUT", "/api/v3/get-profile", "GET"),
    ("DELETE", "/oidc/token", "POST"),
    ("OPTIONS", "/api/v3/send-sms", "POST"),
    ("TRACE", "/healthz", "GET"),
    ("PATCH", "/oidc/me", "GET, POST"),
])  # fmt: skip
def test_another_method_is_refused_with_the_right_ones(sqlite_service, method, path, allow):
    answer = sqlite_service.http.request(method, path)
    is_an_envelope(answer, 405)
    assert answer.headers["allow"] == allow


@pytest.mark.parametrize(
    "stated", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "é"]
)
def test_a_stated_type_that_is_not_json_is_refused(sqlite_service, stated):
    headers = {"content-type": stated.encode("latin-1")}
    answer = sqlite_service.http.post("/api/v3/send-sms", content=b"{}", headers=headers)
    is_an_envelope(answer, 415)


@pytest.mark.parametrize(
    "stated", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON", None]
)
def test_json_is_read_stated_or_not(sqlite_service, stated):
    headers = {"content-type": stated} if stated else {}
    answer = sqlite_service.http.post("/api/v3/send-sms", content=b"{}", headers=headers)
    assert answer.status_code == 200
    assert answer.json()["data"] == {"field": "channel"}


@pytest.mark.parametrize("size", [64 * 1024 + 1, 1_000_000, 10_000_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beyond_64_kib_is_told_so(sqlite_service, size, chunked):
    body = b"x" * size
    content = (body[at : at + 65_536] for at in range(0, size, 65_536)) if chunked else body
    answer = sqlite_service.http.post(
        "/api/v3/send-sms", content=content, headers={"content-type": "application/json"}
    )
    is_an_envelope(answer, 413)


def test_a_body_of_64_kib_is_read(sqlite_service):
    body = json.dumps({"channel": "CHANNEL_LOGIN", "more": ""})
    body = body[:-2] + "x" * (64 * 1024 - len(body)) + body[-2:]
    answer = sqlite_service.http.post("/api/v3/send-sms", content=body.encode())
    assert answer.json()["data"] == {"field": "phoneNumber"}


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /api/v3/send-sms HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /api/v3/send-sms HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /api/v3/send-sms HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-long: " + b"a" * 40_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 200 + b"\r\n",
    ],
)
def test_what_is_not_http_or_too_much_of_it_is_answered_and_let_go(sqlite_service, nonsense):
    with socket.create_connection(("127.0.0.1", sqlite_service.port), timeout=5) as wire:
        wire.sendall(nonsense)
        head, body = answer_of(wire)
        assert head.startswith(b"HTTP/1.1 4")
        assert json.loads(body)["statusCode"] in {400, 404}
        if b" 400 " in head:
            assert wire.recv(1) == b""
    assert sqlite_service.http.get("/healthz").status_code == 200


def answer_of(wire):
    """Head and body of the first answer on a connection."""
    seen = b""
    while b"\r\n\r\n" not in seen:
        more = wire.recv(65_536)
        assert more, seen
        seen += more
    head, _, body = seen.partition(b"\r\n\r\n")
    told = re.search(rb"content-length: (\d+)", head)
    assert told, head
    length = int(told[1])
    while len(body) < length:
        body += wire.recv(65_536)
    return head, body[:length]


def test_every_answer_defends_itself(sqlite_service):
    for path in ("/healthz", "/nothing", "/api/v3/get-profile", "/docs", "/oidc/.well-known/jwks.json"):
        headers = sqlite_service.http.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "server" not in headers


def test_messages_are_in_the_callers_language(sqlite_service):
    said = {
        name: sqlite_service.http.get("/nothing", headers={header: value}).json()["message"]
        for name, header, value in [
            ("default", "x-other", ""),
            ("genauth", "x-genauth-lang", "en-US"),
            ("authing", "x-authing-lang", "en-US"),
            ("browser", "accept-language", "fr, en-GB;q=0.8, zh;q=0.5"),
            ("odd", "accept-language", ";;q=,,*;q=x, zh-TW"),
        ]
    }
    assert said["genauth"] == said["authing"] == said["browser"] != said["default"]
    assert said["odd"] == said["default"]


def test_slow_heads_and_bodies_are_not_waited_for(data_folder):
    limits = {"OSTIARY_HEADER_TIMEOUT": "1", "OSTIARY_BODY_TIMEOUT": "1"}
    service = start(data_folder, environment=limits)
    with socket.create_connection(("127.0.0.1", service.port), timeout=8) as wire:
        wire.sendall(b"GET /healthz HT")
        assert wire.recv(1) == b""
    with socket.create_connection(("127.0.0.1", service.port), timeout=4) as wire:
        wire.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
        answer_of(wire)
        wire.sendall(b"GET /healthz HT")  # the second head on a connection is not waited for, either
        assert wire.recv(1) == b""
    with socket.create_connection(("127.0.0.1", service.port), timeout=8) as wire:
        wire.sendall(b"POST /api/v3/send-sms HTTP/1.1\r\nhost: localhost\r\ncontent-length: 50\r\n\r\n{")
        head, body = answer_of(wire)
        assert b" 200 " in head
        assert b"connection: close" in head
        assert json.loads(body)["statusCode"] == 400
    service.stop()


def test_a_full_house_says_503_and_when_to_come_again(data_folder):
    service = start(data_folder, environment={"OSTIARY_MOST_REQUESTS": "1"})
    with socket.create_connection(("127.0.0.1", service.port), timeout=8) as wire:
        wire.sendall(b"POST /api/v3/send-sms HTTP/1.1\r\nhost: localhost\r\ncontent-length: 50\r\n\r\n{")
        time.sleep(0.3)
        answer = service.http.get("/nothing")
        is_an_envelope(answer, 503)
        assert answer.headers["retry-after"] == "1"
    service.stop()


def test_a_website_may_call_where_the_pool_allows_it(data_folder):
    service = start(data_folder)
    origin = {"origin": "https://shop.example"}
    ask = {**origin, "access-control-request-method": "POST"}
    answer = service.http.options("/api/v3/signin", headers=ask)
    assert "access-control-allow-origin" not in answer.headers
    service._set({"allowedOrigins": "https://shop.example\nhttps://other.example"})
    deadline = time.monotonic() + 8
    while service.http.options("/api/v3/signin", headers=ask).status_code != 204:
        assert time.monotonic() < deadline
        time.sleep(0.3)
    answer = service.http.options("/api/v3/signin", headers=ask)
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert "authorization" in answer.headers["access-control-allow-headers"]
    answer = service.http.post("/api/v3/signin", json={}, headers=origin)
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert "access-control-allow-credentials" not in answer.headers
    picture = service.http.get(
        "/api/v3/captcha-code", headers={**origin, "x-genauth-app-id": service.ids["appId"]}
    )
    exposed = picture.headers["access-control-expose-headers"].split(", ")
    assert picture.headers["x-genauth-captcha-token"]
    assert set(exposed) == {"x-request-id", "retry-after", "x-genauth-captcha-token"}
    stranger = service.http.post("/api/v3/signin", json={}, headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in stranger.headers
    service.stop()


def test_a_rebound_name_sees_nothing_of_dev_mode(sqlite_service):
    for host in ("evil.example", "127.0.0.1.evil.example", "[::1].evil.example", ""):
        answer = sqlite_service.http.get("/dev/inbox.json", headers={"host": host})
        is_an_envelope(answer, 404)
    for host in ("localhost", "127.0.0.1:8000", "[::1]:8000"):
        assert sqlite_service.http.get("/dev/inbox.json", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("body", ["", "{}", "[]", '{"advanceSeconds": 0}', '{"advanceSeconds": -5}',
                                  '{"advanceSeconds": "5"}', '{"advanceSeconds": 1e30}', '{"advanceSeconds": null}'])  # fmt: skip
def test_the_clock_only_goes_forward(sqlite_service, body):
    answer = sqlite_service.http.post(
        "/dev/clock", content=body, headers={"content-type": "application/json"}
    )
    assert answer.json()["statusCode"] == 400
    assert answer.json()["data"] == {"field": "advanceSeconds"}


def test_the_clock_is_not_moved_by_a_websites_form(sqlite_service):
    answer = sqlite_service.http.post(
        "/dev/clock", content='{"advanceSeconds": 5}', headers={"content-type": "text/plain"}
    )
    is_an_envelope(answer, 415)


def test_metrics_count_answers_by_operation_and_reason(sqlite_service):
    sqlite_service.http.get("/api/v3/get-profile")
    sqlite_service.http.get("/a-path-nobody-has")
    text = sqlite_service.http.get("/metrics").text
    assert 'ostiary_answers_total{key="not_logged_in",operation="get_profile"}' in text
    assert 'ostiary_answers_total{key="not_found",operation="none"}' in text
    assert "a-path-nobody-has" not in text


def lines_about(request_id: str, service: Service) -> list[dict[str, Any]]:
    """The answer leaves before its line is written: who asked may be here first."""
    end = time.monotonic() + 5
    while request_id not in service.log() and time.monotonic() < end:
        time.sleep(0.01)
    lines = [json.loads(line) for line in service.log().splitlines()]
    return [line for line in lines if line.get("request_id") == request_id]


def test_the_log_has_a_line_per_answer_and_no_secrets(sqlite_service):
    person = sqlite_service.person()
    number = sqlite_service.number()
    person.client.send_sms("CHANNEL_BIND_PHONE", number[3:])
    code = sqlite_service.code(number, "CHANNEL_BIND_PHONE")
    answer = person.client.pre_check_code(
        "SMS", {"phone": number[3:], "passCode": code, "channel": "CHANNEL_BIND_PHONE"}
    )
    assert answer.request_id is not None
    mine = lines_about(answer.request_id, sqlite_service)
    assert [(line["operation"], line["status_code"], line["key"]) for line in mine] == [
        ("pre_check_code", 200, "ok")
    ]
    assert mine[0]["ms"] > 0
    log = sqlite_service.log()
    for secret in (number, number[3:], person.national, str(person.client._access_token), person.password):
        assert secret not in log


def test_the_openapi_document_and_its_page_are_served_from_here(sqlite_service):
    document = sqlite_service.http.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert "/api/v3/verify-update-phone-request" in document["paths"]
    page = sqlite_service.http.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "/api/v3/verify-update-phone-request" in page.text
    assert not re.search(r"(?:src|href)=.(?![/#]|data:)", page.text)
    assert "unsafe" not in page.headers["content-security-policy"]


def test_head_is_get_without_a_body(sqlite_service):
    for path in ("/healthz", "/dev/inbox", "/api/v3/get-profile"):
        answer = sqlite_service.http.head(path)
        assert (answer.status_code, answer.content) == (200, b"")


def test_pipelined_requests_are_answered_in_order(sqlite_service):
    request = b"GET /%s HTTP/1.1\r\nhost: localhost\r\n\r\n"
    with socket.create_connection(("127.0.0.1", sqlite_service.port), timeout=5) as wire:
        wire.sendall(request % b"healthz" + request % b"nothing" + request % b"healthz")
        seen = b""
        while seen.count(b"HTTP/1.1 ") < 3 or not seen.endswith(b"}"):
            seen += wire.recv(65_536)
    assert re.findall(rb"HTTP/1.1 (\d+)", seen) == [b"200", b"404", b"200"]


def test_requests_in_parallel_each_get_their_own_answer(sqlite_service):
    import concurrent.futures

    def ask(number):
        with httpx2.Client(base_url=sqlite_service.url, trust_env=False) as http:
            return http.get("/api/v3/get-profile", headers={"x-n": str(number)}).json()["requestId"]

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        ids = list(pool.map(ask, range(64)))
    assert len(set(ids)) == 64
