"""Sync and async: each client's core given its hand. The generated classes stand on these."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar

import httpx2

from ostiary.client import _json
from ostiary.client._authentication import AuthenticationCore
from ostiary.client._base import ClientCore
from ostiary.client._core import Response
from ostiary.client._drive import AsyncDriver, Driver
from ostiary.client._endpoint import Endpoint, Form
from ostiary.client._management import ManagementCore
from ostiary.client._phone_change import AsyncPhoneChange, Number, PhoneChange
from ostiary.client._refusals import unexpected
from ostiary.client._settings import pool_options
from ostiary.client.errors import NotLoggedIn, NotServed
from ostiary.contract.keys import Key

R = TypeVar("R")


class _Sync(ClientCore[httpx2.Client]):
    """Does calls in the caller's thread. May be shared between threads."""

    _driver: Driver

    def _open(self, http_client: httpx2.Client | None, *, use_unverified_ssl: bool) -> None:
        verify = pool_options(http_client, httpx2.Client, use_unverified_ssl=use_unverified_ssl)
        self._driver = Driver(http_client, self._transport.host, verify=verify)

    def _do(self, endpoint: Endpoint[R], form: Form) -> R:
        return self._driver.run(self._call(endpoint, form))

    def _not_served(self, sentence: str) -> Callable[..., Any]:
        def refuse(*_: object, **__: object) -> NoReturn:
            raise NotServed(sentence, status_code=501, key=Key.NOT_SERVED.value)

        return refuse

    def close(self) -> None:
        """Close the connections. A client made from another one leaves them open for it."""
        if not self._derived:
            self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Async(ClientCore[httpx2.AsyncClient]):
    """Does calls in the caller's task, under asyncio or trio. May be shared between the tasks of a loop."""

    _driver: AsyncDriver

    def _open(self, http_client: httpx2.AsyncClient | None, *, use_unverified_ssl: bool) -> None:
        verify = pool_options(http_client, httpx2.AsyncClient, use_unverified_ssl=use_unverified_ssl)
        self._driver = AsyncDriver(http_client, self._transport.host, verify=verify)

    async def _do(self, endpoint: Endpoint[R], form: Form) -> R:
        return await self._driver.run(self._call(endpoint, form))

    def _not_served(self, sentence: str) -> Callable[..., Any]:
        async def refuse(*_: object, **__: object) -> NoReturn:
            raise NotServed(sentence, status_code=501, key=Key.NOT_SERVED.value)

        return refuse

    async def close(self) -> None:
        """Close the connections. A client made from another one leaves them open for it."""
        if not self._derived:
            await self._driver.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class _Plain(_Sync):
    """Gives answers as they came, refusals included, for ``ostiary.compat``."""

    def _ask(self, endpoint: Endpoint[Any], form: Form) -> dict[str, Any]:
        try:
            reader = _plain_or_empty if endpoint.bodyless else _plain_answer
            return self._do(replace(endpoint, make_reader=lambda: reader), form)
        except TurnedAway as error:
            return error.body

    def _not_served(self, sentence: str) -> Callable[..., Any]:
        return lambda *_, **__: {"statusCode": 501, "message": sentence}


class TurnedAway(NotLoggedIn):
    """A 401 on its way to the core, which may have a fresher token to try with."""

    body: dict[str, Any]


def _plain_answer(response: Response) -> dict[str, Any]:
    """The body, whatever it says; a 401 is raised so that the core sees it."""
    try:
        body = _json.read_any(response.content)
    except _json.NotReadable:
        body = None
    if not isinstance(body, dict):
        raise unexpected(response, "it is not a JSON object")
    if body.get("statusCode") == 401:
        error = TurnedAway(str(body.get("message")), status_code=401)
        error.body = body
        raise error
    return body


def _plain_or_empty(response: Response) -> dict[str, Any]:
    """As `_plain_answer`, for a success that says nothing."""
    if not response.content and 200 <= response.status < 300:
        return {}
    return _plain_answer(response)


class SyncAuthentication(_Sync, AuthenticationCore[httpx2.Client]):
    """An app's client for threads."""

    def phone_change(
        self, new_phone_number: str, new_phone_country_code: str | None = None, *, prove_old: bool = True
    ) -> PhoneChange:
        """Begin to change the signed-in user's number: `send_codes`, then `finish` with what was typed.

        `prove_old=False` for someone who no longer has the old number: the pool has to allow that, and wants
        a fresh sign-in. For example::

            change = client.phone_change("13900139000")
            change.send_codes()
            change.finish(new_code="123456", old_code="654321")
        """
        return PhoneChange(
            self, self._driver.run, Number(new_phone_number, new_phone_country_code), prove_old=prove_old
        )

    def introspect_token_offline(
        self,
        token: str,
        server_jwks: Mapping[str, Any] | None = None,
        *,
        typ: str | None = "at+jwt",
        alg: str | None = None,
    ) -> dict[str, Any]:
        """Check a token on this machine and give its claims; `TokenNotValid` where it is not good.

        Signature, issuer, audience (this app) and expiry are checked; that its session has not ended
        meanwhile is not. `typ` is the kind of token wanted: `at+jwt` an access token, `JWT` an id token,
        `app+jwt` the app's own, None any but one signed by HS256 (servers other than Ostiary). `alg` is what the app is set to:
        another one is refused; None: what the key is for, and HS256 for id tokens of a client that has
        `app_secret`. `server_jwks`: the keys, else fetched and kept. Needs `pip install 'ostiary[offline]'`.
        """
        return self._driver.run(self._introspect(token, server_jwks, typ, alg))


class AsyncAuthentication(_Async, AuthenticationCore[httpx2.AsyncClient]):
    """An app's client for tasks."""

    def phone_change(
        self, new_phone_number: str, new_phone_country_code: str | None = None, *, prove_old: bool = True
    ) -> AsyncPhoneChange:
        """As `AuthenticationClient.phone_change`; the steps are awaited."""
        return AsyncPhoneChange(
            self, self._driver.run, Number(new_phone_number, new_phone_country_code), prove_old=prove_old
        )

    async def introspect_token_offline(
        self,
        token: str,
        server_jwks: Mapping[str, Any] | None = None,
        *,
        typ: str | None = "at+jwt",
        alg: str | None = None,
    ) -> dict[str, Any]:
        """As `AuthenticationClient.introspect_token_offline`."""
        return await self._driver.run(self._introspect(token, server_jwks, typ, alg))


class SyncManagement(_Sync, ManagementCore[httpx2.Client]):
    """An access key's client for threads."""


class PlainAuthentication(_Plain, AuthenticationCore[httpx2.Client]):
    """An app's client that speaks dicts."""

    def introspect_token_offline(
        self, token: str, server_jwks: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Check a token on this machine and give its claims; `TokenNotValid` where it is not good."""
        return self._driver.run(self._introspect(token, server_jwks, None))


class PlainManagement(_Plain, ManagementCore[httpx2.Client]):
    """An access key's client that speaks dicts."""


class AsyncManagement(_Async, ManagementCore[httpx2.AsyncClient]):
    """An access key's client for tasks."""
