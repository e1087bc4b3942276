"""Checking a token on this machine: signature, issuer, audience and time, all of them (extra ``offline``).

The keys are fetched from ``jwks.json`` and kept. A token that names an unknown key has them fetched again, but
not more often than every ten seconds: whoever sends forged tokens must not make us hammer the server.
"""

import base64
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from ostiary.client import _json, _ports
from ostiary.client._core import Call, Request, exchange, patience
from ostiary.client._endpoint import oauth
from ostiary.client.errors import APIConnectionError, OstiaryError, TokenNotValid, UsageError
from ostiary.contract.tokens import JwkSet

JWKS = oauth("jwks", "GET", "/oidc/.well-known/jwks.json", JwkSet, credential="none", safe=True)

KEEP_SECONDS = 600.0
"""A key that the server withdraws is not believed for longer."""
ASK_AGAIN_SECONDS = 10.0
LEEWAY_SECONDS = 5.0
"""Two machines' clocks."""
LONGEST_TOKEN = 8 * 1024
LAST_SECOND = 253_402_300_800
"""The year 10 000, in Unix time."""
ALGORITHMS = {"RSA": ["RS256"], "EC": ["ES256"]}
"""By kind of key: the algorithm is the key's, never the token's word alone; a shared key in a JWKS is none."""
SHARED = "HS256"
ID_TOKEN = "jwt"
SHORTEST_SECRET = 32
"""Bytes: RFC 7518 §3.2."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a token says of itself, before anything of it is believed."""

    alg: str
    kid: str
    typ: str


@dataclass(slots=True)
class KeyCache:
    """The public keys, kept by `kid` for all clients made from one another."""

    keys: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    fetched_at: float = float("-inf")
    asked_at: float = float("-inf")
    """When the server was last asked, whether or not it answered."""
    failure: OstiaryError | None = None
    """What the last look ended with, where no keys came of it."""
    tried: float = 0.0
    """The `patience` of who looked then."""

    def find(self, kid: str) -> Mapping[str, Any] | None:
        """The key, where it is known and fresh enough."""
        return self.keys.get(kid) if _ports.monotonic() - self.fetched_at < KEEP_SECONDS else None

    def may_ask(self) -> bool:
        """Whether the last look is long enough ago, whatever came of it."""
        return _ports.monotonic() - self.asked_at >= ASK_AGAIN_SECONDS

    def fill(self, keys: list[dict[str, Any]]) -> None:
        """Take what the server shows now, and only that."""
        self.keys = {str(key.get("kid", "")): key for key in keys}
        self.failure = None
        self.fetched_at = self.asked_at = _ports.monotonic()

    def fail(self, error: OstiaryError, tried: float) -> None:
        """Remember that the server was asked in vain: it is not asked again by each token that comes."""
        self.failure = copy(error)  # without its traceback, which would keep a caller's frames
        self.tried = tried
        self.asked_at = _ports.monotonic()


def fetch_keys(cache: KeyCache, request: Request, max_retries: int) -> Call[None]:
    """Fill the cache from the server, unless another has just done so.

    Where that failed a moment ago, the same failure is raised and the server is left alone: a token whose
    key could not be fetched is not thereby forged. That somebody less patient got no answer is no such failure.
    """
    mine = patience(request.timeout, max_retries)
    if not cache.may_ask() and not (isinstance(cache.failure, APIConnectionError) and mine > cache.tried):
        if cache.failure is not None:
            raise copy(cache.failure)
        return
    try:
        response = yield from exchange(request, max_retries=max_retries)
        cache.fill(JWKS.read(response).keys)
    except OstiaryError as error:
        cache.fail(error, mine)
        raise


def find_shown(jwks: Any, kid: str) -> Mapping[str, Any] | None:
    """The key that somebody brought along as a JWKS (RFC 7517 §5); `UsageError` where it is none."""
    keys = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(keys, list | tuple) or not all(isinstance(key, Mapping) for key in keys):
        raise UsageError(
            'server_jwks is what jwks.json answers: a mapping with a list of keys, {"keys": [...]}'
        )
    return next((key for key in keys if key.get("kid") == kid), None)


