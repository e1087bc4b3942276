"""The real service for tests: `ostiary serve --dev` as a process of its own, and hands to use it with.

Servers are shared by a run's tests (see `tests/journeys/conftest.py`), so a test makes its own people and numbers
(`person`, `number`), puts settings back (`settings`), and asks for a service of its own (`start`) to stop or
kill. The clock only goes forward: whoever moves it moves it for the tests after, which do not mind.
"""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import httpx2

from ostiary import AuthenticationClient, ManagementClient

START_SECONDS = 30
STOP_SECONDS = 12
MESSAGE_SECONDS = 10

BIND: Final = "CHANNEL_BIND_PHONE"
UNBIND: Final = "CHANNEL_UNBIND_PHONE"
LOGIN: Final = "CHANNEL_LOGIN"
UPDATE_EMAIL: Final = "CHANNEL_UPDATE_EMAIL"
BIND_EMAIL: Final = "CHANNEL_BIND_EMAIL"
UNBIND_EMAIL: Final = "CHANNEL_UNBIND_EMAIL"
REGISTER: Final = "CHANNEL_REGISTER"

_numbers = itertools.count(13_900_000_001)
_people = itertools.count(1)


class NotReadyError(Exception):
    """The process ended, or said nothing in time; the message is the end of its log."""


@dataclass
class Person:
    """A user of the dev pool, signed in by password unless told otherwise."""

    service: "Service"
    user_id: str
    username: str
    password: str
    email: str
    phone: str | None
    """E.164."""
    client: AuthenticationClient

    @property
    def national(self) -> str:
        """The number as people type it."""
        assert self.phone is not None
        return self.phone.removeprefix("+86")

    def signed_in(self, scope: str = "openid profile") -> AuthenticationClient:
        """A new sign-in of theirs, on another device."""
        return self.service.signed_in(self.username, self.password, scope=scope)


