"""The checker catches what it is there to catch: good histories pass, and each bad one is named."""

import pytest

from tests.histories.checker import faults
from tests.histories.history import Final, Move, Operation

A, B = "user-a", "user-b"


def prove(user, called, returned, outcome="ok", *codes, key="", wrong=()):
    return Operation(user, "prove", called, returned, outcome, key, f"p{called}", codes, wrong=wrong)


def move(user, called, returned, outcome, token, number, key=""):
    request = f"m{called}" if outcome != "unknown" else ""
    return Operation(user, "move", called, returned, outcome, key, request, (token,), number)


def final(*moves, **paid):
    first = {A: "1", B: "2"}
    holders = dict(first)
    for made in moves:
        holders[made.user] = made.new
    return Final(first, holders, moves, paid)


GOOD = {
    "one change": (
        [prove(A, 1, 2, "ok", "code-1"), move(A, 3, 4, "ok", "t", "3")],
        final(Move(A, 1, "1", "3", "m3")),
    ),
    "an answer that was lost, and a retry that is told": (
        [move(A, 3, 2**63, "unknown", "t", "3"), move(A, 9, 10, "refused", "t", "3", "update_token_used")],
        final(Move(A, 1, "1", "3", "?")),
    ),
    "an answer that was lost, and nothing happened": (
        [move(A, 3, 2**63, "unknown", "t", "3"), move(A, 9, 10, "ok", "t", "3")],
        final(Move(A, 1, "1", "3", "m9")),
    ),
    "a number handed on": (
        [
            move(A, 1, 2, "ok", "t1", "3"),
            move(A, 5, 9, "ok", "t2", "4"),
            move(B, 6, 8, "ok", "t3", "3"),
        ],
        final(Move(A, 1, "1", "3", "m1"), Move(A, 2, "3", "4", "m5"), Move(B, 1, "2", "3", "m6")),
    ),
    "a day that is over is forgotten": (
        [prove(A, n, n, "refused", key="code_wrong", wrong=(f"a/BIND@{n}",)) for n in (1, 2)],
        final(**{"a/BIND@2": 1}),
    ),
    "wrong guesses, one of them unanswered": (
        [
            prove(A, 1, 2, "refused", key="code_wrong", wrong=("a/BIND",)),
            prove(A, 3, 2**63, "unknown", wrong=("a/BIND",)),
        ],
        final(**{"a/BIND": 2}),
    ),
}

BAD = {
    "used 2 times": (
        [prove(A, 1, 2, "ok", "code-1"), prove(A, 1, 3, "ok", "code-1")],
        final(),
    ),
    "t was used 2 times": (
        [move(A, 1, 2, "ok", "t", "3"), move(A, 3, 4, "ok", "t", "4")],
        final(Move(A, 1, "1", "3", "m1"), Move(A, 2, "3", "4", "m3")),
    ),
    "a move that nobody asked for": (
        [move(A, 1, 2, "ok", "t", "3"), move(A, 3, 2**63, "unknown", "t", "3")],
        final(Move(A, 1, "1", "3", "m1"), Move(A, 2, "3", "3", "?")),  # the unknown one had the same token
    ),
    "answered, and not there": ([move(A, 1, 2, "ok", "t", "3")], final()),
    "one answer, two moves": (
        [move(A, 1, 2, "ok", "t", "3")],
        final(Move(A, 1, "1", "3", "m1"), Move(A, 2, "3", "3", "m1")),
    ),
    "asked for one thing and moved another": (
        [move(A, 1, 2, "ok", "t", "3")],
        final(Move(B, 1, "2", "3", "m1")),
    ),
    "which it had not": (
        [move(A, 1, 2, "refused", "t", "3", "update_token_used")],
        final(),
    ),
    "at the same time": (
        [move(A, 1, 2, "ok", "t1", "3"), move(B, 3, 4, "ok", "t2", "3"), move(A, 5, 6, "ok", "t3", "4")],
        final(Move(A, 1, "1", "3", "m1"), Move(B, 1, "2", "3", "m3"), Move(A, 2, "3", "4", "m5")),
    ),
    "stands at place": ([move(A, 1, 2, "ok", "t", "3")], final(Move(A, 2, "1", "3", "m1"))),
    "the account had": ([move(A, 1, 2, "ok", "t", "3")], final(Move(A, 1, "9", "3", "m1"))),
    "the audit log ends at": (
        [move(A, 1, 2, "ok", "t", "3")],
        Final({A: "1"}, {A: "4"}, (Move(A, 1, "1", "3", "m1"),)),
    ),
    "has 2 holders": ([], Final({A: "1", B: "1"}, {A: "1", B: "1"})),
    "a day has 10": (
        [prove(A, n, n, "refused", key="code_wrong", wrong=("a/BIND",)) for n in range(11)],
        final(**{"a/BIND": 11}),
    ),
    "1 guesses are counted, 2 were answered": (
        [prove(A, n, n, "refused", key="code_wrong", wrong=("a/BIND",)) for n in range(2)],
        final(**{"a/BIND": 1}),
    ),
    "0 guesses are counted, 1 were answered": (
        [prove(A, 1, 2, "refused", key="code_wrong", wrong=("a/BIND@2",))],
        final(**{"a/BIND@1": 1}),
    ),
    "3 guesses are counted, 2 were answered": (
        [prove(A, n, n, "refused", key="code_wrong", wrong=("a/BIND",)) for n in range(2)],
        final(**{"a/BIND": 3}),
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_history_that_can_be(name):
    assert faults(*GOOD[name]) == []


@pytest.mark.parametrize("name", BAD)
def test_a_history_that_can_not_be(name):
    found = faults(*BAD[name])
    assert any(name in fault for fault in found), found