def header_of(token: Any, typ: str | None, alg: str | None) -> Header:
    """The header of a token; `TokenNotValid` where it is none, or of another kind or algorithm than is wanted."""
    if not isinstance(token, str) or len(token) > LONGEST_TOKEN or token.count(".") != 2:
        raise TokenNotValid("This is no JSON Web Token")
    header = _part(token, 0)
    if typ is not None and str(header.get("typ", "")).lower() != str(typ).lower():
        raise TokenNotValid(
            f"This is another kind of token: its header says {header.get('typ')!r}, not {typ!r}"
        )
    if alg is not None and header.get("alg") != alg:
        raise TokenNotValid(f"The token is signed with {header.get('alg')!r}, not {alg!r}")
    kid = header.get("kid", "")
    if not isinstance(kid, str):
        raise TokenNotValid("The token's key id is no text")
    return Header(str(header.get("alg", "")), kid, str(header.get("typ", "")))


def checked_by_secret(
    token: str, header: Header, secret: str | None, *, issuer: str, audience: str
) -> dict[str, Any]:
    """The claims of an HS256 id token. The key is the app's secret, never one that somebody shows."""
    if header.typ.lower() != ID_TOKEN:
        raise TokenNotValid("HS256 is for id tokens: whoever has the secret could have made this one")
    if secret is None or len(secret.encode()) < SHORTEST_SECRET:
        raise TokenNotValid("An HS256 token is checked with app_secret, which this client does not have")
    _jose, jwk = _joserfc()
    _judge_signature(token, jwk.OctKey.import_key(secret.encode()), SHARED)
    return _judge_claims(token, issuer, audience)


def checked(token: str, key: Mapping[str, Any] | None, *, issuer: str, audience: str) -> dict[str, Any]:
    """The claims of a token that is good; `TokenNotValid` says which rule it breaks."""
    _jose, jwk = _joserfc()
    kind = str(key.get("kty")) if key is not None else ""
    if key is None or kind not in ALGORITHMS:
        raise TokenNotValid("The token names a key that the server does not show")
    try:
        public = jwk.import_key(dict(key))
    except Exception as error:  # noqa: BLE001 - as below
        raise TokenNotValid(f"The server shows a key that can't be read: {error}") from None
    _judge_signature(token, public, *ALGORITHMS[kind])
    return _judge_claims(token, issuer, audience)


def _judge_signature(token: str, key: Any, *algorithms: str) -> None:
    jose, _jwk = _joserfc()
    try:
        jose.deserialize_compact(token, key, list(algorithms))
    except Exception as error:  # noqa: BLE001 - joserfc and cryptography raise many kinds; each means: not signed
        raise TokenNotValid(f"The token's signature is not the server's: {error}") from None


def _judge_claims(token: str, issuer: str, audience: str) -> dict[str, Any]:
    claims = _part(token, 1)
    now = _ports.wall_clock()
    if claims.get("iss") != issuer:
        raise TokenNotValid(f"The token is issued by {claims.get('iss')!r}, not {issuer!r}")
    audiences = claims.get("aud")
    if audience not in (audiences if isinstance(audiences, list) else [audiences]):
        raise TokenNotValid("The token is for another application")
    if not _number(claims, "exp") or claims["exp"] + LEEWAY_SECONDS <= now:
        raise TokenNotValid("The token has expired, or says no end")
    if _number(claims, "nbf") and claims["nbf"] - LEEWAY_SECONDS > now:
        raise TokenNotValid("The token is not good yet")
    return claims


def _number(claims: Mapping[str, Any], name: str) -> bool:
    """Whether a claim is a number; one beyond any calendar is none."""
    value = claims.get(name)
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LAST_SECOND


def _part(token: str, index: int) -> dict[str, Any]:
    text = token.split(".")[index]
    try:
        value = _json.read_any(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:  # neither base64, nor JSON in it
        raise TokenNotValid("This is no JSON Web Token") from None
    if not isinstance(value, dict):
        raise TokenNotValid("This is no JSON Web Token")
    return value


def _joserfc() -> tuple[Any, Any]:
    try:
        from joserfc import jwk, jws
    except ImportError:
        raise UsageError("Checking tokens offline needs joserfc: pip install 'ostiary[offline]'") from None
    return jws, jwk
