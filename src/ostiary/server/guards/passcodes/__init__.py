"""Codes by message: sent (`send`), proven against what a person typed (`prove`), and used up (`use`)."""

from ostiary.server.guards.passcodes.prove import Proof, Typed, prove, use
from ostiary.server.guards.passcodes.send import send

__all__ = ["Proof", "Typed", "prove", "send", "use"]
