"""A hidden Markov model as a value: three tables, or two tables and a bell for each state.

    HMM(start, transition, emission)
        emission  (N, M) a table: what is seen is one of M symbols
                  Gaussian(mean, variance): what is seen is a row of D numbers

    model.encode(observations)  --> numbers to compute with
    model.logs(observations)    --> Scores(start, trans, emit), what every algorithm takes
    model.to_json()             --> text that from_json reads back bit by bit

The algorithms are in hmm.py, and know no more of a model than its Scores.

Articles: docs/en/posts/hmm.md, docs/en/posts/hmm-evaluation.md
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NamedTuple, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snippets.files import Saved, json_object, json_text, require_keys
from snippets.tables import distinct_names, distributions, shown

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Real = np.floating[Any]
Seen = NDArray[Any]  # observations as numbers: Codes (T,), or Floats (T, D) for a Gaussian


# Natural logs ---------------------------------------------------------------------------


class Scores(NamedTuple):
    """What the algorithms need to know of a model and a sequence: natural logs."""

    start: Floats  # (N,)    log pi[j]
    trans: Floats  # (N, N)  log a[i, j], from row to column
    emit: Floats  # (T, N)  log b[j, o_t]


def as_scores(start: ArrayLike, trans: ArrayLike, emit: ArrayLike) -> Scores:
    """Return the three arrays as float64, checked against each other.

    Raises ValueError, naming the array, if it is no array of numbers, the shapes disagree,
    T or N is 0, or a score is nan or +inf.
    """
    try:
        name = "start"
        start = np.asarray(start, dtype=np.float64)
        name = "trans"
        trans = np.asarray(trans, dtype=np.float64)
        name = "emit"
        emit = np.asarray(emit, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: expected an array of logs, found {error}") from error
    scores = Scores(start, trans, emit)
    if scores.emit.ndim != 2 or 0 in scores.emit.shape:
        raise ValueError(f"emit: expected (T, N) with T, N >= 1, found {scores.emit.shape}")
    N = scores.emit.shape[1]
    for name, array, shape in (("start", scores.start, (N,)), ("trans", scores.trans, (N, N))):
        if array.shape != shape:
            raise ValueError(
                f"{name}: expected {shape}, as emit has {N} states, found {array.shape}"
            )
    for name, array in scores._asdict().items():
        if not (array < np.inf).all():  # nan < inf is false, so nan is caught here too
            raise ValueError(f"{name}: expected logs, finite or -inf, found nan or +inf")
    return scores


# What a state looks like ----------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Gaussian:
    """Emissions that are rows of D numbers: a bell for each state and each number.

    mean:     (N, D)
    variance: (N, D)  positive; numbers are independent of each other, given the state

    The tables are copied and become read-only. Raises ValueError, naming the table, for a
    shape that is not (N, D), a number that is not finite, and a variance that is not positive.
    """

    mean: Floats
    variance: Floats

    def __post_init__(self) -> None:
        mean, variance = _finite("mean", self.mean), _finite("variance", self.variance)
        if variance.shape != mean.shape:
            raise ValueError(
                f"emission, variance: expected {mean.shape}, the shape of mean, "
                f"found {variance.shape}"
            )
        if (variance <= 0).any():
            raise ValueError(
                f"emission, variance: expected positive numbers, found {variance.min():.6g}"
            )
        object.__setattr__(self, "mean", mean)  # the way to fill a frozen dataclass
        object.__setattr__(self, "variance", variance)

    def log_density(self, rows: Floats) -> Floats:
        """Return log b[j, o_t], (T, N), for rows (T, D). A density: its log may be above 0."""
        scale = np.log(2 * np.pi * self.variance).sum(axis=1)  # (N,)
        bells = zip(self.mean, self.variance, strict=True)
        squares = [((rows - m) ** 2 / v).sum(axis=1) for m, v in bells]
        found: Floats = -0.5 * (np.stack(squares, axis=1) + scale)
        return found


def _finite(name: str, table: ArrayLike) -> Floats:
    found = np.array(table, dtype=np.float64)
    if found.ndim != 2 or 0 in found.shape:
        raise ValueError(f"emission, {name}: expected shape (N, D), found {found.shape}")
    if not np.isfinite(found).all():
        raise ValueError(f"emission, {name}: expected finite numbers, found nan or inf")
    found.setflags(write=False)
    return found


# The model ------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class HMM(Saved):
    """A hidden Markov model: where it starts, where it goes, what is seen of it.

    start:      (N,)    P(first state is j)
    transition: (N, N)  P(next state is j, column | state is i, row)
    emission:   (N, M)  P(symbol is k, column | state is i, row), or a Gaussian
    states, symbols:    N and M names, for people and files; may be left out

    The tables are copied and become read-only. Raises ValueError, naming the table, for
    a shape that does not fit, an entry that is negative or nan, and a row whose sum is
    not 1 within 1e-8; and for names that are too few, too many, or not distinct.
    """

    start: Floats
    transition: Floats
    emission: Floats | Gaussian
    states: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        start = distributions("start", self.start, ndim=1, axes="(N,)")
        transition = distributions("transition", self.transition, ndim=2, axes="(N, columns)")
        N = len(start)
        if transition.shape != (N, N):
            raise ValueError(
                f"transition: expected shape {(N, N)}, since start has {N} states, "
                f"found {transition.shape}"
            )
        emission = self.emission
        if isinstance(emission, Gaussian):
            rows, M = len(emission.mean), 0
        else:
            emission = distributions("emission", emission, ndim=2, axes="(N, columns)")
            rows, M = emission.shape
        if rows != N:
            raise ValueError(
                f"emission: expected one row for each of the {N} states of start, found {rows}"
            )
        fields = {
            "start": start,
            "transition": transition,
            "emission": emission,
            "states": distinct_names("states", self.states, N),
            "symbols": distinct_names("symbols", self.symbols, M),
        }
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, HMM) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        tables = [self.start, self.transition]
        gaussian = isinstance(self.emission, Gaussian)
        if isinstance(self.emission, Gaussian):
            tables += [self.emission.mean, self.emission.variance]
        else:
            tables += [self.emission]
        values = tuple(tuple(table.ravel().tolist()) for table in tables)
        return gaussian, *values, self.states, self.symbols

    @property
    def table(self) -> Floats:
        """The emission table (N, M); ValueError if emissions are Gaussian."""
        if isinstance(self.emission, Gaussian):
            raise ValueError("emission: expected a table of symbols, found a Gaussian")
        return self.emission

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the states, or else their numbers as text."""
        return self.states or tuple(str(j) for j in range(len(self.start)))

    @property
    def alphabet(self) -> tuple[str, ...]:
        """The names of the symbols, or else their numbers as text; none if Gaussian."""
        if isinstance(self.emission, Gaussian):
            return ()
        return self.symbols or tuple(str(k) for k in range(self.table.shape[1]))

    # Observations

    def encode(self, observations: Iterable[Any]) -> Seen:
        """Return a sequence as numbers: symbols 0 .. M-1, (T,), or rows (T, D) for a Gaussian.

        A symbol is a number, or the name of a symbol; a string that is no name but reads as
        a number is that number. Raises ValueError for an empty sequence and for the first
        observation that the model does not know.
        """
        if isinstance(self.emission, Gaussian):
            return self._rows(observations)
        if isinstance(observations, np.ndarray) and observations.ndim != 1:
            raise ValueError(
                f"observations: expected one sequence (T,), found shape {observations.shape}"
            )
        return self._codes(observations)

    def encode_all(self, sequences: Iterable[Any]) -> tuple[Seen, Codes]:
        """Return many sequences end to end, as `encode` returns each, and their lengths (B,).

        An array of whole numbers (B, T) is B sequences of one length; for a Gaussian, an
        array (B, T, D).
        """
        if isinstance(sequences, np.ndarray) and sequences.dtype != object:
            return self._block(sequences)
        encoded = []
        for b, one in enumerate(listed(sequences)):
            try:
                encoded.append(self.encode(one))
            except ValueError as error:
                raise ValueError(f"sequences[{b}], {error}") from error
        if not encoded:
            raise ValueError("sequences: expected at least one, found none")
        return np.concatenate(encoded), np.array([len(one) for one in encoded])

    def _block(self, sequences: NDArray[Any]) -> tuple[Seen, Codes]:
        ndim = 3 if isinstance(self.emission, Gaussian) else 2
        if sequences.ndim != ndim or 0 in sequences.shape:
            axes = "(B, T, D)" if ndim == 3 else "(B, T)"
            raise ValueError(f"sequences: expected {axes}, none 0, found {sequences.shape}")
        B, T = sequences.shape[:2]
        flat = self.encode(sequences.reshape(B * T, *sequences.shape[2:]))
        return flat, np.full(B, T)

    def _rows(self, observations: Iterable[Any]) -> Floats:
        assert isinstance(self.emission, Gaussian)
        D = self.emission.mean.shape[1]
        given = observations if isinstance(observations, np.ndarray) else list(observations)
        try:
            rows = np.asarray(given, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"observations: expected numbers, found {error}") from error
        if rows.ndim == 1 and D == 1:
            rows = rows[:, None]
        if rows.ndim != 2 or rows.shape[1] != D or not len(rows):
            raise ValueError(f"observations: expected (T, {D}) with T >= 1, found {rows.shape}")
        if not np.isfinite(rows).all():
            t = int((~np.isfinite(rows)).any(axis=1).argmax())
            raise ValueError(f"observations[{t}]: expected finite numbers, found {rows[t]}")
        return rows

    def _codes(self, observations: Iterable[Any]) -> Codes:
        M = self.table.shape[1]
        if _is_whole(observations) and observations.min() >= 0 and observations.max() < M:
            return observations.astype(np.intp, copy=False)  # a million numbers, at once
        number = {name: k for k, name in enumerate(self.symbols)}
        codes = [self._code(seen, t, number) for t, seen in enumerate(observations)]
        if not codes:
            raise ValueError("observations: expected at least one symbol, found none")
        return np.array(codes, dtype=np.intp)

    def _code(self, seen: object, t: int, number: Mapping[str, int]) -> int:
        if isinstance(seen, str) and seen in number:
            return number[seen]
        try:
            code = int(seen) if isinstance(seen, str) else operator.index(seen)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            code = -1
        if 0 <= code < self.table.shape[1]:
            return code
        near = get_close_matches(str(seen), self.symbols, n=1)
        raise ValueError(
            f"observations[{t}]: expected {self._known()}, found {shown(seen)}"
            + (f"; did you mean {near[0]!r}?" if near else "")
        )

    def _known(self) -> str:
        numbers = f"0 to {self.table.shape[1] - 1}"
        if not self.symbols:
            return f"a symbol {numbers}"
        listed = ", ".join(self.symbols[:8]) + (", ..." if len(self.symbols) > 8 else "")
        return f"one of {listed} (or {numbers})"

    def logs(self, observations: Iterable[Any]) -> Scores:
        """Return the natural-log arrays of this model for a sequence: forward(*model.logs(o))."""
        seen = self.encode(observations)
        with np.errstate(divide="ignore"):  # log 0 = -inf is what we mean
            start, trans = np.log(self.start), np.log(self.transition)
            if isinstance(self.emission, Gaussian):
                return Scores(start, trans, self.emission.log_density(seen))
            return Scores(start, trans, np.log(self.emission.T)[seen])

    # Files

    @classmethod
    def from_json(cls, text: str) -> HMM:
        """Read what to_json wrote; ValueError says what is wrong with it."""
        found = json_object(text)
        require_keys(found, ("start", "transition", "emission"), ("states", "symbols"))
        if isinstance(found["emission"], dict):
            require_keys(found["emission"], ("mean", "variance"), (), "emission, ")
            found["emission"] = Gaussian(**found["emission"])
        return cls(**found)

    def to_json(self) -> str:
        """Return the model as JSON that from_json reads back bit by bit."""
        fields: dict[str, Any] = {
            name: list(getattr(self, name)) for name in ("states", "symbols") if getattr(self, name)
        }
        fields |= {"start": self.start.tolist(), "transition": self.transition.tolist()}
        if isinstance(self.emission, Gaussian):
            mean, variance = self.emission.mean.tolist(), self.emission.variance.tolist()
            fields["emission"] = {"mean": mean, "variance": variance}
        else:
            fields["emission"] = self.emission.tolist()
        return json_text(fields)


def listed(sequences: Iterable[Any]) -> list[Any]:
    """Return the sequences as lists and arrays; ValueError for what is no sequence."""
    found = []
    for b, one in enumerate(sequences):
        if isinstance(one, str) or not isinstance(one, Iterable):
            raise ValueError(
                f"sequences[{b}]: expected a sequence of observations, found {shown(one)}; "
                "put a single sequence into a list"
            )
        found.append(one if isinstance(one, np.ndarray) else list(one))
    return found


def _is_whole(observations: object) -> TypeGuard[NDArray[np.integer[Any]]]:
    return isinstance(observations, np.ndarray) and (
        observations.dtype.kind in "iu" and observations.size > 0
    )
