"""Addresses that a browser is sent to, and the secrets that go with them (RFC 6749 §4.1, RFC 7636, OIDC)."""

import base64
import hashlib
from typing import Literal
from urllib.parse import urlencode

from ostiary.client import _ports
from ostiary.client._settings import Transport
from ostiary.client.errors import UsageError

SHORTEST_VERIFIER, LONGEST_VERIFIER = 43, 128
"""RFC 7636 §4.1."""
DEFAULT_SCOPE = "openid profile email phone address"


class AuthorizeURL(str):
    """The address to send the browser to: text, with what has to be compared when it comes back."""

    __slots__ = ("nonce", "state")

    state: str
    """Keep it in the user's session; the callback's `state` must be the same (against forged callbacks)."""
    nonce: str
    """Keep it likewise; the id token's `nonce` must be the same (against replayed tokens)."""


class Urls:
    """The part of an authentication client that only makes text."""

    app_id: str
    redirect_uri: str | None
    post_logout_redirect_uri: str | None
    _transport: Transport
    _prefix: str

    def build_authorize_url(
        self,
        redirect_uri: str | None = None,
        response_type: str | None = None,
        response_mode: str | None = None,
        state: str | None = None,
        nonce: str | None = None,
        scope: str | None = None,
        code_challenge_method: str | None = None,
        code_challenge: str | None = None,
        service: str | None = None,
    ) -> AuthorizeURL:
        """Make the address of the hosted sign-in.

        `.state` and `.nonce` of what is returned must be kept and compared when the browser comes back; they
        are random unless given. `redirect_uri` is the client's own where it is not given. `code_challenge` is
        what `generate_code_challenge_digest` makes. With `offline_access` in `scope`, consent is asked for.
        `service` stands for the incumbent's callers: it belongs to CAS, which this client does not speak.
        """
        if service is not None:
            raise UsageError("service belongs to CAS, which this client does not speak")
        target = redirect_uri or self.redirect_uri
        if not target:
            raise UsageError("redirect_uri is missing: give it here or to the client")
        state, nonce = state or _ports.token(), nonce or _ports.token()
        scope = scope or DEFAULT_SCOPE
        if code_challenge and not code_challenge_method:
            code_challenge_method = (
                "S256"  # absent means plain (RFC 7636 §4.3), which nobody wants by accident
            )
        asked = {
            "client_id": self.app_id,
            "redirect_uri": target,
            "response_type": response_type or "code",
            "response_mode": response_mode,
            "scope": scope,
            "state": state,
            "nonce": nonce,
            "prompt": "consent" if "offline_access" in scope.split() else None,
            "code_challenge": code_challenge,
            "code_challenge_method": code_challenge_method,
        }
        url = AuthorizeURL(self._address("/auth", asked))
        url.state, url.nonce = state, nonce
        return url

    def build_logout_url(
        self, redirect_uri: str | None = None, id_token: str | None = None, state: str | None = None
    ) -> str:
        """Make the address that ends the hosted session (OIDC RP-Initiated Logout).

        The browser comes back to `redirect_uri` (the client's `post_logout_redirect_uri` where it is not
        given) with `state`. A server only does that where it knows the address and sees the `id_token`.
        """
        asked = {
            "id_token_hint": id_token,
            "post_logout_redirect_uri": redirect_uri or self.post_logout_redirect_uri,
            "state": state,
        }
        return self._address("/session/end", asked)

    def generate_code_challenge(self, length: int = SHORTEST_VERIFIER) -> str:
        """Make a PKCE verifier of 43 to 128 characters: kept secret, and shown with the code."""
        if not SHORTEST_VERIFIER <= length <= LONGEST_VERIFIER:
            raise UsageError(
                f"A verifier has {SHORTEST_VERIFIER} to {LONGEST_VERIFIER} characters, not {length}"
            )
        return _ports.token(LONGEST_VERIFIER)[:length]

    def generate_code_challenge_digest(
        self, code_challenge: str, method: Literal["S256", "plain"] | None = None
    ) -> str:
        """Make the challenge for a verifier: `S256` (where not given) or `plain`."""
        if not SHORTEST_VERIFIER <= len(code_challenge) <= LONGEST_VERIFIER:
            raise UsageError(f"A verifier has {SHORTEST_VERIFIER} to {LONGEST_VERIFIER} characters")
        if method == "plain":
            return code_challenge
        if method not in {None, "S256"}:
            raise UsageError(f"method is S256 or plain, not {method!r}")
        digest = hashlib.sha256(code_challenge.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def _address(self, path: str, asked: dict[str, str | None]) -> str:
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        return self._transport.url(self._prefix + path, query)
