"""A sender for any gateway: an HTTPS request with the message in it, signed as Standard Webhooks says.

The receiver verifies the signature over `id.timestamp.body`, answers 2xx once the message is its own, and drops an id
that it has seen: after a crash of ours a message may come twice (https://www.standardwebhooks.com, "webhook-id").
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from ostiary.server.core import strangers_json
from ostiary.server.core.millis import HOUR, SECOND
from ostiary.server.core.ports import Ports
from ostiary.server.delivery.messages import Rendered
from ostiary.server.delivery.outbound import ForbiddenError, Outbound, Reply, Target
from ostiary.server.delivery.routes import PermanentError, TransientError

_PREFIX = "whsec_"
LEAST_SECRET = 24
MOST_SECRET = 64
"""Bytes (Standard Webhooks, "Signature scheme")."""
LATER = frozenset({408, 425, 429})
"""Answers of the 4xx that mean 'not now'; the others mean 'never'."""
LONGEST_PAUSE = HOUR
"""A gateway that asks for more is asked again then."""
_MOST_ID = 128


class Webhook:
    """One URL, one or more secrets: while a secret is changed, each message carries a signature with each."""

    def __init__(self, outbound: Outbound, ports: Ports, url: str, secrets: str) -> None:
        """Raises ValueError where the URL or a secret is none."""
        self._outbound = outbound
        self._ports = ports
        self._target = Target.parse(url)
        self._secrets = read_secrets(secrets)

    def __repr__(self) -> str:
        return f"Webhook({self._target.host})"

    async def send(self, message: Rendered) -> str:
        """Hand it over; the `id` of the gateway's JSON answer, '' where it says none."""
        moment = self._ports.clock.undisturbed()  # receivers compare it with theirs: no dev clock
        body = payload(message, moment)
        headers = {
            "content-type": "application/json",
            "accept": "application/json",
            "accept-encoding": "identity",
            "user-agent": "ostiary",
            **signed(self._secrets, message.id, moment // SECOND, body),
        }
        try:
            reply = await self._outbound.post(self._target, headers, body)
        except ForbiddenError as error:
            raise TransientError(str(error)) from error
        return self._judge(message, reply, moment)

    @staticmethod
    def _judge(message: Rendered, reply: Reply, moment: int) -> str:
        """What an answer means. Its body is never quoted: gateways repeat in it what they were sent."""
        if 200 <= reply.status < 300:
            return provider_id(reply, message)
        said = f"HTTP {reply.status}"
        if reply.status in LATER or reply.status >= 500:
            raise TransientError(said, retry_after(reply.headers.get("retry-after"), moment))
        raise PermanentError(f"{said}: redirects are not followed" if 300 <= reply.status < 400 else said)


def payload(message: Rendered, moment: int) -> bytes:
    """The body: type and timestamp around the message, as Standard Webhooks advises. Absent is left out."""
    data: dict[str, Any] = {
        "id": message.id,
        "userPoolId": message.pool_id,
        "medium": message.medium,
        "to": message.to,
        "purpose": message.purpose,
        "lang": message.lang,
        "text": message.text,
        "subject": message.subject,
        "html": message.html,
        "code": message.code,
        "link": message.link,
        "minutes": message.minutes,
    }
    return msgspec.json.encode(
        {
            "type": f"message.{message.medium}",
            "timestamp": datetime.fromtimestamp(moment / SECOND, UTC).isoformat(timespec="milliseconds"),
            "data": {name: value for name, value in data.items() if value is not None},
        }
    )


def signed(secrets: Sequence[bytes], message_id: str, seconds: int, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks, with a signature of each secret."""
    content = f"{message_id}.{seconds}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(secret, content, "sha256")).decode() for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def read_secrets(text: str) -> tuple[bytes, ...]:
    """`whsec_<base64>`, several with blanks between them. Raises ValueError without quoting any."""
    secrets = tuple(_secret(part) for part in text.split())
    if not secrets:
        raise ValueError("there is no secret")
    return secrets


def _secret(text: str) -> bytes:
    encoded = text.removeprefix(_PREFIX)
    try:
        secret = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error:
        secret = b""
    if not (text.startswith(_PREFIX) and LEAST_SECRET <= len(secret) <= MOST_SECRET):
        raise ValueError(f"a secret is {_PREFIX} and base64 of {LEAST_SECRET} to {MOST_SECRET} random bytes")
    return secret


def retry_after(said: str | None, moment: int) -> int:
    """Milliseconds a `Retry-After` asks for (RFC 9110 §10.2.3: seconds, or a date), 0 where it says nothing sensible."""
    if said is None:
        return 0
    text = said.strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]) * SECOND, LONGEST_PAUSE)
    try:
        until = parsedate_to_datetime(text).timestamp() * SECOND
    except (ValueError, OverflowError):
        return 0
    return int(max(0, min(until - moment, LONGEST_PAUSE)))


def provider_id(reply: Reply, message: Rendered) -> str:
    """The `id` in a JSON answer; '' where there is none, or where it would store what no row may hold."""
    answer = strangers_json.read(reply.body, msgspec.json.decode)
    said = answer.get("id") if isinstance(answer, dict) else None
    if not isinstance(said, str | int) or isinstance(said, bool):
        return ""
    text = str(said)
    secret = (message.code, message.to.lstrip("+"))
    if not text.isprintable() or len(text) > _MOST_ID or any(part and part in text for part in secret):
        return ""
    return text
