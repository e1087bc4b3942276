"""A contact: a phone number or an e-mail address, each in its one spelling. Which of the two it is, it says itself."""

from typing import Literal

Medium = Literal["sms", "email"]
"""How a contact is written to."""


def medium_of(contact: str) -> Medium:
    """E.164 has no `@`, and an address has one: no contact of one medium is one of the other."""
    return "email" if "@" in contact else "sms"
