"""JSON Web Tokens: made with a pool's key, and believed only when every one of these rules holds.

1. A token is looked at only up to 8 KiB, and only where its three parts are canonical base64url.
2. The key is ours, found by `kid`; what the token says about keys elsewhere (`jku`, `x5u`, `jwk`) is not read.
3. The algorithm is the key's, not the token's: RS256 or ES256, never one whose key an application has too (HS256 is
   for id tokens, which open nothing here). `none` is no algorithm; `crit` is refused (RFC 7515 §4.1.11).
4. The kind is in the header's `typ` (RFC 8725 §3.11): an id token opens nothing.
5. Issuer and pool are the key's own. Expiry is judged by `Ports.now`, last: a forged token is never "expired".
6. A token that was believed once is known again by its SHA-256; its key and its expiry are judged every time.

Signing costs a millisecond and making a key a hundred: both run in threads, never inside a transaction.
"""

import asyncio
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from sys import intern
from typing import Any

import msgspec
from joserfc import jws
from joserfc.jwk import OctKey

from ostiary.contract.keys import Key
from ostiary.server.core import strangers_json
from ostiary.server.core.call import AppToken, ManagementToken, MfaToken, UserToken
from ostiary.server.core.millis import MINUTE, SECOND, Millis
from ostiary.server.core.ports import Ports
from ostiary.server.core.refused import Refused
from ostiary.server.guards import token_form
from ostiary.server.guards.signing_keys import ALGORITHMS, SigningKey, new_key
from ostiary.server.storage import keys as stored_keys
from ostiary.server.storage.db import Store
from ostiary.server.storage.keys import SigningKeyRow

ACCESS = "at+jwt"
"""RFC 9068 §2.1."""
ID = "JWT"
APP = "app+jwt"
"""An application's own token: a kind of its own, so that nobody takes its `sub` for a user (RFC 9068 §5)."""
MANAGEMENT = "management+jwt"
MFA = "mfa+jwt"
MANAGEMENT_AUDIENCE = "urn:ostiary:management"

_KID = re.compile(r"[0-9a-f]{24}")
_LOOK_EVERY = SECOND
"""Tokens that name unknown keys cause at most one query per this time, however many they are."""
PUBLISHED_FIRST = 10 * MINUTE
"""How long a new key stands in `jwks.json` before it signs: whoever keeps our keys for some minutes has it by then."""
MOST_KNOWN = 4_096
"""Tokens that are known again without their signature being checked; the one known longest makes room."""
_OVERLAP = MINUTE
"""How far back a look reaches behind the newest key seen: other processes' clocks and open transactions."""

_GARBAGE = Refused(Key.NOT_LOGGED_IN)
_INVALID = Refused(Key.LOGIN_INVALID)
_EXPIRED = Refused(Key.LOGIN_EXPIRED)

_SHORTEST_SECRET = 32
"""Bytes (RFC 7518 §3.2); an application's secret has 43."""

_Believed = UserToken | AppToken | ManagementToken | MfaToken
Verdict = _Believed | Refused
_Ring = tuple[str, str]
"""Pool and algorithm: keys that take turns."""


class Stamp(msgspec.Struct, frozen=True):
    """When a token was issued (seconds), and what it is called."""

    iat: int = 0
    jti: str = ""


class _Claims(msgspec.Struct):
    iss: str
    sub: str
    aud: str
    exp: int
    pool: str
    sid: str = ""
    scope: str = ""
    iat: int = 0
    epoch: int = -1
    method: str = ""
    contact: str = ""


_read_claims = msgspec.json.Decoder(_Claims)
_read_stamp = msgspec.json.Decoder(Stamp)


