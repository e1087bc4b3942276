"""Whether a history can have happened in a world where the invariants hold (phone-change.md §7).

- Codes and tokens are single-use registers: at most one operation used each, and none that was asked after its
  answer was there.
- Numbers are intervals: who was told that a number is theirs holds it until they ask for another. Two intervals
  of one number never overlap, whatever the clocks of the machine did.
- Moves are a list per user, as the audit log has it: contiguous, each beginning where the last one ended; every
  answered move stands in it once, and nothing stands in it that nobody asked for.
- Budgets are counted over the answers: what was answered as wrong was paid for, and nothing was paid back.

Every check is linear in the operations of one key. Each gives sentences; none means that it holds.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from tests.histories.history import Final, Move, Operation

DAY_BUDGET = 10
"""`wrongCodesPerDay` of the pools that histories are recorded in."""

_ALREADY_DONE = "update_token_used"


def faults(operations: Sequence[Operation], final: Final, budget: int = DAY_BUDGET) -> list[str]:
    """Everything that is wrong with a history and the state it ended in."""
    explained, unexplained = _explain(operations, final.moves)
    return [
        *unexplained,
        *_used_once(operations, explained),
        *_told_truly(operations, explained),
        *_in_one_hand(operations, explained),
        *_chained(final),
        *_paid(operations, final, budget),
    ]


def unheard(operations: Sequence[Operation], final: Final) -> list[Operation]:
    """What happened although its answer was never heard: no fault by itself, but none may be lost in a clean stop."""
    explained, _ = _explain(operations, final.moves)
    return [operations[place] for place in explained if operations[place].outcome == "unknown"]


Explained = dict[int, Move]
"""Operation (by its place in the history) → the move that it made."""


def _explain(operations: Sequence[Operation], moves: Iterable[Move]) -> tuple[Explained, list[str]]:
    """Find the operation of every move: by its request, else among those whose answer was never heard."""
    asked = [(place, operation) for place, operation in enumerate(operations) if operation.kind == "move"]
    by_request = {op.request_id: place for place, op in asked if op.request_id and op.outcome == "ok"}
    explained: Explained = {}
    faults: list[str] = []
    silent: list[Move] = []
    for move in moves:
        place = by_request.get(move.request_id)
        if place is None:
            silent.append(move)
        elif place in explained:
            faults.append(f"one answer, two moves: {move}")
        else:
            explained[place] = move
            if (operations[place].user, operations[place].number) != (move.user, move.new):
                faults.append(f"asked for one thing and moved another: {operations[place]} {move}")
    spent = {token for place in explained for token in operations[place].uses}
    for move in silent:
        candidates = (
            place
            for place, operation in asked
            if place not in explained
            and operation.outcome == "unknown"
            and (operation.user, operation.number) == (move.user, move.new)
            and not spent.intersection(operation.uses)
        )
        chosen = next(candidates, None)
        if chosen is None:
            faults.append(f"a move that nobody asked for: {move}")
        else:
            explained[chosen] = move
            spent.update(operations[chosen].uses)
    faults += (
        f"answered, and not there: {operation}"
        for place, operation in asked
        if operation.outcome == "ok" and place not in explained
    )
    return explained, faults


def _used_once(operations: Sequence[Operation], explained: Explained) -> Iterator[str]:
    """Single-use registers: codes and tokens."""
    users: dict[str, list[Operation]] = defaultdict(list)
    for place, operation in enumerate(operations):
        if operation.outcome == "ok" or place in explained:
            for register in operation.uses:
                users[register].append(operation)
    for register, winners in users.items():
        if len(winners) > 1:
            yield f"{register} was used {len(winners)} times: {winners}"


def _told_truly(operations: Sequence[Operation], explained: Explained) -> Iterator[str]:
    """A retry that hears "this very token moved the number" must be right about that."""
    moved = {
        token: operations[place] for place in explained for token in operations[place].uses
    }  # a token is used by one move, or `_used_once` says so
    for operation in operations:
        if operation.key == _ALREADY_DONE:
            for token in operation.uses:
                if token not in moved or moved[token].called > operation.returned:
                    yield f"told that {token} moved a number, which it had not: {operation}"


def _in_one_hand(operations: Sequence[Operation], explained: Explained) -> Iterator[str]:
    """Intervals: a number is its holder's from an answer that says so until they ask for another."""
    moves: dict[str, list[Operation]] = defaultdict(list)
    for place in sorted(explained, key=lambda place: explained[place].version):
        moves[operations[place].user].append(operations[place])
    intervals: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for user, theirs in moves.items():
        for operation, following in zip(theirs, [*theirs[1:], None], strict=True):
            until = following.called if following else 2**63
            if operation.number is not None and operation.returned < until:
                intervals[operation.number].append((operation.returned, until, user))
    for number, held in intervals.items():
        held.sort()
        for (_, until, one), (since, _, other) in pairwise(held):
            if since < until and one != other:
                yield f"{number} was {one}'s and {other}'s at the same time"


def _chained(final: Final) -> Iterator[str]:
    """The audit log's list per user, and that it ends at what the account has."""
    moves: dict[str, list[Move]] = defaultdict(list)
    for move in final.moves:
        moves[move.user].append(move)
    for user, holds in final.holders.items():
        here = final.first.get(user)
        for place, move in enumerate(sorted(moves[user], key=lambda move: move.version), 1):
            if move.version != place:
                yield f"{user}: version {move.version} stands at place {place}"
            if move.old != here:
                yield f"{user}: version {move.version} leaves {move.old}, the account had {here}"
            here = move.new
        if holds != here:
            yield f"{user}: holds {holds}, the audit log ends at {here}"
    numbers = Counter(number for number in final.holders.values() if number is not None)
    for number, count in numbers.items():
        if count > 1:
            yield f"{number} has {count} holders"


def _paid(operations: Sequence[Operation], final: Final, budget: int) -> Iterator[str]:
    """Answered wrong guesses: no more of them than a day has, and every one of them counted."""
    answered: Counter[str] = Counter()
    perhaps: Counter[str] = Counter()
    for operation in operations:
        if operation.key == "code_wrong":
            answered.update(operation.wrong)
            perhaps.update(operation.doubtful)
        elif operation.outcome == "unknown":
            perhaps.update((*operation.wrong, *operation.doubtful))
    newest: dict[str, int] = defaultdict(int)
    for name in final.paid:
        counter, _, day = name.partition("@")
        newest[counter] = max(newest[counter], int(day or 0))
    for name in {*answered, *perhaps, *final.paid}:
        if answered[name] > budget:
            yield f"{name}: {answered[name]} guesses were answered, a day has {budget}"
        counter, _, day = name.partition("@")
        stored = final.paid.get(name, 0)
        forgotten = stored == 0 and int(day or 0) < newest[counter]  # a counter keeps the last day it paid in
        if not forgotten and not answered[name] <= stored <= answered[name] + perhaps[name]:
            yield f"{name}: {stored} guesses are counted, {answered[name]} were answered, {perhaps[name]} perhaps"
