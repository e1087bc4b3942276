"""Everybody's phones and mailboxes: what the service would have sent, and did not."""

import time
import weakref
from collections.abc import Iterator

import anyio  # httpx2 stands on it: no dependency of its own
import httpx2
import msgspec

PATIENCE_SECONDS = 10.0
_PAUSE_SECONDS = 0.03
_MOST = 500


class Message(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """One text message or e-mail."""

    id: str
    """Newer messages have greater ids."""
    kind: str
    """`sms` or `email`."""
    to: str
    """The number in E.164 (`+8613800138000`), or the address."""
    channel: str
    """The channel of a code (`CHANNEL_BIND_PHONE`), or a notice's name: `phone_changed`, `phone_bound`,
    `phone_unbound`, `guesses_half`, `guesses_all`."""
    text: str
    code: str | None = None
    """The code that stands in the text; None in a notice."""
    subject: str | None = None
    created_at: str
    """UTC, ISO 8601."""


class NothingArrived(AssertionError):
    """No such message within the time; the text says what did arrive."""


class Inbox:
    """What arrived, newest first. Where the code under test runs in the test's own event loop, await `…_async`."""

    def __init__(self, url: str, http: httpx2.Client | None = None) -> None:
        """Look into the inbox of the service at `url`; `http` is a client of your own, which you close."""
        self._url = f"{url}/dev/inbox.json"
        self._http = http or httpx2.Client(trust_env=False)
        if http is None:
            weakref.finalize(self, self._http.close)

    def messages(self, to: str | None = None, channel: str | None = None) -> list[Message]:
        """What has arrived by now: at a number or address, of a channel or notice, where given."""
        query = {"limit": str(_MOST), **({"to": _recipient(to)} if to else {})}
        answer = self._http.get(self._url, params=query).raise_for_status()
        found = msgspec.json.decode(answer.content, type=list[Message])
        return [message for message in found if channel in {None, message.channel}]

    def message(
        self,
        to: str,
        channel: str | None = None,
        *,
        after: Message | None = None,
        timeout: float = PATIENCE_SECONDS,
    ) -> Message:
        """The newest message at a number or address; waits until there is one.

        A number without `+` is a mainland Chinese one, as in the API. With `after`, only what came later counts.
        Raises `NothingArrived` after `timeout` seconds.
        """
        return self._wait(to, channel, after, timeout)

    async def message_async(
        self,
        to: str,
        channel: str | None = None,
        *,
        after: Message | None = None,
        timeout: float = PATIENCE_SECONDS,  # noqa: ASYNC109 - the same argument as in `message`
    ) -> Message:
        """As `message`; other tasks of the loop go on meanwhile (asyncio or trio)."""
        return await self._wait_async(to, channel, after, timeout)

    def code(
        self,
        to: str,
        channel: str | None = None,
        *,
        after: Message | None = None,
        timeout: float = PATIENCE_SECONDS,
    ) -> str:
        """The code in the newest message that carries one, as in `message`; notices carry none."""
        return _code(self._wait(to, channel, after, timeout, with_code=True))

    async def code_async(
        self,
        to: str,
        channel: str | None = None,
        *,
        after: Message | None = None,
        timeout: float = PATIENCE_SECONDS,  # noqa: ASYNC109 - the same argument as in `code`
    ) -> str:
        """As `code`; other tasks of the loop go on meanwhile."""
        return _code(await self._wait_async(to, channel, after, timeout, with_code=True))

    def clear(self) -> None:
        """Empty all phones and mailboxes."""
        self._http.delete(self._url).raise_for_status()

    def _wait(
        self, to: str, channel: str | None, after: Message | None, timeout: float, *, with_code: bool = False
    ) -> Message:
        for found in self._looks(to, channel, after, timeout, with_code=with_code):
            if found is not None:
                return found
            time.sleep(_PAUSE_SECONDS)
        raise self._nothing(to, channel, with_code=with_code)

    async def _wait_async(
        self,
        to: str,
        channel: str | None,
        after: Message | None,
        timeout: float,  # noqa: ASYNC109 - the same argument as in `_wait`
        *,
        with_code: bool = False,
    ) -> Message:
        for found in self._looks(to, channel, after, timeout, with_code=with_code):
            if found is not None:
                return found
            await anyio.sleep(_PAUSE_SECONDS)
        raise self._nothing(to, channel, with_code=with_code)

    def _looks(
        self, to: str, channel: str | None, after: Message | None, timeout: float, *, with_code: bool
    ) -> Iterator[Message | None]:
        """One look after the other, at least one, until the time is over."""
        until = time.monotonic() + timeout
        while True:
            wanted = (
                message
                for message in self.messages(to, channel)
                if (after is None or message.id > after.id) and not (with_code and message.code is None)
            )
            yield next(wanted, None)
            if time.monotonic() >= until:
                return

    def _nothing(self, to: str, channel: str | None, *, with_code: bool) -> NothingArrived:
        seen = [f"{message.channel} to {message.to}" for message in self.messages()[:10]]
        wanted = " ".join(part for part in (channel, "code" if with_code else None) if part)
        what = f"no {wanted} arrived" if wanted else "nothing arrived"
        return NothingArrived(f"{what} at {_recipient(to)}; the inbox holds: {', '.join(seen) or 'nothing'}")


def _recipient(to: str) -> str:
    return to if "@" in to or to.startswith("+") else f"+86{to}"


def _code(message: Message) -> str:
    assert message.code is not None  # looked for with a code
    return message.code
