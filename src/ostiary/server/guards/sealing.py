"""Secrets at rest that must be read again (signing keys, app secrets): AES-256-GCM under a root key of `seal`.

What is sealed is bound to what it belongs to (`about`): a row's secret moved to another row does not open.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ostiary.server.core.ports import Ports

_NONCE_BYTES = 12  # NIST SP 800-38D §8.2: 96 bits
_AES_KEY_BYTES = 32


class UnsealError(Exception):
    """The root key that sealed it is gone, or the bytes or what they belong to were changed."""


def seal(ports: Ports, plain: bytes, *about: str) -> bytes:
    """Seal for the row that `about` names. Layout: length of the key's id, the id, nonce, ciphertext."""
    key = ports.ring("seal").current
    nonce = ports.random_bytes(_NONCE_BYTES)
    key_id = key.id.encode()
    sealed = AESGCM(key.secret[:_AES_KEY_BYTES]).encrypt(nonce, plain, _bound(about))
    return bytes((len(key_id),)) + key_id + nonce + sealed


def unseal(ports: Ports, sealed: bytes, *about: str) -> bytes:
    """The plain bytes. Raises `UnsealError`."""
    end = 1 + sealed[0]
    key = ports.ring("seal").get(sealed[1:end].decode())
    if key is None:
        raise UnsealError("the root key that sealed this is not in the key file")
    nonce, text = sealed[end : end + _NONCE_BYTES], sealed[end + _NONCE_BYTES :]
    try:
        return AESGCM(key.secret[:_AES_KEY_BYTES]).decrypt(nonce, text, _bound(about))
    except InvalidTag as error:
        raise UnsealError("this was sealed for another row, or was changed") from error


def key_id(sealed: bytes) -> str:
    """The root key that sealed this."""
    return sealed[1 : 1 + sealed[0]].decode()


def seal_app_secret(ports: Ports, app_id: str, secret: str) -> bytes:
    """`apps.secret` of one application."""
    return seal(ports, secret.encode(), "app", app_id)


def open_app_secret(ports: Ports, app_id: str, sealed: bytes) -> str:
    """The application's secret, to compare with what a client shows (`ports.same`) or to sign HS256 with."""
    return unseal(ports, sealed, "app", app_id).decode()


def seal_factor(ports: Ports, factor_id: str, user_id: str, secret: bytes) -> bytes:
    """`factors.secret`: an authenticator's secret, bound to the factor and its owner."""
    return seal(ports, secret, "factor", factor_id, user_id)


def open_factor(ports: Ports, factor_id: str, user_id: str, sealed: bytes) -> bytes:
    """The authenticator's secret, to compute codes with."""
    return unseal(ports, sealed, "factor", factor_id, user_id)


def _bound(about: tuple[str, ...]) -> bytes:
    """The associated data, each part with its length so that no two lists look alike."""
    return b"".join(len(part.encode()).to_bytes(2, "big") + part.encode() for part in about)
