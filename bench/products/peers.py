"""The peers: better-auth and django-allauth, each in the server that its documentation recommends.

Their message sink writes into a named pipe that the driver reads; ours keeps it open, so that no server waits for it.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.databases import Databases
from bench.driving import FailedError
from bench.processes import Server, free_port, running
from bench.products.product import NEW, OLD, PASSIVE, Town

THREADS = 8
"""gunicorn's, in each of its processes."""


class Peer:
    """What both have in common."""

    pace: float = 4
    settles = 0.0
    title = ""
    journey = ""

    def __init__(self, databases: Databases, home: Path) -> None:
        self.databases = databases
        self.name = f"{self.title} {databases.dialect}"
        self._home = home

    def fill(self, folder: Path, active: int, passive: int) -> Town:
        folder.mkdir(parents=True, exist_ok=True)
        url = self.databases.fresh()
        result = subprocess.run(
            [*self._filler(), str(active), str(passive), OLD, NEW, PASSIVE],
            cwd=self._home,
            env={**os.environ, "BENCH_DATABASE": url},
            stdout=subprocess.PIPE,
            check=True,
        )
        people = [json.loads(line) for line in result.stdout.splitlines()]
        if len(people) != active:
            raise FailedError(f"{self.name}: {len(people)} of {active} people were made")
        return Town(url, people)

    @contextmanager
    def serve(
        self,
        town: Town,
        url: str,
        folder: Path,
        *,
        env: Mapping[str, str] | None = None,
        prefix: tuple[str, ...] = (),
    ) -> Iterator[Server]:
        port = free_port()
        pipe = self.phones(town, url, folder)["pipe"]
        if not Path(pipe).exists():
            os.mkfifo(pipe)
        held = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
        environment = {"BENCH_DATABASE": url, "BENCH_PORT": str(port), "BENCH_PIPE": pipe, **(env or {})}
        try:
            with running(
                (*prefix, *self._server(port)),
                port,
                self._health,
                folder / "log",
                env=environment,
                cwd=self._home,
            ) as server:
                yield server
        finally:
            os.close(held)

    def phones(self, town: Town, url: str, folder: Path) -> dict[str, Any]:  # noqa: ARG002 - ours need them
        return {"pipe": str(folder / "phones")}

    def moved(self, url: str) -> int:
        return int(self.databases.row(url, self._moved)[0])

    _health = ""
    _moved = ""

    def _filler(self) -> tuple[str, ...]:
        raise NotImplementedError

    def _server(self, port: int) -> tuple[str, ...]:
        raise NotImplementedError


class BetterAuth(Peer):
    title = "better-auth"
    journey = "better-auth"
    _health = "/api/auth/ok"
    _moved = f'SELECT count(*) FROM "user" WHERE "phoneNumber" LIKE \'{NEW}%\''

    def _filler(self) -> tuple[str, ...]:
        return ("node", "fill.mjs")

    def _server(self, port: int) -> tuple[str, ...]:  # noqa: ARG002 - it reads BENCH_PORT
        return ("node", "server.mjs")


class Allauth(Peer):
    title = "allauth"
    journey = "allauth"
    _health = "/_allauth/app/v1/config"
    _moved = f"SELECT count(*) FROM people_phone WHERE number LIKE '{NEW}%'"

    def _filler(self) -> tuple[str, ...]:
        return (".venv/bin/python", "fill.py")

    def _server(self, port: int) -> tuple[str, ...]:
        processes = 1 if self.databases.dialect == "sqlite" else 2
        return (
            *(
                ".venv/bin/gunicorn",
                "wsgi:application",
                "--bind",
                f"127.0.0.1:{port}",
                "--worker-class",
                "gthread",
            ),
            *(
                "--workers",
                str(processes),
                "--threads",
                str(THREADS),
                "--keep-alive",
                "30",
                "--log-level",
                "warning",
            ),
        )
