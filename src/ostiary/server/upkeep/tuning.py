"""Settings of argon2id for a target time on this machine: memory first, as it is what costs an attacker most."""

from collections.abc import Callable
from dataclasses import dataclass

from ostiary.server.guards.passwords import FLOOR_LANES, FLOOR_MEMORY_KIB, FLOOR_PASSES

_STEP = 1_024
"""Memory is proposed in whole MiB."""
_TRIES = 4

Measure = Callable[[int, int, int], float]
"""Memory in KiB, passes, lanes → milliseconds of one check."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Settings, and what a check costs with them."""

    memory_kib: int
    passes: int
    lanes: int
    milliseconds: float


def propose(target_ms: float, most_kib: int, measure: Measure) -> Proposal:
    """The most memory that stays within the target, never below the floor (19 MiB, 2 passes, 1 lane).

    Where the memory ends first (`most_kib` for one check), passes are added.
    """
    best = _measured(FLOOR_MEMORY_KIB, FLOOR_PASSES, measure)
    memory = FLOOR_MEMORY_KIB
    for _ in range(_TRIES):
        memory = min(int(memory * target_ms / _cost(memory, best, measure)) // _STEP * _STEP, most_kib)
        if memory <= best.memory_kib:
            break
        found = _measured(memory, FLOOR_PASSES, measure)
        if found.milliseconds <= target_ms:
            best = found
        if found.milliseconds >= 0.9 * target_ms or memory == most_kib:
            break
    passes = int(best.passes * target_ms / best.milliseconds)
    if best.memory_kib >= most_kib - _STEP and passes > best.passes:
        best = _measured(best.memory_kib, passes, measure)
    return best


def _measured(memory: int, passes: int, measure: Measure) -> Proposal:
    return Proposal(memory, passes, FLOOR_LANES, measure(memory, passes, FLOOR_LANES))


def _cost(memory: int, best: Proposal, measure: Measure) -> float:
    return best.milliseconds if memory == best.memory_kib else measure(memory, FLOOR_PASSES, FLOOR_LANES)
