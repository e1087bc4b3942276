"""Raw connections to the running service, and how much memory it holds."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.service import Service

PATIENCE = 15


@contextmanager
def connected(service: Service) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE) as wire:
        yield wire


def answer_of(wire: socket.socket) -> tuple[int, dict[str, str], Any]:
    """Status, headers and JSON of the next answer on a connection. EOFError where there is none."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):  # byte by byte: what follows is the next answer's
        more = wire.recv(1)
        if not more:
            raise EOFError(head)
        head += more
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:-2])}
    body = b""
    while len(body) < (length := int(headers.get("content-length", 0))):
        body += wire.recv(length - len(body))
    return int(lines[0].split()[1]), headers, json.loads(body) if body else None


def tried(service: Service, sent: bytes) -> tuple[int, dict[str, str], Any]:
    """The answer to these bytes on a connection of their own."""
    with connected(service) as wire:
        send(wire, sent)
        return answer_of(wire)


def send(wire: socket.socket, sent: bytes) -> None:
    """All of it, or as much as the other side takes."""
    try:
        wire.sendall(sent)
    except (BrokenPipeError, ConnectionResetError):
        return


def resident(service: Service) -> int:
    """KiB of memory that the serving process holds."""
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found
    return int(found[1])


def post(path: str, body: bytes, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: localhost", f"content-length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def chunked(path: str, chunks: bytes, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: localhost", "transfer-encoding: chunked", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + chunks
