"""What a scope opens: the claims of OpenID Connect Core §5.4, and the incumbent's own."""

from collections.abc import Mapping

OPENID = "openid"
OFFLINE = "offline_access"

_NAMES = ("name", "family_name", "given_name", "middle_name", "nickname", "preferred_username")
_ABOUT = ("profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at")

CLAIMS: Mapping[str, tuple[str, ...]] = {
    OPENID: ("sub",),
    "profile": (*_NAMES, *_ABOUT),
    "username": ("username",),
    "email": ("email", "email_verified"),
    "phone": ("phone_number", "phone_number_verified"),
    "address": ("address",),
    "external_id": ("external_id",),
    "extended_fields": ("extended_fields",),
    "roles": ("roles",),
    "tenant_id": ("tenant_id",),
    OFFLINE: (),
}
"""Scope → claims. `offline_access` opens none: it asks for a refresh token."""


def granted(asked: str | None) -> str:
    """What of an asked-for scope is granted: what is known, each once, `openid` always (RFC 6749 §3.3 lets us)."""
    wanted = dict.fromkeys([OPENID, *(asked or "").split()])
    return " ".join(scope for scope in wanted if scope in CLAIMS)


def narrowed(asked: str | None, had: str) -> str | None:
    """The scope of a refresh: what the session had, or the part of it that was asked for; None: more than it had."""
    if asked is None:
        return had
    wanted = dict.fromkeys(asked.split())
    return " ".join(wanted) if wanted and wanted.keys() <= set(had.split()) else None


def opens(scope: str) -> frozenset[str]:
    """The claims that a granted scope opens."""
    return frozenset(claim for name in scope.split() for claim in CLAIMS.get(name, ()))
