"""Headers → `Call`. What can't be read counts as absent; nothing a client sends here makes an error.

Real clients send the token raw or after `Bearer`, and name app and pool by either of two header families.
Addresses in headers are believed from configured peers only: anybody can write `x-real-ip`.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from ostiary.contract.keys import Key
from ostiary.server.core.address import Address, counted_as, is_in, networks, read_address
from ostiary.server.core.call import NOBODY, Call, ClientSecret, Lang, ManagementToken, MfaToken, UserToken
from ostiary.server.core.refused import Refused
from ostiary.server.guards.signing import Signer, Verdict

DEVICE_LENGTH = 200
_MOST_OF_HEADER = 1_024
"""Bytes of a header that are looked at, where it is known again by its value."""
_ID_LENGTH = 128
"""App and pool ids are shorter; a longer one is cut and so matches none. A device's is the client's own."""

UNKNOWN_ADDRESS = "unknown"
"""A peer without an address (a UNIX socket): limited like an address of its own."""

_Family = tuple[bytes, bytes]
"""One header under the two names that real clients have for it; the first wins."""
_APP_ID: _Family = (b"x-genauth-app-id", b"x-authing-app-id")
_POOL_ID: _Family = (b"x-genauth-userpool-id", b"x-authing-userpool-id")
_DEVICE_ID: _Family = (b"x-genauth-device-id", b"x-authing-device-id")
_LANG: _Family = (b"x-genauth-lang", b"x-authing-lang")
_TOLD = (*_APP_ID, *_POOL_ID, *_DEVICE_ID, *_LANG, b"user-agent", b"accept-language")

Headers = Mapping[bytes, bytes]

_INVALID = Refused(Key.LOGIN_INVALID)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\xff]+")


class Callers:
    """Reads callers; holds what an installation believes of its peers."""

    def __init__(
        self,
        signer: Signer,
        *,
        trusted_proxies: Iterable[str] = (),
        backends: Iterable[str] = (),
        proxy_header: str = "x-forwarded-for",
    ) -> None:
        self._signer = signer
        self._proxies = networks(trusted_proxies)
        self._backends = networks(backends)
        self._proxy_header = proxy_header.encode()
        self._own_address = lru_cache(maxsize=4_096)(self._own_address_of)

    async def read(
        self, headers: Headers, peer: str | None, request_id: str, form_token: str | None = None
    ) -> Call:
        """The caller of one request. `form_token`: one from query or form (RFC 6750 §2.2, §2.3); the header wins.

        Raises `UnavailableError` where a signing key had to be loaded and the database is gone.
        """
        token, client, given = _credential(headers.get(b"authorization", b""))
        if not given and form_token:
            token, given = form_token, True
        verdict: Verdict = NOBODY if token is None or not given else await self._signer.verify(token)
        # Each kind opens its own doors; at the others it is a token of the wrong kind.
        elsewhere = verdict if isinstance(verdict, Refused) else _INVALID
        app_id, pool_id, device, device_id, lang = _told(*map(headers.get, _TOLD))
        return Call(
            request_id=request_id,
            user=verdict if isinstance(verdict, UserToken) else elsewhere,
            token_given=given,
            manager=verdict if isinstance(verdict, ManagementToken) else elsewhere,
            mfa=verdict if isinstance(verdict, MfaToken) else elsewhere,
            app_id=app_id,
            pool_id=pool_id,
            client=client,
            address=self._own_address(peer) or self.address(headers, peer),
            device=device,
            device_id=device_id,
            lang=lang or "zh-CN",
            lang_given=lang is not None,
        )

    def address(self, headers: Headers, peer: str | None) -> str:
        """The caller's address by the trust rule: IPv4, the /64 of an IPv6, '' for a backend's own ask."""
        own = self._own_address(peer)
        if own is not None:
            return own
        address = read_address(peer or "")
        assert address is not None
        if is_in(address, self._proxies):
            address = self._behind_proxies(headers, address)
        if is_in(address, self._backends):
            named = read_address(_text(headers.get(b"x-real-ip", b"")))
            return "" if named is None or is_in(named, self._backends) else counted_as(named)
        return counted_as(address)

    def _own_address_of(self, peer: str | None) -> str | None:
        """The address of a peer whose headers name no other; None: it is a trusted proxy or a backend."""
        address = read_address(peer or "")
        if address is None:
            return UNKNOWN_ADDRESS
        if is_in(address, self._proxies) or is_in(address, self._backends):
            return None
        return counted_as(address)

    def _behind_proxies(self, headers: Headers, proxy: Address) -> Address:
        """The rightmost address that is no trusted proxy's. What stands to its left, the sender may have invented."""
        text = _text(headers.get(self._proxy_header, b""))
        if self._proxy_header == b"x-real-ip":
            return read_address(text) or proxy
        nearest = proxy
        for hop in reversed(text.split(",")):
            address = read_address(hop)
            if address is None:
                return nearest
            nearest = address
            if not is_in(address, self._proxies):
                return nearest
        return nearest


