"""What the numbers that steer a model may be, said the same way by all of them."""

from __future__ import annotations

import math


def at_least(name: str, value: float, least: float) -> None:
    """Raise ValueError, naming the knob, unless it is a number of at least so much."""
    if not least <= value < math.inf:  # nan is not
        raise ValueError(f"{name}: expected at least {least}, found {value}")
