"""Codes by message: sent (`send`), proven against what was typed (`prove`), used up (`use`) or not (`leave`)."""

from ostiary.server.guards.passcodes.prove import Proof, Typed, guess, leave, prove, use
from ostiary.server.guards.passcodes.send import send

__all__ = ["Proof", "Typed", "guess", "leave", "prove", "send", "use"]