def _credential(header: bytes) -> tuple[str | None, ClientSecret | None, bool]:
    """The token, or the client's own secret, and whether a token was on the request at all."""
    text = header.decode("latin-1").strip()
    if not text:
        return None, None, False
    scheme, _, rest = text.partition(" ")
    kind = scheme.lower() if len(scheme) <= len("bearer") else ""
    if kind == "bearer":
        return rest.strip() or None, None, bool(rest)
    if kind == "basic":
        return None, _basic(rest.strip()) if rest else None, False
    return text, None, True


def _basic(encoded: str) -> ClientSecret | None:
    """RFC 7617, which allows no control characters (§2); a NUL would be an error of the database's, not of ours.

    Our ids and secrets are URL-safe, so RFC 6749's extra encoding changes nothing in them.
    """
    try:
        pair = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    client_id, colon, secret = pair.partition(":")
    if _CONTROL.search(pair):
        return None
    return ClientSecret(client_id, secret, "basic") if colon and client_id else None


@lru_cache(maxsize=256)
def _told(
    *values: bytes | None,
) -> tuple[str | None, str | None, str, str, Lang | None]:
    """Ids of app and pool, device and its id, language: what a client says in the headers `_TOLD` again and again.

    A head has 32 KiB at most, so these never hold more than 8 MiB.
    """
    app, pool, device_id, lang = (values[at] or values[at + 1] or b"" for at in (0, 2, 4, 6))
    device, accepted = (value or b"" for value in values[8:])
    return (
        _id(app),
        _id(pool),
        _text(device[:_MOST_OF_HEADER])[:DEVICE_LENGTH],
        _text(device_id)[:_ID_LENGTH],
        _language(lang, accepted),
    )


def _id(raw: bytes) -> str | None:
    return raw.decode("latin-1").strip()[:_ID_LENGTH] or None


def language(headers: Headers) -> Lang | None:
    """The language a request asks for: a header of either family, else `Accept-Language`; None: it does not say."""
    named = headers.get(_LANG[0]) or headers.get(_LANG[1]) or b""
    return _language(named, headers.get(b"accept-language", b""))


def _language(named: bytes, accepted: bytes) -> Lang | None:
    spoken = _spoken(named.decode("latin-1")) if named else None
    return spoken or _accepted(accepted[:_MOST_OF_HEADER])


def _spoken(tag: str) -> Lang | None:
    """The nearest of our languages for a language tag (RFC 5646): 'zh-TW' → zh-CN, 'en' → en-US."""
    primary = tag.strip().lower().partition("-")[0]
    if primary == "zh":
        return "zh-CN"
    return "en-US" if primary == "en" else None


@lru_cache(maxsize=256)
def _accepted(header: bytes) -> Lang | None:
    """The first of our languages in `Accept-Language` by weight (RFC 9110 §12.5.4)."""
    weighed: list[tuple[float, int, Lang]] = []
    for place, part in enumerate(header.decode("latin-1").split(",")):
        tag, _, parameter = part.partition(";")
        lang = _spoken(tag)
        weight = _weight(parameter)
        if lang is not None and weight > 0:
            weighed.append((-weight, place, lang))
    return min(weighed)[2] if weighed else None


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    return float(value) if name == "q" and re.fullmatch(r"[01](\.[0-9]{0,3})?", value) else 0.0


def _text(raw: bytes) -> str:
    return _UNPRINTABLE.sub("", raw.decode("latin-1")).strip() if raw else ""
