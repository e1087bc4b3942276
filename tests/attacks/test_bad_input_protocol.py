"""HTTP itself as a weapon: bodies in crumbs, forged chunks, heads and paths of any size; and the memory it costs."""

import json
import socket
import threading
import time
from contextlib import suppress

import pytest

from ostiary.contract.operations import OPERATIONS
from ostiary.contract.unserved import UNSERVED
from tests.attacks.sockets import answer_of, chunked, connected, post, resident, send, tried
from tests.service import Service

SEND = "/api/v3/send-sms"
FIELD = {"field": "channel"}
"""What an empty form lacks there."""


def is_alive(service: Service) -> None:
    assert service.http.get("/healthz").status_code == 200


def in_chunks(body: bytes, size: int) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def test_a_body_in_crumbs_is_one_body(sqlite_service: Service):
    body = json.dumps({"channel": "CHANNEL_LOGIN", "phoneNumber": "", "x": "é" * 500}).encode()
    for size in (1, 2, 7, 64):
        _, _, said = tried(sqlite_service, chunked(SEND, in_chunks(body, size)))
        assert said["data"] == {"field": "phoneNumber"}
    with connected(sqlite_service) as wire:
        for crumb in chunked(SEND, in_chunks(b"{}", 1)):
            wire.sendall(bytes([crumb]))
        assert answer_of(wire)[2]["data"] == FIELD


FORGED = {
    "a size that is no number": b"zz\r\n{}\r\n0\r\n\r\n",
    "a negative size": b"-2\r\n{}\r\n0\r\n\r\n",
    "a size with a prefix": b"0x2\r\n{}\r\n0\r\n\r\n",
    "a size with blanks inside": b"0 2\r\n{}\r\n0\r\n\r\n",
    "a size beyond 64 bits": b"fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    "another end of a chunk (CVE-2025-43859)": b"2\r\n{}XX0\r\n\r\n",
    "a chunk longer than it says": b"2\r\n{}{}\r\n0\r\n\r\n",
    "ends of line without CR": b"2\n{}\n0\n\n",
    "a bare CR": b"2\r{}\r0\r\r",
    "a NUL in an extension": b"2;\x00\r\n{}\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("chunks", FORGED.values(), ids=FORGED.keys())
def test_cve_2025_43859_forged_chunks_never_become_a_second_request(sqlite_service: Service, chunks: bytes):
    """Row 97: what follows a malformed chunk must not be read as the next request."""
    smuggled = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"
    with connected(sqlite_service) as wire:
        send(wire, chunked(SEND, chunks) + smuggled)
        statuses = [answer_of(wire)[0]]
        with pytest.raises((EOFError, ConnectionResetError)):
            answer_of(wire)
    assert statuses == [400]


SMUGGLING = {
    "both lengths": "content-length: 5\r\ntransfer-encoding: chunked",
    "two lengths": "content-length: 2\r\ncontent-length: 3",
    "a list of lengths": "content-length: 2, 2",
    "a signed length": "content-length: +2",
    "another coding": "transfer-encoding: xchunked",
    "chunked, then not": "transfer-encoding: chunked, identity",
    "chunked twice": "transfer-encoding: chunked\r\ntransfer-encoding: chunked, gzip",
    "a blank before the colon": "content-length : 2",
    "a folded header": "content-length:\r\n 2",
    "a NUL in a value": "x-genauth-app-id: a\x00b",
    "a bare LF in a name": "x\n-a: b",
    "a control character": "x-genauth-app-id: a\x01b",
}


@pytest.mark.parametrize("headers", SMUGGLING.values(), ids=SMUGGLING.keys())
def test_a_head_that_can_be_read_in_two_ways_is_not_read(sqlite_service: Service, headers: str):
    sent = f"POST {SEND} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n\r\n{{}}GET /nothing HTTP/1.1\r\n\r\n"
    with connected(sqlite_service) as wire:
        send(wire, sent.encode("latin-1"))
        wire.shutdown(socket.SHUT_WR)
        statuses = []
        try:
            while True:
                status, _, said = answer_of(wire)
                statuses.append(status)
                assert said["requestId"]
        except (EOFError, ConnectionResetError):
            pass
    assert 404 not in statuses, "the rest was read as a request"
    assert set(statuses) <= {200, 400}
    is_alive(sqlite_service)


@pytest.mark.parametrize("header", ["authorization", "x-genauth-app-id", "x-genauth-userpool-id", "x-real-ip",
                                    "x-forwarded-for", "accept-language", "cookie", "user-agent", "origin",
                                    "content-type", "range", "forwarded", "if-none-match", "x-request-id"])  # fmt: skip
def test_a_header_of_thirty_thousand_signs_is_an_ordinary_request(sqlite_service: Service, header: str):
    for filling in ("a", "a,", "a;q=0.1,", "\xff", "bytes=0-1,", "1.1.1.1,", "Bearer "):
        value = (filling * 30_000)[:30_000].strip()
        sent = f"GET /api/v3/get-profile HTTP/1.1\r\nhost: localhost\r\n{header}: {value}\r\n\r\n"
        begun = time.perf_counter()
        status, headers, said = tried(sqlite_service, sent.encode("latin-1"))
        assert time.perf_counter() - begun < 20
        assert (status, said["statusCode"]) == (200, 401)
        assert headers["x-request-id"] == said["requestId"]
        assert value[:20] not in json.dumps(said)


@pytest.mark.parametrize("op", OPERATIONS, ids=lambda op: op.name)
def test_every_operation_has_one_spelling_and_refuses_the_rest(sqlite_service: Service, op):
    service, path = sqlite_service, op.path
    others = [
        path.upper(),
        path + "/",
        path + "//",
        "/" + path,
        path + "%00",
        path + "%0d%0a",
        path + "\\",
    ]
    others += [
        path + ".json",
        path + ";a=b",
        "/." + path,
        "/x/.." + path,
        path + "/..",
        path.replace("v3", "v2"),
    ]
    others += [
        path.replace("-", "%2d").replace("_", "%5f").replace("/", "/%2e/", 1),
        path + "/%2e%2e/healthz",
    ]
    with connected(service) as wire:
        for other in others:
            if other == path:
                continue
            wire.sendall(
                f"{op.method} {other} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n".encode()
            )
            status, _, said = answer_of(wire)
            assert (status, said["statusCode"]) == (404, 404), other
        for other in (
            "/" + path,
            path + "\\",
            path.replace("/", "%2f", 1),
        ):  # no path at all, by RFC 9112 §3.2
            assert tried(service, f"{op.method} {other} HTTP/1.1\r\nhost: x\r\n\r\n".encode())[0] in {
                400,
                404,
            }
        allowed = [*op.methods, *(row.method for row in UNSERVED if row.path == op.path)]  # answered 501
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "QUERY", "TRACE"} - set(allowed):
            if method == "QUERY":
                continue
            wire.sendall(f"{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n".encode())
            status, headers, said = answer_of(wire)
            assert (status, headers["allow"], said["statusCode"]) == (405, ", ".join(allowed), 405)