class Signer:
    """Makes and believes this installation's tokens. One per process; keys are kept by `kid`."""

    def __init__(self, store: Store, ports: Ports, issuer: str) -> None:
        self.issuer = issuer
        """`<public url>/oidc`: `iss` of every token."""
        self._store = store
        self._ports = ports
        self._keys: dict[str, SigningKey] = {}
        self._of_pool: dict[_Ring, list[SigningKey]] = {}
        """Those that may sign, oldest first."""
        self._signs: dict[_Ring, SigningKey] = {}
        """The one of them that signs now."""
        self._known: dict[bytes, tuple[SigningKey, _Believed]] = {}
        """SHA-256 of a token → the key that signed it and what it proves. Refusals are not kept."""
        self._looked_at = 0
        self._look: asyncio.Task[None] | None = None
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="signing")

    async def access_token(self, token: UserToken, alg: str = "RS256") -> str:
        """The token that `verify` reads back as this value (its end in whole seconds)."""
        claims = {
            "iss": self.issuer,
            "sub": token.user_id,
            "aud": token.app_id,
            "exp": token.expires_at // SECOND,
            "iat": self._ports.now() // SECOND,
            "jti": self._ports.secret(count=16),
            "scope": token.scope,
            "sid": token.session_id,
            "pool": token.pool_id,
        }
        return await self._sign((token.pool_id, alg), ACCESS, claims)

    async def app_token(self, token: AppToken, alg: str = "RS256") -> str:
        """The same for an application's own token. `sub` and `client_id` are the application (RFC 9068 §2.2)."""
        claims = {
            "iss": self.issuer,
            "sub": token.app_id,
            "aud": token.app_id,
            "client_id": token.app_id,
            "exp": token.expires_at // SECOND,
            "iat": self._ports.now() // SECOND,
            "jti": self._ports.secret(count=16),
            "scope": token.scope,
            "pool": token.pool_id,
        }
        return await self._sign((token.pool_id, alg), APP, claims)

    async def id_token(
        self,
        token: UserToken,
        facts: Mapping[str, Any],
        *,
        auth_time: Millis,
        expires_at: Millis,
        nonce: str | None = None,
        alg: str = "RS256",
        secret: str | None = None,
    ) -> str:
        """An id token (OIDC Core §2) beside an access token; `facts` are the claims its scope asks for.

        `secret`: the application's, where its id tokens are HS256 (OIDC Core §10.1: the key is its UTF-8).
        """
        claims: dict[str, Any] = {
            **facts,
            "iss": self.issuer,
            "sub": token.user_id,
            "aud": token.app_id,
            "exp": expires_at // SECOND,
            "iat": self._ports.now() // SECOND,
            "auth_time": auth_time // SECOND,
            "sid": token.session_id,
        }
        if nonce is not None:
            claims["nonce"] = nonce
        return (
            await self._sign((token.pool_id, alg), ID, claims) if secret is None else _hs256(secret, claims)
        )

    async def management_token(self, token: ManagementToken) -> str:
        """The token that `verify` reads back as this value (its end in whole seconds)."""
        claims = {
            "iss": self.issuer,
            "sub": token.access_key_id,
            "aud": MANAGEMENT_AUDIENCE,
            "exp": token.expires_at // SECOND,
            "iat": self._ports.now() // SECOND,
            "jti": self._ports.secret(count=16),
            "pool": token.pool_id,
            "scoped_userpool_id": token.pool_id,  # where real management clients look for the pool
        }
        return await self._sign((token.pool_id, "RS256"), MANAGEMENT, claims)

    async def mfa_token(self, token: MfaToken) -> str:
        """The token that `verify` reads back as this value (its moments in whole seconds)."""
        claims = {
            "iss": self.issuer,
            "sub": token.user_id,
            "aud": token.app_id,
            "exp": token.expires_at // SECOND,
            "iat": token.made_at // SECOND,
            "sid": token.session_id,
            "pool": token.pool_id,
            "scope": token.scope,
            "epoch": token.epoch,
            "method": token.method,
            "contact": token.contact,
        }
        return await self._sign((token.pool_id, "RS256"), MFA, claims)

    async def verify(self, token: str) -> Verdict:
        """What a token proves. Refused: `not_logged_in` (no token at all), `login_invalid`, `login_expired`.

        Whether its session still lives, `entry` decides. Raises `UnavailableError` where a key had to be
        loaded and the database is gone.
        """
        digest = Ports.digest(token)
        known = self._known.get(digest)
        if known is not None and self._keys.get(known[0].kid) is known[0]:
            return _EXPIRED if self._ports.now() >= known[1].expires_at else known[1]
        header = token_form.header(token)
        if header is None:
            return _GARBAGE
        if header.crit is not msgspec.UNSET or header.typ not in {ACCESS, APP, MANAGEMENT, MFA}:
            return _INVALID
        key = await self._key(header.kid)
        if key is None or header.alg != key.alg:
            return _INVALID
        payload = key.signed(token)
        verdict = _INVALID if payload is None else self._believe(payload, header.typ, key)
        if not isinstance(verdict, Refused):
            self._remember(digest, key, verdict)
        return verdict

    async def jwks(self, pool_id: str | None = None) -> list[dict[str, Any]]:
        """The public keys (RFC 7517 §5), of one pool or of all: what `jwks.json` shows."""
        await self._look_again_if_older_than(SECOND)
        return [key.jwk for key in self._keys.values() if pool_id in {None, key.pool_id}]

    async def add_key(self, pool_id: str, alg: str = "RS256") -> None:
        """Make a key for a pool. The first of its kind signs at once, any other after `PUBLISHED_FIRST`."""
        row = await asyncio.get_running_loop().run_in_executor(
            self._threads, new_key, self._ports, pool_id, alg
        )
        await self._store.write(lambda tx: stored_keys.insert_signing_key(tx, row))
        self._learn([row])

    async def refresh(self) -> None:
        """Look at all keys: those that were taken away are not believed from now on, re-sealed ones are read anew."""
        rows = await self._store.read(lambda tx: stored_keys.signing_keys_since(tx, 0))
        kept = {row.kid: row for row in rows}
        self._keys = {kid: key for kid, key in self._keys.items() if kid in kept and key.is_of(kept[kid])}
        self._of_pool, self._signs = {}, {}
        for key in self._keys.values():
            self._may_sign(key)
        self._learn(rows)

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _believe(self, payload: bytes, typ: str, key: SigningKey) -> Verdict:
        """Rules 4 and 5, for a payload that one of our keys signed."""
        claims = strangers_json.read(payload, _read_claims.decode)
        if claims is None:
            return _INVALID
        if claims.iss != self.issuer or claims.pool != key.pool_id:
            return _INVALID
        if (typ == MANAGEMENT) != (claims.aud == MANAGEMENT_AUDIENCE):
            return _INVALID
        ends = Millis(claims.exp * SECOND)
        if self._ports.now() >= ends:
            return _EXPIRED
        if typ == MANAGEMENT:
            return ManagementToken(claims.pool, claims.sub, ends)
        if typ == MFA:
            return _half_signed_in(claims, ends)
        if typ == APP:
            return AppToken(claims.aud, claims.pool, claims.scope, ends)
        # Thousands of these are known at a time, and say the same of themselves: one text for all of them.
        return UserToken(claims.sub, claims.sid, intern(claims.aud), key.pool_id, intern(claims.scope), ends)

    def _remember(self, digest: bytes, key: SigningKey, verdict: _Believed) -> None:
        if len(self._known) >= MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[digest] = (key, verdict)

    async def _sign(self, ring: _Ring, typ: str, claims: Mapping[str, Any]) -> str:
        looked = await self._look_again_if_older_than(MINUTE)
        if ring not in self._of_pool and not looked:
            await self._look_again()
        if ring not in self._of_pool:
            await self.add_key(*ring)
        self._choose(ring)
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, self._signs[ring].sign, typ, claims
        )

    async def _key(self, kid: str) -> SigningKey | None:
        """The key of this id, looked up again where it is unknown and could be ours."""
        key = self._keys.get(kid)
        if key is not None or _KID.fullmatch(kid) is None:
            return key
        if not await self._look_again() and kid not in self._keys:
            await self._look_again()  # the look we joined may have begun before the key was stored
        return self._keys.get(kid)

    async def _look_again_if_older_than(self, age: int) -> bool:
        """Load what is new, where the last look is older; whether it was."""
        old = self._ports.clock.undisturbed() - self._looked_at > age
        if old:
            await self._look_again()
        return old

    async def _look_again(self) -> bool:
        """Load what is new. False: joined a look that was under way."""
        own = self._look is None or self._look.done()
        if self._look is None or own:
            self._look = asyncio.create_task(self._load_new_keys())
        await asyncio.shield(self._look)
        return own

    async def _load_new_keys(self) -> None:
        wait = self._looked_at + _LOOK_EVERY - self._ports.clock.undisturbed()
        if wait > 0:
            await asyncio.sleep(wait / SECOND)
        newest = max((key.made_at for key in self._keys.values()), default=0)
        self._looked_at = self._ports.clock.undisturbed()
        self._learn(await self._store.read(lambda tx: stored_keys.signing_keys_since(tx, newest - _OVERLAP)))

    def _learn(self, rows: list[SigningKeyRow]) -> None:
        for row in rows:
            if row.kid not in self._keys and row.alg in ALGORITHMS:
                key = self._keys[row.kid] = SigningKey(row, self._ports)
                self._may_sign(key)
        for ring in self._of_pool:
            self._choose(ring)

    def _may_sign(self, key: SigningKey) -> None:
        if not key.retired:
            own = self._of_pool.setdefault((key.pool_id, key.alg), [])
            own.append(key)
            own.sort(key=lambda one: (one.made_at, one.kid))

    def _choose(self, ring: _Ring) -> None:
        """The newest key that has stood in `jwks.json` for long enough signs; where none has, the oldest."""
        own, seen = self._of_pool[ring], self._ports.now() - PUBLISHED_FIRST
        self._signs[ring] = next((key for key in reversed(own) if key.made_at <= seen), own[0])


def stamp(token: str) -> Stamp:
    """What a token that `verify` believed says of its making: for introspection, so that no `Call` carries it."""
    return _read_stamp.decode(token_form.canonical(token.split(".")[1]) or b"{}")


def _hs256(secret: str, claims: Mapping[str, Any]) -> str:
    """An id token that only who has the application's secret can check, or make."""
    key = secret.encode()
    if len(key) < _SHORTEST_SECRET:
        raise ValueError("the application's secret is too short to sign with")
    return jws.serialize_compact(
        {"alg": "HS256", "typ": ID}, msgspec.json.encode(claims), OctKey.import_key(key), ["HS256"]
    )


def _half_signed_in(claims: _Claims, ends: Millis) -> MfaToken:
    return MfaToken(
        user_id=claims.sub,
        session_id=claims.sid,
        app_id=claims.aud,
        pool_id=claims.pool,
        scope=claims.scope,
        epoch=claims.epoch,
        method=claims.method,
        contact=claims.contact,
        made_at=Millis(claims.iat * SECOND),
        expires_at=ends,
    )
