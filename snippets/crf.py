"""Conditional random fields: score a whole labelling, and normalise once, over all of them.

Of T tokens, each with one of K tags, a labelling y scores

    s(y) = start[y_1] + sum over t of emit[t, y_t] + sum over t > 1 of trans[y_t-1, y_t] + end[y_T]

where emit may be anything: counted features, a network's output. Its probability is

    P(y) = exp(s(y)) / Z        Z = sum of exp(s(y)) over all K^T labellings

and the sum is that of the forward algorithm, in logs:

    alpha[1, j] = start[j] + emit[1, j]
    alpha[t, j] = log sum_i exp(alpha[t-1, i] + trans[i, j]) + emit[t, j]
    log Z       = log sum_j exp(alpha[T, j] + end[j])

All else is log Z and its derivatives: d log Z / d emit[t, j] = P(y_t = j), and learning moves
every weight by what was observed less what was expected. Three ways to the same number:

    enumerate_labellings  every labelling, one by one    O(T K^T)
    log_partition         the recursion, line by line    O(T K^2)
    CRF                   a torch module: batches, gradients, decoding. It stands in for
                          pytorch-crf's; the sums are in crf_fast.py

Article: docs/en/posts/crf.md
Sources: Lafferty, McCallum, Pereira (2001), ICML; Sutton, McCallum (2012), Found. Trends
         Mach. Learn. 4(4); the interface is that of pytorch-crf 0.7.2 by Kemal Kurniawan.

    python -m snippets.crf
    python -m snippets.crf decode problem.json --k 3
    echo '{"emissions": [[1, 0], [0, 1]], "transitions": [[0, 1], [0, 0]]}' |
        python -m snippets.crf decode - --json
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from snippets import crf_fast
from snippets.crf_fast import Layout
from snippets.program import Parser, run
from snippets.tag_schemes import Legal, legal_moves

# To be read -----------------------------------------------------------------------------


class Labellings(NamedTuple):
    """Every labelling there is, and its score."""

    tags: Tensor  # (K^T, T)  in lexicographic order
    scores: Tensor  # (K^T,)


def enumerate_labellings(
    start: Tensor, trans: Tensor, emit: Tensor, end: Tensor, *, limit: int = 2**18
) -> Labellings:
    """Return all K^T labellings of one sequence with their scores s(y): the definition.

    start, end (K,), trans (K, K) from row to column, emit (T, K) are scores; -inf forbids.
    Gradients flow. Raises ValueError if there are more than `limit` labellings.
    """
    T, K = emit.shape
    count = K**T
    if count > limit:
        raise ValueError(f"emit: {K}^{T} labellings are more than limit={limit:,}")
    tags = torch.cartesian_prod(*[torch.arange(K)] * T).reshape(-1, T)
    scores = start[tags[:, 0]] + end[tags[:, -1]]
    for t in range(T):
        scores = scores + emit[t, tags[:, t]]
        if t > 0:
            scores = scores + trans[tags[:, t - 1], tags[:, t]]
    return Labellings(tags, scores)


def log_partition(start: Tensor, trans: Tensor, emit: Tensor, end: Tensor) -> Tensor:
    """Return log Z of one sequence, (): a natural log.

    Takes what `enumerate_labellings` takes. Gradients flow, and are the posteriors; where all
    ways to a tag are forbidden autograd makes them nan, which CRF does not.
    """
    alpha = start + emit[0]  # (K,)
    for here in emit[1:]:
        alpha = torch.logsumexp(alpha[:, None] + trans, dim=0) + here  # (K, K): from i, at j
    return torch.logsumexp(alpha + end, dim=0)


# To be used -----------------------------------------------------------------------------

REDUCTIONS = ("none", "sum", "mean", "token_mean")


class Labelling(NamedTuple):
    tags: list[int]
    score: float  # s(y); log P(y) is it less log Z


class _Batch(NamedTuple):
    """What every question is asked of: scores, and where the tokens stand."""

    emissions: Tensor  # (R, K)  R = B T, flattened as they came
    start: Tensor  # (K,)
    trans: Tensor  # (K, K)
    end: Tensor  # (K,)
    layout: Layout

    def chain(self) -> crf_fast.Chain:
        return crf_fast.chain(*self)


class CRF(nn.Module):
    """A linear-chain conditional random field over `num_tags` tags.

    >>> crf = CRF(5)
    >>> loss = -crf(torch.randn(7, 2, 5), torch.ones(7, 2, dtype=torch.long), reduction="mean")
    >>> loss.backward()

    start_transitions, end_transitions: (K,)    parameters, drawn from -0.1 to 0.1
    transitions:                        (K, K)  ... from row to column
    legal:  what a labelling may do: `legal_moves("BMES", tags)`, or three tables of booleans.
            What is not legal has probability 0, in training as in decoding; no parameter and
            nothing in the state_dict tells of it.

    Everywhere emissions are (T, B, K), mask and tags (T, B); with batch_first (B, T, K) and
    (B, T). A mask is on for the tokens of a sequence, which has at least one, and off after
    them; what stands there is never read. Emissions and parameters may be -inf: it forbids.
    Logs are natural. float16 and bfloat16 are computed in float32. A batch may be empty.

    forward, log_partition, score and partial_log_likelihood have gradients (no second ones: to
    ask for them raises RuntimeError), and so has entropy; the others do not track any.
    Each takes O(B T K^2) time and keeps O(B T K) numbers, where nothing else is said.

    All raise ValueError if shapes disagree, a mask has a gap, or a tag is none of the K.
    """

    legal_start: Tensor | None
    legal_trans: Tensor | None
    legal_end: Tensor | None

    def __init__(
        self, num_tags: int, batch_first: bool = False, *, legal: Legal | None = None
    ) -> None:
        if num_tags <= 0:
            raise ValueError(f"invalid number of tags: {num_tags}")
        super().__init__()
        self.num_tags = num_tags
        self.batch_first = batch_first
        self.start_transitions = nn.Parameter(torch.empty(num_tags))
        self.end_transitions = nn.Parameter(torch.empty(num_tags))
        self.transitions = nn.Parameter(torch.empty(num_tags, num_tags))
        for name in Legal._fields:
            self.register_buffer(f"legal_{name}", None, persistent=False)
        self.restrict(legal)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters from -0.1 to 0.1."""
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -0.1, 0.1)

    def restrict(self, legal: Legal | None) -> None:
        """Allow only what is legal from now on; None allows everything."""
        K = self.num_tags
        for name, shape in zip(Legal._fields, ((K,), (K, K), (K,)), strict=True):
            table = None
            if legal is not None:
                table = torch.as_tensor(getattr(legal, name), device=self.transitions.device)
                if table.dtype != torch.bool or table.shape != shape:
                    found = f"{table.dtype} of shape {tuple(table.shape)}"
                    raise ValueError(f"legal.{name}: expected booleans {shape}, found {found}")
            setattr(self, f"legal_{name}", table)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(num_tags={self.num_tags})"

    def forward(
        self,
        emissions: Tensor,
        tags: Tensor,
        mask: Tensor | None = None,
        reduction: str = "sum",
    ) -> Tensor:
        """Return log P(tags), (B,), or one number for the batch: the log-likelihood, not a loss.

        reduction: "none", "sum", "mean" over sequences, or "token_mean"; means of none are 0

        Tags that are forbidden have log-likelihood -inf and no gradient.
        """
        batch = self._batch(emissions, mask, tags)
        _require_reduction(reduction)
        codes = self._codes(tags, batch.layout)
        cost = crf_fast.LogPartition.apply(*batch, codes)  # type: ignore[no-untyped-call]
        return _reduced(-cost, reduction, batch.layout)

    def log_partition(self, emissions: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return log Z, (B,); -inf where every labelling is forbidden, without a gradient."""
        return _log_partition(self._batch(emissions, mask))

    def score(self, emissions: Tensor, tags: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return s(tags), (B,), the log of their weight in Z. O(B T) time."""
        batch = self._batch(emissions, mask, tags)
        layout = batch.layout
        chain = crf_fast.Chain(_unary(batch), batch.trans, layout)
        return layout.unsorted(crf_fast.path_scores(chain, self._codes(tags, layout)))

    def partial_log_likelihood(
        self,
        emissions: Tensor,
        allowed: Tensor,
        mask: Tensor | None = None,
        reduction: str = "sum",
    ) -> Tensor:
        """Return the log of the summed probability of all labellings that agree with `allowed`.

        allowed: booleans of the shape of emissions: the tags that each token may have. One for
                 each token makes it forward(), all for each token log 1 = 0.

        Learns from what was labelled in part, or in doubt. Where nothing agrees it is -inf,
        without a gradient. reduction is that of forward().
        """
        batch = self._batch(emissions, mask)
        _require_reduction(reduction)
        if allowed.dtype != torch.bool or allowed.shape != emissions.shape:
            wanted = f"booleans of shape {tuple(emissions.shape)}, as emissions"
            found = f"{allowed.dtype} of shape {tuple(allowed.shape)}"
            raise ValueError(f"allowed: expected {wanted}, found {found}")
        agreeing = batch.emissions.masked_fill(~allowed.reshape(batch.emissions.shape), -math.inf)
        some, all_ = _log_partition(batch._replace(emissions=agreeing)), _log_partition(batch)
        log_p = torch.where(some == -math.inf, -math.inf, some - all_)  # not -inf less -inf
        return _reduced(log_p, reduction, batch.layout)

    @torch.no_grad()
    def marginals(self, emissions: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return P(tag at each step), of the shape of emissions.

        Rows sum to 1; to 0 in padding, and where every labelling is forbidden.
        """
        batch = self._batch(emissions, mask)
        gamma = crf_fast.posteriors(batch.chain())
        return batch.layout.put(gamma, len(batch.emissions)).view(emissions.shape)

    @torch.no_grad()
    def edge_marginals(self, emissions: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return P(tag i at step t, tag j at step t + 1), (T-1, B, K, K); 0 in padding.

        With batch_first (B, T-1, K, K). Keeps that many numbers. What they sum to over steps,
        the expected moves, is the gradient of log_partition by transitions, and cheap.
        """
        batch = self._batch(emissions, mask)
        edges, K = crf_fast.edge_posteriors(batch.chain()), self.num_tags
        R, B = len(batch.emissions), len(batch.layout.order)
        padded = batch.layout.put(torch.cat([edges.new_zeros(B, K, K), edges]), R)
        padded = padded.view(*emissions.shape[:2], K, K)
        return padded[:, 1:] if self.batch_first else padded[1:]

    def entropy(self, emissions: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the entropy of P in nats, (B,): 0 for certainty, T log K for none at all.

        Without a difference of large numbers, and with gradients; so it keeps O(B T K^2)
        numbers. 0 where every labelling is forbidden.
        """
        batch = self._batch(emissions, mask)
        return batch.layout.unsorted(crf_fast.entropies(_unary(batch), batch.trans, batch.layout))

    @torch.no_grad()
    def decode(self, emissions: Tensor, mask: Tensor | None = None) -> list[list[int]]:
        """Return the best labelling of each sequence, B lists of its length.

        Of equals, the one with the lower tag where they last differ. Raises ValueError where
        every labelling is forbidden.
        """
        batch = self._batch(emissions, mask)
        found = crf_fast.best_tags(batch.chain())
        _require_possible(found.score, batch.layout)
        return self._lists(torch.from_numpy(found.tags).to(emissions.device), batch.layout)

    @torch.no_grad()
    def k_best(
        self, emissions: Tensor, k: int, mask: Tensor | None = None
    ) -> list[list[Labelling]]:
        """Return the k best labellings of each sequence, best first; fewer where there are not k.

        Ties as in decode. Raises what decode raises. O(B T K^2 k log(K k)) time.
        """
        if k < 1:
            raise ValueError(f"k: expected at least 1, found {k}")
        batch = self._batch(emissions, mask)
        layout = batch.layout
        found = crf_fast.k_best_tags(batch.chain(), k)
        _require_possible(found.scores[:, 0], layout)
        ranks = [self._lists(column, layout) for column in found.tags.unbind(dim=1)]
        scores = layout.unsorted(found.scores).tolist()
        return [
            [Labelling(tags, s) for tags, s in zip(paths, row, strict=True) if s > -math.inf]
            for *paths, row in zip(*ranks, scores, strict=True)
        ]

    @torch.no_grad()
    def sample(
        self,
        emissions: Tensor,
        mask: Tensor | None = None,
        *,
        count: int = 1,
        generator: torch.Generator | None,
    ) -> Tensor:
        """Return labellings drawn from P, (count, T, B), or (count, B, T); -1 in padding.

        generator: on the device of emissions; None takes torch's global one

        Raises ValueError where every labelling is forbidden. O(count B T K) time beyond log Z.
        """
        if count < 1:
            raise ValueError(f"count: expected at least 1, found {count}")
        batch = self._batch(emissions, mask)
        tags, log_z = crf_fast.sample_tags(batch.chain(), count, generator)
        _require_possible(log_z, batch.layout)
        padded = batch.layout.put(tags, len(batch.emissions), fill=-1)
        return padded.T.reshape(count, *emissions.shape[:2])

    def _batch(self, emissions: Tensor, mask: Tensor | None, tags: Tensor | None = None) -> _Batch:
        self._require_shapes(emissions, mask, tags)
        shape = emissions.shape[:2]
        on = emissions.new_ones(shape, dtype=torch.bool) if mask is None else mask.bool()
        on = on.T if self.batch_first else on
        if on.shape[1] and not (len(on) and on[0].all()):
            raise ValueError("mask of the first timestep must all be on")
        dtype = torch.promote_types(emissions.dtype, self.transitions.dtype)
        dtype = torch.float32 if dtype in (torch.float16, torch.bfloat16) else dtype
        layout = crf_fast.pack(on, batch_first=self.batch_first)
        return _Batch(emissions.flatten(0, 1).to(dtype), *self._scores(dtype), layout)

    def _scores(self, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
        """Return start, trans, end with -inf for what is not legal."""
        start, trans, end = (
            parameter.to(dtype)
            if legal is None
            else parameter.to(dtype).masked_fill(~legal, -math.inf)
            for parameter, legal in (
                (self.start_transitions, self.legal_start),
                (self.transitions, self.legal_trans),
                (self.end_transitions, self.legal_end),
            )
        )
        return start, trans, end

    def _require_shapes(self, emissions: Tensor, mask: Tensor | None, tags: Tensor | None) -> None:
        """Raise ValueError in the words of pytorch-crf."""
        if emissions.dim() != 3:
            raise ValueError(f"emissions must have dimension of 3, got {emissions.dim()}")
        if emissions.shape[2] != self.num_tags:
            raise ValueError(
                f"expected last dimension of emissions is {self.num_tags}, got {emissions.shape[2]}"
            )
        for name, other in (("tags", tags), ("mask", mask)):
            if other is not None and other.shape != emissions.shape[:2]:
                raise ValueError(
                    f"the first two dimensions of emissions and {name} must match, "
                    f"got {tuple(emissions.shape[:2])} and {tuple(other.shape)}"
                )

    def _codes(self, tags: Tensor, layout: Layout) -> Tensor:
        """Return the tags of tokens, (N,), those of padding left out."""
        codes = layout.take(tags.flatten()).long()
        if len(codes):
            least, most = (int(code) for code in codes.aminmax())
            if least < 0 or most >= self.num_tags:
                found = least if least < 0 else most
                raise ValueError(f"tags: expected 0 to {self.num_tags - 1}, found {found}")
        return codes

    @staticmethod
    def _lists(tags: Tensor, layout: Layout) -> list[list[int]]:
        """Return tags of tokens (N,) as a list for each sequence."""
        flat = tags[layout.column.argsort(stable=True)].tolist()  # one after the other
        lengths = layout.column.bincount(minlength=len(layout.order)).tolist()
        found: list[list[int]] = [[] for _ in lengths]
        for b, n, end in zip(layout.order.tolist(), lengths, accumulate(lengths), strict=True):
            found[b] = flat[end - n : end]
        return found


def _unary(batch: _Batch) -> Tensor:
    """Return the scores of tokens, (N, K), start and end among them; gradients flow."""
    layout = batch.layout
    first = torch.arange(len(layout.order), device=layout.order.device)
    unary = layout.take(batch.emissions)
    for where, scores in ((first, batch.start), (layout.last, batch.end)):
        unary = unary.index_add(0, where, scores.expand(len(where), -1))
    return unary


def _log_partition(batch: _Batch) -> Tensor:
    log_z: Tensor = crf_fast.LogPartition.apply(*batch, None)  # type: ignore[no-untyped-call]
    return log_z


def _require_reduction(reduction: str) -> None:
    if reduction not in REDUCTIONS:
        raise ValueError(f"invalid reduction: {reduction}")


def _reduced(log_p: Tensor, reduction: str, layout: Layout) -> Tensor:
    if reduction == "none":
        return log_p
    counts = {"sum": 1, "mean": len(layout.order), "token_mean": sum(layout.sizes)}
    return log_p.sum() / max(counts[reduction], 1)


def _require_possible(scores: Tensor, layout: Layout) -> None:
    """Raise ValueError if a sequence, of those in the order of the layout, has score -inf."""
    impossible = layout.order[scores == -math.inf]
    if len(impossible):
        raise ValueError(
            f"emissions: expected sequences that some labelling allows, "
            f"found none for sequence {int(impossible.min())}"
        )


# The program ----------------------------------------------------------------------------

CRFSUITE = {  # the worked example of CRFsuite's manual, as weights: their logs are scores
    "emissions": [[0.4, 0.5, 0.1], [0.4, 0.1, 0.5], [0.4, 0.1, 0.5]],
    "transitions": [[0.3, 0.1, 0.4], [0.6, 0.2, 0.1], [0.5, 0.2, 0.1]],
}


def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(prog="python -m snippets.crf", description="Score whole labellings.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    about = "log Z, the best labellings and the posteriors of a problem"
    decode = commands.add_parser("decode", help=about, description=about)
    told = "emissions and transitions; start, end, tags and scheme, if need be; null is -inf"
    decode.add_argument("file", metavar="FILE", help=f"JSON, - for standard input: {told}")
    decode.add_argument("--k", type=int, default=1, help="the K best labellings")
    decode.add_argument("--json", action="store_true", help="print JSON")
    return run(parser, argv, lambda options: _decode(options) if options.command else _demo())


class Problem(NamedTuple):
    """One sequence, and a CRF for it."""

    crf: CRF
    emissions: Tensor  # (T, 1, K)
    names: list[str]  # (K,)

    @classmethod
    def of(cls, found: object) -> Problem:
        """Check what was read from JSON. Raises ValueError, naming the field."""
        if not isinstance(found, dict):
            raise ValueError(f"expected a JSON object, found {type(found).__name__}")
        known = ("emissions", "transitions", "start", "end", "tags", "scheme")
        if strange := sorted(found.keys() - set(known)):
            raise ValueError(f"{strange[0]}: expected one of {', '.join(known)}")
        emissions = _scores(found, "emissions", (None, None))
        K = emissions.shape[1]
        names = found.get("tags", [str(k) for k in range(K)])
        if (
            not isinstance(names, list)
            or len(names) != K
            or not all(isinstance(name, str) for name in names)
        ):
            raise ValueError(f"tags: expected {K} names, found {names!r:.60}")
        legal = None
        if (scheme := found.get("scheme")) is not None:
            legal = legal_moves(str(scheme), names)
        crf = CRF(K, legal=legal).double().requires_grad_(False)
        crf.transitions.copy_(_scores(found, "transitions", (K, K)))
        crf.start_transitions.copy_(_scores(found, "start", (K,), optional=True))
        crf.end_transitions.copy_(_scores(found, "end", (K,), optional=True))
        return cls(crf, emissions[:, None, :], names)

    @classmethod
    def read(cls, file: str) -> Problem:
        """Read a JSON file, or - for standard input; a ValueError begins with its name."""
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
        try:
            return cls.of(json.loads(text))
        except json.JSONDecodeError as error:
            raise ValueError(f"{file}: not JSON: {error}") from error
        except ValueError as error:
            raise ValueError(f"{file}: {error}") from error


def _scores(
    found: Mapping[str, Any], name: str, shape: tuple[int | None, ...], *, optional: bool = False
) -> Tensor:
    """Return a table of scores; null is -inf, and a table left out, if it may be, is zeros."""
    if optional and name not in found:
        return torch.zeros([n or 0 for n in shape], dtype=torch.float64)
    rows = found.get(name)
    try:
        table = torch.tensor(_without_null(rows), dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name}: expected rows of numbers, found {rows!r:.60}") from error
    fits = table.dim() == len(shape) and table.numel() > 0
    if not (fits and all(n in (None, m) for n, m in zip(shape, table.shape, strict=True))):
        wanted = " by ".join("any" if n is None else str(n) for n in shape)
        raise ValueError(f"{name}: expected {wanted} numbers, found {tuple(table.shape)}")
    if not (table < math.inf).all():
        raise ValueError(f"{name}: expected scores, finite or null, found nan or infinity")
    return table


def _without_null(rows: object) -> object:
    """Return nested lists with -inf for null."""
    if isinstance(rows, list):
        return [_without_null(row) for row in rows]
    return -math.inf if rows is None else rows


def _decode(options: argparse.Namespace) -> list[str]:
    problem = Problem.read(options.file)
    crf, emissions, names = problem
    log_z = float(crf.log_partition(emissions))
    (best,) = crf.k_best(emissions, options.k)
    marginals = crf.marginals(emissions)[:, 0]
    named = [[names[tag] for tag in found.tags] for found in best]
    shares = [math.exp(found.score - log_z) for found in best]
    if options.json:
        paths = [
            {"tags": tags, "score": found.score, "probability": share}
            for tags, found, share in zip(named, best, shares, strict=True)
        ]
        answer = {"log_z": log_z, "tags": names, "paths": paths, "marginals": marginals.tolist()}
        return [json.dumps(answer, ensure_ascii=False)]
    lines = [f"log Z = {log_z:.6f}"]
    lines += [f"P = {p:.6f}  {' '.join(tags)}" for p, tags in zip(shares, named, strict=True)]
    return [*lines, "", *_table(names, marginals, best[0].tags)]


def _table(names: Sequence[str], marginals: Tensor, best: Sequence[int]) -> list[str]:
    """Return the lines of a table of posteriors: a row for each step, its best tag marked."""
    width = max(8, *map(len, names))
    lines = ["step  " + "  ".join(f"{name:>{width}}" for name in names)]
    for t, (row, tag) in enumerate(zip(marginals.tolist(), best, strict=True), 1):
        cells = (f"{p:>{width}.4f}" + ("*" if k == tag else " ") for k, p in enumerate(row))
        lines.append(f"{t:>4}  " + " ".join(cells).rstrip())
    return [*lines, "", "P(tag at each step); * is on the best labelling"]


def _demo() -> list[str]:
    """Return CRFsuite's example: its weights, and three decoders that disagree."""
    tables = {
        name: [[math.log(weight) for weight in row] for row in table]
        for name, table in CRFSUITE.items()
    }
    crf, emissions, _ = Problem.of(tables)
    log_z = float(crf.log_partition(emissions))
    (path,) = crf.decode(emissions)
    marginals = crf.marginals(emissions)[:, 0]
    decoders = {
        "the best labelling": path,
        "the most probable tag of each step": marginals.argmax(dim=1).tolist(),
        "the best score of each step alone": emissions[:, 0].argmax(dim=1).tolist(),
    }
    lines = ["Three tokens, three tags: 27 labellings. CRFsuite's worked example, as weights:", ""]
    lines += ["  tokens            moves from row to column"]
    lines += [
        "  " + "   ".join(" ".join(f"{w:.1f}" for w in row) for row in both)
        for both in zip(*CRFSUITE.values(), strict=True)
    ]
    lines += ["", f"Z = {math.exp(log_z):.4f}, the weights of all labellings", ""]
    lines += _table(["0", "1", "2"], marginals, path)
    lines += ["", "Three decoders, three answers:"]
    for name, tags in decoders.items():
        score = float(crf.score(emissions, torch.tensor(tags)[:, None]))
        shown = " ".join(map(str, tags))
        lines.append(f"  {name:<35}  {shown}  P = {math.exp(score - log_z):.4f}")
    return [*lines, "", "Try: python -m snippets.crf decode FILE --k 3, with such tables in JSON"]


if __name__ == "__main__":
    raise SystemExit(main())
