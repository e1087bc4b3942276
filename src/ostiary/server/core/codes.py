"""Codes, wrong guesses and asks, as rules and guards see them: values, read from rows and put back as rows."""

import msgspec

NOBODY = ""
"""The owner of a code that was asked for without a signed-in caller, or on a channel that binds none."""


class Code(msgspec.Struct, frozen=True):
    """One row. Length, life and tries are those at issue. Moments in ms."""

    pool_id: str
    target: str
    channel: str
    owner: str
    seed: bytes
    key_id: str
    length: int
    max_wrong: int
    wrong: int
    made_at: int
    ends_at: int
    used_at: int | None
    void_at: int | None


class WrongGuess(msgspec.Struct, frozen=True, array_like=True):
    """One wrong guess: when, by which session ('' = none), and the id that keeps it from being counted twice."""

    at: int
    session_id: str
    id: str


class Counter(msgspec.Struct, frozen=True):
    """One row, as it was read."""

    pool_id: str
    subject: str
    channel: str
    guesses: tuple[WrongGuess, ...] = ()
    row_wrong: int = 0
    shut_at: int | None = None
    told_half_at: int | None = None
    told_all_at: int | None = None
    version: int = -1
    """-1: there is no row yet."""


class Sent(msgspec.Struct, frozen=True, array_like=True):
    """One ask that was queued.

    `asker` is a user's id, '' = unsigned; `owner` whether the number was theirs; `code` a mark of the code sent;
    `used` whether that code was used since (then the ask leaves the shares, not the totals).
    """

    at: int
    channel: str
    asker: str
    owner: bool
    code: str
    used: bool = False


class Ledger(msgspec.Struct, frozen=True):
    """An exact row as it was read; version -1 = there is none yet."""

    key: str
    asks: tuple[Sent, ...] = ()
    version: int = -1
