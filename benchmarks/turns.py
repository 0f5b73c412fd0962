"""Time functions side by side in this process: `calls --in_turn--> seconds a call`.

A turn is as many calls as take TURN seconds, since what is fast is asked for again and again;
rounds interleave and change their direction, so that a busy moment falls on every side.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

Call = Callable[[], object]
Clock = Callable[[], float]
TURN = 0.05


def in_turn(
    calls: Mapping[str, Call], rounds: int, clock: Clock = time.perf_counter
) -> dict[str, list[float]]:
    """Return the seconds of one call of each, a number a round."""
    times = {name: _times(call, clock) for name, call in calls.items()}
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds):
        for name in list(calls)[:: 1 if number % 2 == 0 else -1]:
            taken[name].append(seconds(calls[name], times[name], clock))
    return taken


def seconds(call: Call, times: int = 1, clock: Clock = time.perf_counter) -> float:
    """Return how long a call takes, on average over so many."""
    began = clock()
    for _ in range(times):
        call()
    return (clock() - began) / times


def _times(call: Call, clock: Clock) -> int:
    """Return how many calls are a turn; the first one, which warms up, does not count."""
    call()
    return max(1, round(TURN / max(seconds(call, clock=clock), 1e-6)))