@pytest.mark.parametrize("op", [op for op in OPERATIONS if "POST" in op.methods], ids=lambda op: op.name)
def test_every_operation_refuses_what_is_too_large_or_of_another_kind(sqlite_service: Service, op):
    with connected(sqlite_service) as wire:
        for size in (64 * 1024 + 1, 200_000):
            wire.sendall(post(op.path, b"x" * size))
            status, _, said = answer_of(wire)
            if op.kind.value == "oauth":
                assert (status, said["error"]) == (413, "invalid_request")
            else:
                assert (status, said["statusCode"]) == (413, 413)
        for stated in (
            "text/plain",
            "multipart/form-data; boundary=x",
            "application/xml",
            "application/jsonp",
        ):
            wire.sendall(post(op.path, b"{}", f"content-type: {stated}"))
            status, _, said = answer_of(wire)
            assert status == 415, stated
            assert said.get("statusCode", 415) == 415


def test_big_bodies_cost_no_memory(sqlite_service: Service):
    """Ten megabytes each, from six at once, stated or in chunks."""
    for _ in range(2):
        tried(sqlite_service, post(SEND, b"x" * 10_000_000))
    before = resident(sqlite_service)

    def feed(turns: int) -> None:
        for turn in range(turns):
            chunk = b"10000\r\n" + b"[" * 65_536 + b"\r\n"
            sent = post(SEND, b"x" * 10_000_000) if turn % 2 else chunked(SEND, chunk * 150)
            try:
                assert tried(sqlite_service, sent)[0] == 413
            except (EOFError, ConnectionResetError):  # hung up on while still sending: as good
                assert turn % 2 == 0

    crowd = [threading.Thread(target=feed, args=(2,)) for _ in range(6)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert resident(sqlite_service) - before < 20 * 1024
    is_alive(sqlite_service)


def test_a_body_without_an_end_is_let_go(sqlite_service: Service):
    before = resident(sqlite_service)
    with connected(sqlite_service) as wire:
        wire.sendall(chunked(SEND, b""))
        chunk, sent = b"10000\r\n" + b"x" * 65_536 + b"\r\n", 0
        try:
            while sent < 100_000_000:
                wire.sendall(chunk)
                sent += len(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert sent < 40_000_000
    assert resident(sqlite_service) - before < 10 * 1024


def test_a_head_without_an_end_is_let_go(sqlite_service: Service):
    before = resident(sqlite_service)
    for endless in (b"GET /healthz HTTP/1.1\r\nx: ", b"GET /", b"GET /healthz HTTP/1.1\r\na: b\r\n"):
        sent = 0
        with connected(sqlite_service) as wire:
            try:
                wire.sendall(endless)
                while sent < 50_000_000:
                    wire.sendall(b"y" * 65_536)
                    sent += 65_536
            except (BrokenPipeError, ConnectionResetError):
                pass
        assert sent < 20_000_000
    assert resident(sqlite_service) - before < 10 * 1024


TRAILERS = (b"x: " + b"y" * 10_000_000, b"a: b\r\n" * 1_000_000, b"2;" + b"x" * 10_000_000)


@pytest.mark.parametrize("tail", TRAILERS, ids=["one", "many", "an extension of a chunk"])
def test_what_stands_behind_a_body_is_bounded_too(sqlite_service: Service, tail: bytes):
    before = resident(sqlite_service)
    begun = time.perf_counter()
    with connected(sqlite_service) as wire:
        send(wire, chunked(SEND, (b"" if tail.startswith(b"2;") else b"2\r\n{}\r\n0\r\n") + tail))
        with suppress(EOFError, ConnectionResetError):
            assert answer_of(wire)[0] == 400
    assert time.perf_counter() - begun < 20
    assert resident(sqlite_service) - before < 10 * 1024


def test_a_trailer_is_no_header(sqlite_service: Service):
    """A proxy sets headers, and lets trailers through: they must not become the caller's address or token."""
    person = sqlite_service.person()
    token = str(person.client._access_token)
    for header in (f"authorization: {token}", f"x-genauth-lang: en-US\r\nauthorization: Bearer {token}"):
        trailed = b"2\r\n{}\r\n0\r\n" + header.encode() + b"\r\n\r\n"
        _, _, said = tried(sqlite_service, chunked("/api/v3/update-phone", trailed))
        assert (said["statusCode"], said["apiCode"]) == (401, 2020)
        assert said["message"] == "尚未登录，请先登录"


def test_two_hundred_that_say_nothing_keep_nobody_waiting(sqlite_service: Service):
    silent = [socket.create_connection(("127.0.0.1", sqlite_service.port)) for _ in range(200)]
    for number, wire in enumerate(silent):
        wire.sendall(
            b"POST /api/v3/send-sms HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{"[: 5 + number]
        )
    begun = time.perf_counter()
    for _ in range(20):
        is_alive(sqlite_service)
    assert time.perf_counter() - begun < 20
    for wire in silent:
        wire.close()


def test_requests_behind_each_other_are_answered_in_order(sqlite_service: Service):
    """Pipelined, with a refusal in the middle whose body was not read to the end."""
    with connected(sqlite_service) as wire:
        wire.sendall(
            post(SEND, b"{}") + post(SEND, b"[]") + post("/nothing", b"{}" * 500) + post(SEND, b"{}")
        )
        said = [answer_of(wire) for _ in range(4)]
    assert [answer[0] for answer in said] == [200, 200, 404, 200]
    assert [answer[2].get("data") for answer in said] == [FIELD, None, None, FIELD]
    assert len({answer[2]["requestId"] for answer in said}) == 4


def test_a_crowd_of_requests_behind_each_other_costs_no_memory(sqlite_service: Service):
    """Two hundred thousand in one breath, whose answers are read, and again with nobody reading."""
    asked = b"GET /x HTTP/1.1\r\n\r\n" * 200_000
    before = resident(sqlite_service)
    for reads in (True, False):
        with connected(sqlite_service) as wire:
            wire.settimeout(2)
            feeder = threading.Thread(target=send_some, args=(wire, asked))
            feeder.start()
            end = time.monotonic() + 2
            with suppress(ConnectionResetError, TimeoutError):
                while reads and time.monotonic() < end and wire.recv(1 << 16):
                    pass
            feeder.join()
            assert resident(sqlite_service) - before < 30 * 1024
    is_alive(sqlite_service)


def send_some(wire: socket.socket, sent: bytes) -> None:
    with suppress(TimeoutError):
        send(wire, sent)


def test_cve_2025_62727_a_thousand_ranges_are_not_looked_at(sqlite_service: Service):
    """Row 98: nothing here serves ranges, files or parts."""
    ranges = "bytes=" + ",".join(f"{n}-{n + 1}" for n in range(0, 4_000, 2))
    for path in ("/openapi.json", "/docs", "/oidc/.well-known/jwks.json"):
        sqlite_service.http.get(path)  # some pages are made when they are first asked for
        begun = time.perf_counter()
        answer = sqlite_service.http.get(path, headers={"range": ranges})
        assert answer.status_code == 200
        assert "content-range" not in answer.headers
        assert time.perf_counter() - begun < 20
