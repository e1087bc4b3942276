"""The change of a phone number as one thing: which codes are needed, what was sent, what may be repeated.

The walk is written once, as generators that ask for a client's methods; `PhoneChange` and `AsyncPhoneChange`
only call them. What it knows beyond the three operations:

- The old number is asked for a code where the account has one (a pool may not want it; giving it never hurts).
- A lost answer to `update_phone` is no reason to begin again: the same token is shown once more, and
  `UpdateTokenUsed` means that the number has moved.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from ostiary.client.errors import (
    APIConnectionError,
    ServerError,
    UnexpectedAnswer,
    UpdateTokenUsed,
    UsageError,
)

T = TypeVar("T")
Side = Literal["new", "old"]
CHANNELS: dict[Side, str] = {"new": "CHANNEL_BIND_PHONE", "old": "CHANNEL_UNBIND_PHONE"}

LOST = (APIConnectionError, ServerError, UnexpectedAnswer)
"""Errors after which it is not known whether the server did it."""


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


Walk = Generator[Ask, Any, T]


class PhoneChangeSteps:
    """What both hands share."""

    def __init__(self, client: Any, new: Number, *, prove_old: bool) -> None:
        self._client = client
        self._prove_old = prove_old
        self._sent: dict[Side, Number] = {}
        self.new = new
        """The number that is wanted."""
        self.old: Number | None = None
        """The account's number, as `send_codes` found it."""

    @property
    def needs(self) -> tuple[Side, ...]:
        """Whose codes `finish` wants; known after `send_codes`."""
        return tuple(self._sent)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} codes sent to: {', '.join(self._sent) or 'nobody yet'}>"

    def _send_codes(self, *, again: bool) -> Walk[tuple[Side, ...]]:
        if again:
            self._sent.clear()
        if self._prove_old and self.old is None:
            profile = (yield Ask("get_profile", {})).data
            if profile.phone:
                self.old = Number(profile.phone, profile.phone_country_code)
        numbers: dict[Side, Number | None] = {"new": self.new, "old": self.old}
        for side, number in numbers.items():
            if number is not None and side not in self._sent:
                yield Ask("send_sms", {"channel": CHANNELS[side], **_arguments(number)})
                self._sent[side] = number
        return self.needs

    def _finish(self, new_code: str, old_code: str | None) -> Walk[None]:
        if self.old is not None and old_code is None:
            raise UsageError("old_code is missing: a code was sent to the old number, too")
        payload = {"newPhonePassCode": new_code, **_payload("new", self.new)}
        if self.old is not None:
            payload |= {"oldPhonePassCode": old_code, **_payload("old", self.old)}
        answer = yield Ask("verify_update_phone_request", {"phone_pass_code_payload": payload})
        spend = Ask("update_phone", {"update_phone_token": answer.data.update_phone_token})
        try:
            yield spend
        except LOST:
            try:
                yield spend
            except UpdateTokenUsed:
                return  # the first one arrived; only its answer was lost


class PhoneChange(PhoneChangeSteps):
    """A change of phone number under way. Made by `AuthenticationClient.phone_change`."""

    def send_codes(self, *, again: bool = False) -> tuple[Side, ...]:
        """Send the codes that are needed, and tell to whom: `("new", "old")` or `("new",)`.

        Called again after an error it sends what is missing; with `again=True` it sends all once more (the
        same codes while they live; one message a minute per number, else `RateLimited`).
        """
        return self._walk(self._send_codes(again=again))

    def finish(self, new_code: str, old_code: str | None = None) -> None:
        """Show the codes and move the number.

        May be called again after `CodeWrong` (with better codes), and after `ReauthenticationRequired` by a
        client that has signed in again. After `CodeExpired` or `UpdateTokenError`: `send_codes(again=True)`.
        After `PhoneTaken`: another number.
        """
        self._walk(self._finish(new_code, old_code))

    def _walk(self, walk: Walk[T]) -> T:
        try:
            ask = next(walk)
            while True:
                try:
                    answer = getattr(self._client, ask.method)(**ask.arguments)
                except (*LOST, UpdateTokenUsed) as error:
                    ask = walk.throw(error)
                else:
                    ask = walk.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result


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
                    answer = await getattr(self._client, ask.method)(**ask.arguments)
                except (*LOST, UpdateTokenUsed) as error:
                    ask = walk.throw(error)
                else:
                    ask = walk.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result


def _arguments(number: Number) -> dict[str, Any]:
    return {"phone_number": number.phone_number, "phone_country_code": number.phone_country_code}


def _payload(side: Side, number: Number) -> dict[str, Any]:
    return {f"{side}PhoneNumber": number.phone_number, f"{side}PhoneCountryCode": number.phone_country_code}