@dataclass
class Service:
    """A started service."""

    folder: Path
    """The data folder."""
    database: str | None
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    process: "subprocess.Popen[str]" = field(init=False, repr=False)
    url: str = field(init=False, default="")
    _arrived: dict[str, dict[str, Any]] = field(init=False, repr=False, default_factory=dict)
    """Every message that was ever looked at, by its id: the service itself forgets them after a day."""

    # ── life ────────────────────────────────────────────────────────────────────────────────

    def start(self, *, port: int = 0) -> "Service":
        """Start it and wait until it is ready."""
        self.process = launch(
            self.folder,
            "serve",
            "--dev",
            *("--port", str(port)),
            *(("--database", self.database) if self.database else ()),
            *self.arguments,
            environment=self.environment,
        )
        line = first_line(self.process)
        if not line:
            raise NotReadyError(self.log()[-3_000:])
        ready = json.loads(line)
        assert ready["event"] == "ready"
        self.url = ready["url"]
        return self

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        code = self._terminate()
        self._close_connections()
        return code

    def kill(self) -> None:
        """SIGKILL, to the process and (with workers) its children."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()

    def restart(self) -> "Service":
        """Stop (unless it was killed) and start on the same port: clients and tokens stay good."""
        if self.process.poll() is None:
            assert self._terminate() == 0
        return self.start(port=self.port)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    def log(self) -> str:
        """What it has logged so far."""
        return (self.folder.parent / f"{self.folder.name}.log").read_text()

    def _terminate(self) -> int:
        return end(self.process)[0]

    def _close_connections(self) -> None:
        if "http" in self.__dict__:
            self.http.close()

    # ── hands ───────────────────────────────────────────────────────────────────────────────

    @property
    def dev(self) -> dict[str, Any]:
        """What `dev.json` says."""
        found: dict[str, Any] = json.loads((self.folder / "dev.json").read_text())
        return found

    @cached_property
    def ids(self) -> dict[str, Any]:
        """The same, read once: ids and secrets do not change over restarts."""
        return self.dev

    @cached_property
    def http(self) -> httpx2.Client:
        """Plain HTTP, for what the SDK would not do; all SDK clients share its connections, and `stop` closes them."""
        return httpx2.Client(base_url=self.url, timeout=30, trust_env=False)

    @cached_property
    def management(self) -> ManagementClient:
        """The administrator."""
        return ManagementClient(
            self.ids["accessKeyId"],
            self.ids["accessKeySecret"],
            host=self.url,
            lang="en-US",
            http_client=self.http,
        )

    def client(self, access_token: str | None = None, **options: Any) -> AuthenticationClient:
        """The dev app's client."""
        options = {
            "lang": "en-US",
            "app_secret": self.ids["appSecret"],
            "http_client": self.http,
            **options,
        }
        return AuthenticationClient(self.ids["appId"], self.url, access_token=access_token, **options)

    def signed_in(
        self, username: str, password: str, scope: str = "openid profile", **options: Any
    ) -> AuthenticationClient:
        """A client with a token of a new sign-in."""
        client = self.client(**options)
        tokens = client.sign_in_by_username_password(username, password, options={"scope": scope})
        return client.with_access_token(tokens.data.access_token)

    def number(self) -> str:
        """A mobile number that nobody has, E.164."""
        return f"+86{next(_numbers)}"

    def address(self) -> str:
        """An e-mail address that nobody has."""
        return f"new{next(_numbers)}@example.org"

    def person(
        self, *, phone: str | bool = True, sign_in: bool = True, email_verified: bool = True
    ) -> Person:
        """A new user with a verified number (`phone`: which, or False for none) and e-mail address."""
        name = f"person{next(_people)}"
        number = self.number() if phone is True else phone or None
        password = f"password of {name}"
        user = self.management.create_user(
            username=name,
            email=f"{name}@example.com",
            password=password,
            phone=number,
            phone_verified=number is not None,
            email_verified=email_verified,
        ).data
        client = self.signed_in(name, password) if sign_in else self.client()
        return Person(self, user.user_id, name, password, f"{name}@example.com", number, client)

    def advance(self, seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """Move the service's clock on."""
        whole = int(seconds + 60 * minutes + 3_600 * hours + 86_400 * days)
        self.http.post("/dev/clock", json={"advanceSeconds": whole}).raise_for_status()

    @contextmanager
    def settings(self, **changes: Any) -> Iterator[None]:
        """The pool's settings with changes (wire names), put back at the end."""
        before = self.management.get_security_settings().data
        self._set(changes)
        try:
            yield
        finally:
            import msgspec

            old = msgspec.to_builtins(before)
            self._set({name: old[name] for name in changes})

    def _set(self, changes: Mapping[str, Any]) -> None:
        token = self.http.post(
            "/api/v3/get-management-token",
            json={"accessKeyId": self.ids["accessKeyId"], "accessKeySecret": self.ids["accessKeySecret"]},
        ).json()["data"]["access_token"]
        answer = self.http.post(
            "/api/v3/update-security-settings",
            json=dict(changes),
            headers={"authorization": f"Bearer {token}"},
        ).json()
        assert answer["statusCode"] == 200, answer

    # ── the phones ──────────────────────────────────────────────────────────────────────────

    def inbox(self, to: str | None = None) -> list[dict[str, Any]]:
        """What arrived (at one number or address), newest first."""
        query = {"limit": "500", **({"to": to} if to else {})}
        found: list[dict[str, Any]] = self.http.get("/dev/inbox.json", params=query).json()
        self._arrived.update((entry["id"], entry) for entry in found)
        return found

    def arrived(self, to: str, channel: str | None = None) -> list[dict[str, Any]]:
        """What arrived at an address (of one channel or notice), newest first; those that the service forgot last."""
        found = self.inbox(to)
        there = {entry["id"] for entry in found}
        found += [
            entry for entry in list(self._arrived.values()) if entry["to"] == to and entry["id"] not in there
        ]
        return [entry for entry in found if channel in {None, entry["channel"]}]

    def message(self, to: str, channel: str | None = None, *, count: int = 1) -> dict[str, Any]:
        """The newest message at an address, once `count` of them have arrived (of one channel or notice)."""
        until = time.monotonic() + MESSAGE_SECONDS
        while True:
            found = self.arrived(to, channel)
            if len(found) >= count:
                return found[0]
            assert time.monotonic() < until, f"{len(found)} of {count} messages at {to}: {found}"
            time.sleep(0.05)

    def code(self, to: str, channel: str, *, count: int = 1) -> str:
        """The code in it."""
        text: str = self.message(to, channel, count=count)["code"]
        return text


def start(
    folder: Path,
    database: str | None = None,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
) -> Service:
    """Start a service on a data folder; SQLite in it unless a database is named."""
    return Service(folder, database, arguments, environment or {}).start()


def launch(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> "subprocess.Popen[str]":
    """Run `ostiary` with a data folder, its standard output ours, its log beside the folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.log").open("a") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "ostiary.cli", *arguments, "--data-dir", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=clean_environment(environment),
            start_new_session=True,
        )


def run(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Run a command to its end: exit code, standard output, standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "ostiary.cli", *arguments, "--data-dir", str(folder)],
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
        env=clean_environment(environment),
    )
    return done.returncode, done.stdout, done.stderr


def end(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """SIGTERM: exit code, and what else it wrote to standard output."""
    process.terminate()
    code = process.wait(STOP_SECONDS)
    assert process.stdout is not None
    with process.stdout:
        return code, process.stdout.read()


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours without settings of the service, plus those given."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("OSTIARY_")}
    return {**ours, **(extra or {})}


def first_line(process: "subprocess.Popen[str]") -> str:
    """The ready line, or '' where the process ended without one. A process that hangs is ended."""
    import threading

    watchdog = threading.Timer(START_SECONDS, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        return process.stdout.readline()
    finally:
        watchdog.cancel()
