"""Settings of argon2id for a target time on this machine: memory first, as it is what costs an attacker most."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from ostiary.server.guards.passwords import FLOOR_LANES, FLOOR_MEMORY_KIB, FLOOR_PASSES

_STEP = 1_024
"""Memory is proposed in whole MiB."""
_TRIES = 6
NEAR = 0.9
"""From this share of the target on a proposal is good enough: the next measurement differs by as much."""

Measure = Callable[[int, int, int], float]
"""Memory in KiB, passes, lanes → milliseconds of one check."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Settings, and what a check costs with them."""

    memory_kib: int
    passes: int
    lanes: int
    milliseconds: float
    next_step: float | None = None
    """What the smallest larger setting that was tried costs, in milliseconds: above the target. None: none was tried."""


def propose(target_ms: float, most_kib: int, measure: Measure) -> Proposal:
    """The most memory that stays within the target, never below the floor (19 MiB, 2 passes, 1 lane).

    Where the memory ends first (`most_kib` for one check), passes are added.
    """
    best = _measured(FLOOR_MEMORY_KIB, FLOOR_PASSES, measure)
    over: Proposal | None = None
    for _ in range(_TRIES):
        memory = min(_next(best, over, target_ms), most_kib)
        if memory <= best.memory_kib or best.milliseconds >= NEAR * target_ms:
            break
        found = _measured(memory, FLOOR_PASSES, measure)
        if found.milliseconds <= target_ms:
            best = found
        else:
            over = found
    best = _before(best, over)
    return _with_more_passes(best, target_ms, measure) if best.memory_kib >= most_kib - _STEP else best


def _next(best: Proposal, over: Proposal | None, target_ms: float) -> int:
    """The memory to try: on the line through what was measured, which leads too far where caches end (cost bends up)."""
    if over is None:
        memory = best.memory_kib * target_ms / best.milliseconds
    else:
        share = (target_ms - best.milliseconds) / (over.milliseconds - best.milliseconds)
        memory = best.memory_kib + share * (over.memory_kib - best.memory_kib)
    return int(memory) // _STEP * _STEP


def _with_more_passes(best: Proposal, target_ms: float, measure: Measure) -> Proposal:
    """As many passes as the target has room for; where the measurement says that it was one too many, one less."""
    passes = int(best.passes * target_ms / best.milliseconds)
    over: Proposal | None = None
    while passes > best.passes:
        found = _measured(best.memory_kib, passes, measure)
        if found.milliseconds <= target_ms:
            return _before(found, over)
        over = found
        passes = min(passes - 1, int(passes * target_ms / found.milliseconds))
    return _before(best, over)


def _before(best: Proposal, over: Proposal | None) -> Proposal:
    """The proposal, with the measurement that shows why it is not a larger one."""
    return best if over is None else replace(best, next_step=over.milliseconds)


def _measured(memory: int, passes: int, measure: Measure) -> Proposal:
    return Proposal(memory, passes, FLOOR_LANES, measure(memory, passes, FLOOR_LANES))
