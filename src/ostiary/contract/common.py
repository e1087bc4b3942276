"""What every Struct of the contract shares.

Names: a class is called like the incumbent's DTO without its ending `ReqDto` or `Dto` (`SendSMSDto` → `SendSMS`);
where the incumbent has none (a query string), like the operation (`get_profile` → `GetProfile`). A field is the
wire name in snake case. In a request `null` and `""` mean absent (`server/web/wire.py` removes them), so optional
text may be empty in the schema and is never empty in a Struct. In an answer an optional field that is None is
left out. Fields that nobody knows are ignored on both sides.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta


class Wire(msgspec.Struct, rename="camel", kw_only=True, frozen=True, omit_defaults=True):
    """Base of all Structs. Its repr names the fields that are set and no value: values may be secrets."""

    def __repr__(self) -> str:
        given = [name for name in self.__struct_fields__ if getattr(self, name) is not None]
        return f"<{type(self).__name__} {', '.join(given)}>"


class PlainWire(Wire, rename=None, kw_only=True, frozen=True, omit_defaults=True):
    """Base where the wire itself has snake case: OAuth and OpenID Connect."""


# Lengths keep one field from filling an index row or a text message; the body as a whole ends at 64 KiB.
Text = Annotated[str, Meta(max_length=1_024)]
"""Free text: names, links, parts of an address."""
Handle = Annotated[str, Meta(max_length=256)]
"""What an account is found by: user name, e-mail address, external id."""
PhoneText = Annotated[str, Meta(max_length=64, examples=["13800138000"])]
"""A phone number as typed, without its country code."""
CountryText = Annotated[str, Meta(max_length=16, examples=["+86"])]
"""A country calling code as typed: '+86', '86'. Absent: the pool's own."""
Secret = Annotated[str, Meta(max_length=1_024)]
"""A password or a client secret."""

Token = Annotated[str, Meta(max_length=8_192)]
"""A token or a one-time code of OAuth."""

RequiredText = Annotated[str, Meta(min_length=1, max_length=1_024)]
RequiredHandle = Annotated[str, Meta(min_length=1, max_length=256)]
RequiredPhone = Annotated[str, Meta(min_length=1, max_length=64, examples=["13800138000"])]
RequiredCode = Annotated[str, Meta(min_length=1, max_length=64, examples=["123456"])]
"""A verification code as typed; spaces, dashes and full-width digits are understood."""
RequiredSecret = Annotated[str, Meta(min_length=1, max_length=1_024)]
RequiredToken = Annotated[str, Meta(min_length=1, max_length=8_192)]

Json = dict[str, Any]
"""A free object: kept as it came, nulls included."""
Moment = Annotated[
    str, Meta(extra_json_schema={"format": "date-time"}, examples=["2026-07-03T03:22:30.000Z"])
]
"""UTC, ISO 8601 with milliseconds."""

Gender = Literal["M", "F", "U"]
Status = Literal["Suspended", "Resigned", "Activated", "Archived", "Deactivated"]
PasswordEncryptType = Literal["sm2", "rsa", "none"]
UserIdType = Literal[
    "user_id", "external_id", "phone", "email", "username", "identity", "sync_relation", "custom_field"
]
SmsChannel = Literal[
    "CHANNEL_LOGIN",
    "CHANNEL_REGISTER",
    "CHANNEL_RESET_PASSWORD",
    "CHANNEL_BIND_PHONE",
    "CHANNEL_UNBIND_PHONE",
    "CHANNEL_BIND_MFA",
    "CHANNEL_VERIFY_MFA",
    "CHANNEL_UNBIND_MFA",
    "CHANNEL_COMPLETE_PHONE",
    "CHANNEL_IDENTITY_VERIFICATION",
    "CHANNEL_DELETE_ACCOUNT",
]
EmailChannel = Literal[
    "CHANNEL_LOGIN",
    "CHANNEL_REGISTER",
    "CHANNEL_RESET_PASSWORD",
    "CHANNEL_VERIFY_EMAIL_LINK",
    "CHANNEL_UPDATE_EMAIL",
    "CHANNEL_BIND_EMAIL",
    "CHANNEL_UNBIND_EMAIL",
    "CHANNEL_VERIFY_MFA",
    "CHANNEL_UNLOCK_ACCOUNT",
    "CHANNEL_COMPLETE_EMAIL",
    "CHANNEL_DELETE_ACCOUNT",
]


class IsSuccess(Wire, kw_only=True, frozen=True):
    """The answer of operations that have nothing to say but that it is done."""

    success: bool
