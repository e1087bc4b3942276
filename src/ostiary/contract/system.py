"""What anybody may read about the installation."""

from ostiary.contract.common import Wire


class SystemRsa(Wire, kw_only=True, frozen=True):
    """The key for `passwordEncryptType: rsa`."""

    public_key: str
    """PEM (SPKI), 2048 bits; passwords are encrypted with PKCS#1 v1.5 and sent in base64."""


class SystemSm2(Wire, kw_only=True, frozen=True):
    """The key for `passwordEncryptType: sm2`."""

    public_key: str
    """130 hex digits; the password's base64 is encrypted and sent as hex digits, C1C2C3 or C1C3C2."""


class SystemVersion(Wire, kw_only=True, frozen=True):
    """Which version of each part runs. Ours is one program."""

    server: str
    console: str
    login: str


class SystemInfo(Wire, kw_only=True, frozen=True):
    """The installation."""

    rsa: SystemRsa
    sm2: SystemSm2
    version: SystemVersion
    public_ips: list[str]
    """Always empty: a self-hosted service does not know its addresses."""
