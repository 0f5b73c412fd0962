"""What tables of probabilities and lists of names must be, said the same way by every model.

    anything --distributions--> a read-only array whose rows sum to 1
    anything --distinct_names--> a tuple of distinct strings

Whatever is wrong is a ValueError: the argument, what was expected, what was found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def distributions(name: str, table: ArrayLike, *, ndim: int, axes: str) -> Floats:
    """Return a read-only copy of a table whose rows are probability distributions.

    A row may miss 1 by 1e-8. `axes` names the axes of the table in messages: "(N, columns)".
    """
    try:
        raw = np.asarray(table)
    except ValueError:  # numpy: "inhomogeneous shape"
        raise ValueError(f"{name}: expected rows of one length, found {shown(table)}") from None
    if raw.dtype.kind not in "iuf":
        raise ValueError(f"{name}: expected numbers, found {shown(table)}")
    if raw.ndim != ndim or 0 in raw.shape:
        raise ValueError(f"{name}: expected shape {axes}, none of them 0, found {raw.shape}")
    probabilities = np.array(raw, dtype=np.float64)
    rows = np.atleast_2d(probabilities)
    wrong = ~(rows >= 0).all(axis=1) | ~(abs(rows.sum(axis=1) - 1) <= 1e-8)  # nan is wrong too
    if wrong.any():
        i = int(wrong.argmax())
        where = f"{name}, row {i}" if ndim == 2 else name
        negative = rows[i][~(rows[i] >= 0)]
        if len(negative):
            raise ValueError(f"{where}: expected probabilities of at least 0, found {negative[0]}")
        raise ValueError(f"{where}: expected a sum of 1, found {rows[i].sum():.9g}")
    probabilities.setflags(write=False)
    return probabilities


def distinct_names(argument: str, given: Sequence[str] | None, count: int) -> tuple[str, ...]:
    """Return `count` distinct names, or none at all."""
    given = () if given is None else given
    if not isinstance(given, list | tuple) or not all(isinstance(name, str) for name in given):
        raise ValueError(f"{argument}: expected a list of strings, found {shown(given)}")
    if given and len(given) != count:
        raise ValueError(f"{argument}: expected {count} names, found {len(given)}")
    name, times = max(Counter(given).items(), key=lambda item: item[1], default=("", 1))
    if times > 1:
        raise ValueError(f"{argument}: expected distinct names, found {name!r} {times} times")
    return tuple(given)


def shown(value: object) -> str:
    """Return a value as a message shows it, cut short."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
