"""What stories about numbers and codes have in common: asking, typing, and being refused, through the SDK."""

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from ostiary import AuthenticationClient
from ostiary.client.errors import APIError
from ostiary.contract.errors import CATALOGUE
from ostiary.contract.keys import Key
from ostiary.contract.operations import BY_NAME
from tests.service import BIND, UNBIND, Person, Service

NO_OLD: dict[str, Any] = {"changePhoneStrategy": {"verifyOldPhone": False}}
"""Settings of a pool that does not ask for the old number's proof."""

_octets = itertools.count(1)


def wrong(code: str, by: int = 1) -> str:
    """A code of the same length that is not this one."""
    return code[:-1] + str((int(code[-1]) + by) % 10)


def refusal(call: Callable[..., Any], *arguments: Any, **named: Any) -> APIError:
    """The error of a call that must be refused."""
    with pytest.raises(APIError) as refused:
        call(*arguments, **named)
    return refused.value


def key(call: Callable[..., Any], *arguments: Any, **named: Any) -> str | None:
    """Why a call is refused: the contract's name of it."""
    return refusal(call, *arguments, **named).key


def send(client: AuthenticationClient, channel: str, number: str, country: str | None = None) -> None:
    """Ask for a code at a number, or at an address."""
    if "@" in number:
        client.send_email(channel, number)  # type: ignore[arg-type] # any channel's name
        return
    client.send_sms(channel, number, country)  # type: ignore[arg-type] # any channel's name


def new_code(
    person: Person, number: str, *, client: AuthenticationClient | None = None, count: int = 1
) -> str:
    """Have a code sent to a new number, and read it there."""
    send(client or person.client, BIND, number)
    return person.service.code(number, BIND, count=count)


def old_code(person: Person, *, count: int = 1) -> str:
    """Have a code sent to the person's own number, and read it there."""
    assert person.phone is not None
    send(person.client, UNBIND, person.phone)
    return person.service.code(person.phone, UNBIND, count=count)


def pair(new: str, code: str, old: str | None = None, old_typed: str | None = None) -> dict[str, Any]:
    """The payload of verify-update-phone-request."""
    return {
        "newPhoneNumber": new,
        "newPhonePassCode": code,
        "oldPhoneNumber": old,
        "oldPhonePassCode": old_typed,
    }


def prove(person: Person, new: str, *, client: AuthenticationClient | None = None, old: bool = True) -> str:
    """Both codes sent, read and typed: the update token."""
    typed = pair(new, new_code(person, new, client=client))
    if old:
        typed |= {"oldPhoneNumber": person.phone, "oldPhonePassCode": old_code(person)}
    return (client or person.client).verify_update_phone_request(typed).data.update_phone_token


def check(client: AuthenticationClient, channel: str, number: str, code: str) -> bool:
    """What pre-check-code says, of a number's code or an address'."""
    if "@" in number:
        mail = {"email": number, "passCode": code, "channel": channel}
        return client.pre_check_code("EMAIL", email_code_payload=mail).data.is_valid
    payload = {"phone": number, "passCode": code, "channel": channel}
    return client.pre_check_code("SMS", sms_code_payload=payload).data.is_valid


def spend_guesses(client: AuthenticationClient, channel: str, number: str, code: str, how_many: int) -> None:
    """Type that many wrong codes."""
    for turn in range(how_many):
        assert not check(client, channel, number, wrong(code, 1 + turn % 9))


def phone_of(person: Person, client: AuthenticationClient | None = None) -> str | None:
    """The number on the account, E.164."""
    profile = (client or person.client).get_profile().data
    return f"{profile.phone_country_code}{profile.phone}" if profile.phone else None


def trail(service: Service, user_id: str) -> set[str]:
    """What the audit trail says was done with somebody's account: the events that were not refused."""
    rows = service.management.list_audit_events(user_id=user_id, limit=50).data.list
    return {row.event for row in rows if row.verdict == "done"}


Story = Callable[[Service], APIError]


class Stories(dict[tuple[str, Key], Story]):
    """(operation, key) → the story that ends in this refusal of it."""

    def __init__(self, operations: Iterable[str]) -> None:
        super().__init__()
        self.operations = operations

    def story(self, operation: str, key: Key) -> Callable[[Story], Story]:
        """Enter a story."""

        def enter(told: Story) -> Story:
            assert (operation, key) not in self
            self[operation, key] = told
            return told

        return enter

    def listed(self, operation: str) -> set[tuple[str, Key]]:
        """What the contract says the operation may refuse with."""
        return {(operation, key) for key in BY_NAME[operation].own_errors}

    def told(self, operation: str) -> set[tuple[str, Key]]:
        """What there is a story of."""
        return {one for one in self if one[0] == operation}

    def tell(self, service: Service, operation: str, key: Key) -> None:
        """Live through it, and look at the answer as the client sees it."""
        error = self[operation, key](service)
        row = CATALOGUE[key]
        assert error.key == key.value
        assert (error.status_code, error.api_code, error.http_status) == (row.status_code, row.api_code, 200)
        assert error.message == row.sentence("en-US", error.data)
        assert error.request_id


def texts(service: Service, to: str, channel: str) -> list[dict[str, Any]]:
    """What arrived there, once the worker had a moment; for what must not arrive."""
    marker = service.number()
    send(service.client(), "CHANNEL_LOGIN", marker)
    service.code(
        marker, "CHANNEL_LOGIN"
    )  # the outbox is served in order: whatever was queued before is there by now
    return [entry for entry in service.inbox(to) if entry["channel"] == channel]
