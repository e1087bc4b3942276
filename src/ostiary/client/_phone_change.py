"""The change of a phone number as one thing: which codes are needed, what was sent, what may be repeated.

The walk is written once, as generators that ask for a client's methods; `PhoneChange` and `AsyncPhoneChange`
only call them. What it knows beyond the three operations:

- The old number is asked for a code where the account has one (a pool may not want it; giving it never hurts).
- A lost answer to `update_phone` is no reason to begin again: the same token is shown once more, after a pause
  and, where that answer is lost as well, at the next `finish`. `UpdateTokenUsed` means that the number has moved.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypeVar

from ostiary.client._core import Call, Wait
from ostiary.client.errors import (
    APIConnectionError,
    OldPhoneMismatch,
    OstiaryError,
    PhoneTaken,
    SamePhone,
    ServerError,
    UnexpectedAnswer,
    UpdateTokenError,
    UpdateTokenUsed,
    UsageError,
)

T = TypeVar("T")
Side = Literal["new", "old"]
CHANNELS: dict[Side, str] = {"new": "CHANNEL_BIND_PHONE", "old": "CHANNEL_UNBIND_PHONE"}

LOST = (APIConnectionError, ServerError, UnexpectedAnswer)
"""Errors after which it is not known whether the server did it."""

SPENT = (UpdateTokenError, OldPhoneMismatch, PhoneTaken)
"""Refusals of `update_phone` after which its token is good for nothing."""

PAUSE = Wait(1.0, 2.0)
"""Between the two showings of a token: a service that is being started again must not lose both answers."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number as typed."""

    phone_number: str
    phone_country_code: str | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A method of the client to call."""

    method: str
    arguments: dict[str, Any] = field(repr=False)


Walk: TypeAlias = Generator[Ask | Wait, Any, T]
"""Yields what is wanted; is sent a method's answer for an `Ask`, None for a `Wait`, or has an error thrown in."""


class PhoneChangeSteps:
    """What both hands share."""

    def __init__(
        self, client: Any, run: Callable[[Call[None]], Any], new: Number, *, prove_old: bool
    ) -> None:
        """`run` drives a call: a pause is the driver's to make."""
        self._client = client
        self._run = run
        self._prove_old = prove_old
        self._sent: dict[Side, Number] = {}
        self._token: str | None = None
        self._may_have_moved = False
        self.new = new
        """The number that is wanted."""
        self.old: Number | None = None
        """The account's number, as `send_codes` found it; None also where it was not looked for."""

    @property
    def needs(self) -> tuple[Side, ...]:
        """Whose codes `finish` wants; known after `send_codes`."""
        return tuple(self._sent)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} codes sent to: {', '.join(self._sent) or 'nobody yet'}>"

    def _send_codes(self, *, again: bool) -> Walk[tuple[Side, ...]]:
        if again:
            self._sent.clear()
        if self._prove_old and (again or self.old is None):
            profile = (yield Ask("get_profile", {})).data
            self.old = Number(profile.phone, profile.phone_country_code) if profile.phone else None
        numbers: dict[Side, Number | None] = {"new": self.new, "old": self.old}
        for side, number in numbers.items():
            if number is not None and side not in self._sent:
                yield Ask("send_sms", {"channel": CHANNELS[side], **_arguments(number)})
                self._sent[side] = number
        return self.needs

    def _finish(self, new_code: str, old_code: str | None) -> Walk[None]:
        if self.old is not None and old_code is None:
            raise UsageError("old_code is missing: a code was sent to the old number, too")
        if self._token is not None:  # granted by codes that were right, and not known to be spent
            try:
                return (yield from self._spend(self._token))
            except UpdateTokenError:
                pass  # expired meanwhile: the codes are proven again
        try:
            self._token = yield from self._prove(new_code, old_code)
        except SamePhone:
            if not self._may_have_moved:
                raise
            self._may_have_moved = False  # it did, and what the token was for is forgotten there
            return None
        self._may_have_moved = False  # a token is granted only where the number is still another one
        return (yield from self._spend(self._token))

    def _prove(self, new_code: str, old_code: str | None) -> Walk[str]:
        payload = {"newPhonePassCode": new_code, **_payload("new", self.new)}
        if self.old is not None:
            payload |= {"oldPhonePassCode": old_code, **_payload("old", self.old)}
        answer = yield Ask("verify_update_phone_request", {"phone_pass_code_payload": payload})
        token: str = answer.data.update_phone_token
        return token

    def _spend(self, token: str) -> Walk[None]:
        show = Ask("update_phone", {"update_phone_token": token})
        self._may_have_moved = True  # beforehand: a task that is cancelled meanwhile comes to no line after
        try:
            try:
                yield show
            except LOST:
                yield PAUSE
                yield show
        except UpdateTokenUsed:
            pass  # this token moved this number: an earlier showing arrived, only its answer was lost
        except SPENT:
            self._token = None
            raise
        self._token, self._may_have_moved = None, False


