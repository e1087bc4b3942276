"""The signed-in user's e-mail address: binding, unbinding and changing it."""

from typing import Annotated, Literal

from msgspec import Meta

from ostiary.contract.common import Handle, RequiredCode, RequiredHandle, RequiredToken, Wire


class UpdateEmailByEmailPassCode(Wire, kw_only=True, frozen=True):
    """The codes that were entered. The old pair is required if the pool verifies the old address and the account has one."""

    new_email: RequiredHandle
    new_email_pass_code: RequiredCode
    old_email: Handle | None = None
    old_email_pass_code: Annotated[str, Meta(max_length=64, examples=["123456"])] | None = None


class VerifyUpdateEmailRequest(Wire, kw_only=True, frozen=True):
    """Proof that the caller holds the new address, and the old one."""

    email_pass_code_payload: UpdateEmailByEmailPassCode
    verify_method: Literal["EMAIL_PASSCODE"]


class VerifyUpdateEmailRequestData(Wire, kw_only=True, frozen=True):
    """The token for changing the address."""

    update_email_token: str
    """One-time; starts with `uet_`."""
    token_expires_in: int
    """Seconds."""


class UpdateEmail(Wire, kw_only=True, frozen=True):
    """The token to use."""

    update_email_token: RequiredToken


class BindEmail(Wire, kw_only=True, frozen=True):
    """An e-mail address for an account that has none."""

    pass_code: RequiredCode
    email: RequiredHandle


class UnbindEmail(Wire, kw_only=True, frozen=True):
    """The code sent to the address to remove (`CHANNEL_UNBIND_EMAIL`)."""

    pass_code: RequiredCode
