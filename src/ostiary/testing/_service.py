"""A real `ostiary serve --dev`, as a process of its own on a free port, over a scratch folder."""

import importlib.util
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from ostiary import AsyncAuthenticationClient, AuthenticationClient, ManagementClient
from ostiary.contract.signin import LoginTokenResponseData
from ostiary.testing._clock import Clock
from ostiary.testing._inbox import Inbox
from ostiary.testing._people import SCOPE, Person

START_SECONDS = 60
STOP_SECONDS = 12


class NotStarted(RuntimeError):
    """The service did not become ready; the message is the end of its log."""


class DirectAsyncClient(AsyncAuthenticationClient):
    """One whose connections go past the environment's proxy, and end with it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Take `AsyncAuthenticationClient`'s arguments, all but `http_client`."""
        self._direct = httpx2.AsyncClient(timeout=30, trust_env=False)
        super().__init__(*arguments, http_client=self._direct, **options)

    async def close(self) -> None:
        """Close the connections. A client made from another one leaves them open for it."""
        await super().close()
        if not self._derived:
            await self._direct.aclose()


class Service:
    """A running service, and hands to use it with. Made by `start`."""

    def __init__(self, folder: Path, log: Path) -> None:
        """Read what dev mode wrote into its data folder."""
        self._dev: dict[str, Any] = json.loads((folder / "dev.json").read_text(encoding="utf-8"))
        self._log = log
        self._count = itertools.count(1)
        self._http = httpx2.Client(timeout=30, trust_env=False)  # a proxy has no business on loopback
        self.folder = folder
        """The data folder, with `dev.json` in it."""
        self.url: str = self._dev["url"]
        """Where it answers: the SDK's `app_host`, and `host` of `ManagementClient`."""
        self.app_id: str = self._dev["appId"]
        self.app_secret: str = self._dev["appSecret"]
        self.user_pool_id: str = self._dev["userPoolId"]
        self.access_key_id: str = self._dev["accessKeyId"]
        self.access_key_secret: str = self._dev["accessKeySecret"]
        self.inbox = Inbox(self.url, self._http)
        """Everybody's phones and mailboxes."""
        self.clock = Clock(self.url, self._http)
        """The service's clock."""
        self.management = ManagementClient(
            self.access_key_id, self.access_key_secret, host=self.url, lang="en-US", http_client=self._http
        )
        """The pool's administrator."""

    def __repr__(self) -> str:
        return f"<Service at {self.url}>"

    def client(self, access_token: str | None = None, **options: Any) -> AuthenticationClient:
        """A client of the app, with `AuthenticationClient`'s options; its connections are the service's own."""
        options = {
            "app_secret": self.app_secret,
            "lang": "en-US",
            "http_client": self._http,
            **options,
        }
        return AuthenticationClient(self.app_id, self.url, access_token=access_token, **options)

    def async_client(self, access_token: str | None = None, **options: Any) -> AsyncAuthenticationClient:
        """The same for tasks, with connections of its own: use it in `async with`."""
        options = {"app_secret": self.app_secret, "lang": "en-US", **options}
        make = AsyncAuthenticationClient if "http_client" in options else DirectAsyncClient
        return make(self.app_id, self.url, access_token=access_token, **options)

    def sign_in(
        self, account: str, password: str, scope: str = SCOPE
    ) -> tuple[AuthenticationClient, LoginTokenResponseData]:
        """Sign in with a password and any name of an account: the client of that session, and its tokens."""
        client = self.client()
        tokens = client.sign_in_by_account_password(account, password, options={"scope": scope}).data
        return client.with_access_token(tokens.access_token), tokens

    def number(self) -> str:
        """A mobile number that nobody has yet, in E.164."""
        return f"+86139{next(self._count):08d}"

    def person(self, username: str | None = None, *, phone: str | bool = True, **profile: Any) -> Person:
        """Make a user and sign them in.

        `username` is else one that nobody has; `phone` tells which number in E.164 (False: none), `profile` are
        further arguments of `ManagementClient.create_user`.
        """
        name = username or f"person{next(self._count)}"
        number = self.number() if phone is True else phone or None
        password = f"the password of {name}"
        user = self.management.create_user(
            **{
                "username": name,
                "password": password,
                "email": f"{name}@example.com",
                "email_verified": True,
                "phone": number,
                "phone_verified": number is not None,
                **profile,
            }
        ).data
        client, tokens = self.sign_in(name, password)
        return Person(
            service=self,
            user_id=user.user_id,
            username=name,
            password=password,
            email=user.email or "",
            phone=number,
            client=client,
            access_token=tokens.access_token or "",
            refresh_token=tokens.refresh_token or "",
        )

    @contextmanager
    def settings(self, **changes: Any) -> Iterator[None]:
        """The pool's settings with changes, put back at the end: `settings(step_up_max_age=60)`.

        Names are the arguments of `ManagementClient.update_security_settings`.
        """
        before = self.management.get_security_settings().data
        self.management.update_security_settings(**changes)
        try:
            yield
        finally:
            self.management.update_security_settings(**{name: getattr(before, name) for name in changes})

    def log(self) -> str:
        """What the service has logged so far, as JSON lines."""
        return self._log.read_text(encoding="utf-8")

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


@contextmanager
def start(*arguments: str) -> Iterator[Service]:
    """Start a service on a free port and an embedded database; at the end it is stopped and all is removed.

    `arguments` are further ones of `ostiary serve` (`"--database", "postgresql://…"`). Settings in OSTIARY_*
    variables are not passed on. Raises `NotStarted`.
    """
    if importlib.util.find_spec("uvicorn") is None:
        raise NotStarted("the service is not installed: pip install 'ostiary[server]'")
    folder = Path(tempfile.mkdtemp(prefix="ostiary-testing-"))
    try:
        process = _launch(folder, arguments)
        try:
            with _watched(process, folder):
                _wait_until_ready(process, folder / "log")
                service = Service(folder / "data", folder / "log")
                try:
                    yield service
                finally:
                    service.close()
        finally:
            _stop(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _launch(folder: Path, arguments: tuple[str, ...]) -> "subprocess.Popen[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OSTIARY_")}
    with (folder / "log").open("w", encoding="utf-8") as log:
        return subprocess.Popen(  # noqa: S603 - our own command; its arguments are the test author's
            [
                *(sys.executable, "-m", "ostiary.cli", "serve", "--dev", "--port", "0"),
                *("--data-dir", str(folder / "data"), *arguments),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment,
            cwd=folder,  # a settings file of the project under test is not the service's
        )


@contextmanager
def _watched(process: "subprocess.Popen[str]", folder: Path) -> Iterator[None]:
    """Meanwhile somebody else would end the service: where this process is killed. See `_watch.py`."""
    script = Path(__file__).with_name("_watch.py")
    watch = subprocess.Popen(  # noqa: S603 - our own script, our own arguments
        [sys.executable, "-I", "-S", str(script), str(os.getpid()), str(process.pid), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,  # who reads the run's output to its end must not wait for this one
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the run, which then ends the service itself
        cwd="/",
    )
    try:
        yield
    finally:
        watch.kill()
        watch.communicate()


def _wait_until_ready(process: "subprocess.Popen[str]", log: Path) -> None:
    """Read the ready line. A process that says nothing is ended."""
    watchdog = threading.Timer(START_SECONDS, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        if not process.stdout.readline():
            process.wait(STOP_SECONDS)
            raise NotStarted(log.read_text(encoding="utf-8")[-3_000:] or "it ended without a word")
    finally:
        watchdog.cancel()


def _stop(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    assert process.stdout is not None
    process.stdout.close()