def _alone(pause: Wait) -> Call[None]:
    yield pause


class PhoneChange(PhoneChangeSteps):
    """A change of phone number under way. Made by `AuthenticationClient.phone_change`."""

    def send_codes(self, *, again: bool = False) -> tuple[Side, ...]:
        """Send the codes that are needed, and tell to whom: `("new", "old")` or `("new",)`.

        Called again after an error it sends what is missing; with `again=True` it looks again for the number
        that the account has and sends all once more (the same codes while they live; one message a minute per
        number, else `RateLimited`).
        """
        return self._walk(self._send_codes(again=again))

    def finish(self, new_code: str, old_code: str | None = None) -> None:
        """Show the codes and move the number.

        May be called again after `CodeWrong` (with better codes), and after `ReauthenticationRequired` by a
        client that has signed in again. After `CodeExpired` or `UpdateTokenError`: `send_codes(again=True)`.
        After `PhoneTaken`: another number.

        After `APIConnectionError`, `ServerError` or `UnexpectedAnswer` it is not known whether the number moved.
        Keep this object and call `finish` again, with the same codes, once the service answers: a change that was
        done is found done, one that was proven and not done is done now. If that raises `CodeExpired`, it was
        the answer to the codes that was lost, or too much time went by: `send_codes(again=True)`.
        """
        self._walk(self._finish(new_code, old_code))

    def _walk(self, walk: Walk[T]) -> T:
        try:
            ask = next(walk)
            while True:
                try:
                    answer = self._do(ask)
                except OstiaryError as error:
                    ask = walk.throw(error)
                else:
                    ask = walk.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result

    def _do(self, ask: Ask | Wait) -> Any:
        if isinstance(ask, Wait):
            return self._run(_alone(ask))
        return getattr(self._client, ask.method)(**ask.arguments)


class AsyncPhoneChange(PhoneChangeSteps):
    """A change of phone number under way. Made by `AsyncAuthenticationClient.phone_change`."""

    async def send_codes(self, *, again: bool = False) -> tuple[Side, ...]:
        """As `PhoneChange.send_codes`."""
        return await self._walk(self._send_codes(again=again))

    async def finish(self, new_code: str, old_code: str | None = None) -> None:
        """As `PhoneChange.finish`."""
        await self._walk(self._finish(new_code, old_code))

    async def _walk(self, walk: Walk[T]) -> T:
        try:
            ask = next(walk)
            while True:
                try:
                    answer = await self._do(ask)
                except OstiaryError as error:
                    ask = walk.throw(error)
                else:
                    ask = walk.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result

    async def _do(self, ask: Ask | Wait) -> Any:
        if isinstance(ask, Wait):
            return await self._run(_alone(ask))
        return await getattr(self._client, ask.method)(**ask.arguments)


def _arguments(number: Number) -> dict[str, Any]:
    return {"phone_number": number.phone_number, "phone_country_code": number.phone_country_code}


def _payload(side: Side, number: Number) -> dict[str, Any]:
    return {f"{side}PhoneNumber": number.phone_number, f"{side}PhoneCountryCode": number.phone_country_code}
