"""Registering: what the form means. Pure.

Rule 1: no number is stored that was not proven, and that one is taken is told only to who holds its code.
Rule 2: a user name that is taken is told to anybody: choosing one can't be done without it.
Rule 3: an address comes in unproven with a password, as the incumbent takes it. It is stored as unverified, so it
gets no notice and is no way in once a number goes; but it names its account, and nobody else's from then on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ostiary.contract.keys import Key
from ostiary.contract.signin import SignUp, SignUpOptions, SignUpProfile
from ostiary.server.core import profile
from ostiary.server.core.contact import medium_of
from ostiary.server.core.credentials import read_email, read_username
from ostiary.server.core.passcode import Channel, read_passcode
from ostiary.server.core.people import Facts
from ostiary.server.core.phone import can_be_texted, country_code, read_number
from ostiary.server.core.refused import Refused


@dataclass(frozen=True, slots=True)
class ByPassword:
    """A password, and at least one name that it is to go with."""

    password: str = field(repr=False)
    """As it was sent: `encrypt_type` says how to read it."""
    encrypt_type: str | None
    username: str | None
    email: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class ByCode:
    """A number or address, and the code that was sent to it; a password, where the account is to have one, too."""

    contact: str = field(repr=False)
    code: str = field(repr=False)
    password: str | None = field(repr=False)
    encrypt_type: str | None


@dataclass(frozen=True, slots=True)
class Completed:
    """A number or address of the profile, and the code that proves it."""

    channel: Channel
    contact: str = field(repr=False)
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ask:
    """What a sign-up says of the account that is to be."""

    by: ByPassword | ByCode
    more: tuple[Completed, ...]

    @property
    def typed(self) -> tuple[tuple[Channel, str, str], ...]:
        """Every code: its channel, where it was sent, its digits."""
        first = ((Channel.REGISTER, self.by.contact, self.by.code),) if isinstance(self.by, ByCode) else ()
        return (*first, *((one.channel, one.contact, one.code) for one in self.more))

    @property
    def proven(self) -> tuple[str, ...]:
        """The numbers and addresses that those codes prove."""
        return tuple(contact for _, contact, _ in self.typed)

    @property
    def names(self) -> tuple[str | None, ...]:
        """All that the account will be known by: no password may say one of them."""
        own = (self.by.username, self.by.email) if isinstance(self.by, ByPassword) else ()
        return (*own, *self.proven)


def read_sign_up(form: SignUp, facts: Facts) -> Ask | Refused:
    """What was typed; then whether the pool takes newcomers. Passwords are judged by `guards/new_passwords`."""
    by = _read_code(form, facts) if form.connection == "PASSCODE" else _read_password(form)
    if isinstance(by, Refused):
        return by
    more = _read_more(form, by, facts)
    if isinstance(more, Refused):
        return more
    unfit = profile.unfit(form.profile)
    if unfit is not None:
        return Refused(Key.BAD_REQUEST, data={"field": unfit, "path": f"profile.{unfit}"})
    return Refused(Key.SIGN_UP_DISABLED) if facts.pool.policy.register_disabled else Ask(by, more)


def _read_password(form: SignUp) -> ByPassword | Refused:
    payload = form.password_payload
    if payload is None or (payload.username is None and payload.email is None):
        missing = "passwordPayload" if payload is None else "username"
        return Refused(Key.PARAMETERS_INCOMPLETE, data={"field": missing})
    username = read_username(payload.username) if payload.username is not None else None
    if payload.username is not None and username is None:
        return Refused(Key.BAD_REQUEST, data={"field": "username"})
    email = read_email(payload.email) if payload.email is not None else None
    if payload.email is not None and email is None:
        return Refused(Key.BAD_CONTACT, data={"field": "email"})
    return ByPassword(payload.password, _options(form).password_encrypt_type, username, email)


def _read_code(form: SignUp, facts: Facts) -> ByCode | Refused:
    payload = form.pass_code_payload
    if payload is None or (payload.phone is None and payload.email is None):
        missing = "passCodePayload" if payload is None else "phone"
        return Refused(Key.PARAMETERS_INCOMPLETE, data={"field": missing})
    code = read_passcode(payload.pass_code)
    if code is None:
        return Refused(Key.BAD_REQUEST, data={"field": "passCode"})
    if payload.phone is not None:
        contact = _read_number(payload.phone, payload.phone_country_code, facts, {"field": "phone"})
    else:
        contact = read_email(payload.email or "") or Refused(Key.BAD_CONTACT, data={"field": "email"})
    if isinstance(contact, Refused):
        return contact
    options = _options(form)
    return ByCode(contact, code, options.password_for_phone_pass_code, options.password_encrypt_type)


def _read_number(text: str, country: str | None, facts: Facts, where: Mapping[str, str]) -> str | Refused:
    """A number that is about to be somebody's: one that may be texted, in a country that is served."""
    number = read_number(text, country, facts.pool.country_code)
    if number is None or not can_be_texted(number):
        return Refused(Key.BAD_CONTACT, data=where)
    served = country_code(number) in facts.pool.policy.allowed_countries
    return number if served else Refused(Key.NUMBER_NOT_SERVED)


def _read_more(form: SignUp, by: ByPassword | ByCode, facts: Facts) -> tuple[Completed, ...] | Refused:
    """The number and the address of the profile, each with its code: Rule 1 holds for them as for any."""
    options, named = _options(form), form.profile or SignUpProfile()
    more: list[Completed] = []
    if named.phone is not None or options.phone_pass_code_for_information_completion is not None:
        typed = options.phone_pass_code_for_information_completion
        where = {"field": "phone", "path": "profile.phone"}
        read = _completed("phonePassCodeForInformationCompletion", "phone", named.phone, typed)
        if isinstance(read, Refused):
            return read
        contact = _read_number(named.phone or "", named.phone_country_code, facts, where)
        if isinstance(contact, Refused):
            return contact
        more.append(Completed(Channel.COMPLETE_PHONE, contact, read))
    if named.email is not None or options.email_pass_code_for_information_completion is not None:
        typed = options.email_pass_code_for_information_completion
        read = _completed("emailPassCodeForInformationCompletion", "email", named.email, typed)
        if isinstance(read, Refused):
            return read
        address = read_email(named.email or "")
        if address is None:
            return Refused(Key.BAD_CONTACT, data={"field": "email", "path": "profile.email"})
        more.append(Completed(Channel.COMPLETE_EMAIL, address, read))
    return _judge_once(by, more)


def _completed(option: str, name: str, contact: str | None, typed: str | None) -> str | Refused:
    """The digits of a completion's code. One without the other is incomplete."""
    if contact is None:
        return Refused(Key.PARAMETERS_INCOMPLETE, data={"field": name, "path": f"profile.{name}"})
    if typed is None:
        return Refused(Key.PARAMETERS_INCOMPLETE, data={"field": option, "path": f"options.{option}"})
    code = read_passcode(typed)
    return code or Refused(Key.BAD_REQUEST, data={"field": option, "path": f"options.{option}"})


def _judge_once(by: ByPassword | ByCode, more: Sequence[Completed]) -> tuple[Completed, ...] | Refused:
    """An account has one number and one address: the profile names none that the sign-up has already."""
    first = by.contact if isinstance(by, ByCode) else by.email
    for one in more:
        if first is not None and medium_of(one.contact) == medium_of(first):
            name = "email" if medium_of(first) == "email" else "phone"
            return Refused(Key.BAD_REQUEST, data={"field": name, "path": f"profile.{name}"})
    return tuple(more)


def _options(form: SignUp) -> SignUpOptions:
    return form.options or SignUpOptions()
