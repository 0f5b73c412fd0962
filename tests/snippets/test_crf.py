"""snippets.crf is the definition, computed in other ways: all labellings, logs, probabilities."""

from __future__ import annotations

import io
import itertools
import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snippets import crf_fast
from snippets.crf import CRF, CRFSUITE, enumerate_labellings, log_partition, main
from snippets.hmm import DOG_DIARY, dog
from snippets.tag_schemes import SCHEMES, Legal, legal_moves

approx = pytest.approx
INF = math.inf


def close(found, expected, tolerance=1e-10):
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


@pytest.fixture(params=["numpy", "torch"])
def loops(request, monkeypatch):
    """Either library that the loops are written for."""
    if request.param == "torch":
        monkeypatch.setattr(crf_fast, "SMALL", 0)


@pytest.fixture
def only_logs(monkeypatch):
    monkeypatch.setattr(crf_fast, "_in_probabilities", lambda chain: None)


def random_crf(seed, K, *, scale=1.0, batch_first=False, legal=None, dtype=torch.float64):
    torch.manual_seed(seed)
    crf = CRF(K, batch_first, legal=legal).to(dtype)
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter, std=scale)
    return crf


def crf_of(trans, start=None, end=None, **options):
    """A CRF with these scores, in float64; zeros where none are given."""
    none = torch.zeros(len(trans))
    crf = CRF(len(trans), **options).double()
    values = (none if start is None else start, none if end is None else end, trans)
    with torch.no_grad():
        for parameter, value in zip(crf.parameters(), values, strict=True):
            parameter.copy_(torch.as_tensor(value))
    return crf


def random_batch(seed, lengths, K, *, scale=1.0, dtype=torch.float64):
    """Emissions, tags and mask, padding full of what must not be read."""
    generator = torch.Generator().manual_seed(seed)
    T, B = max(lengths), len(lengths)
    emissions = scale * torch.randn(T, B, K, generator=generator, dtype=dtype)
    tags = torch.randint(K, (T, B), generator=generator)
    mask = torch.arange(T)[:, None] < torch.tensor(lengths)
    return emissions.masked_fill(~mask[:, :, None], math.nan), tags.masked_fill(~mask, -100), mask


def parts(crf):
    """start, trans, end as the recursion sees them: -inf where something is not legal."""
    return crf._scores(crf.transitions.dtype)


def each(crf, emissions, mask):
    """Yield every labelling of each sequence, and its log-probability."""
    start, trans, end = parts(crf)
    for b in range(emissions.shape[1]):
        found = enumerate_labellings(start, trans, emissions[mask[:, b], b], end)
        yield found.tags, found.scores, found.scores - found.scores.logsumexp(0)


def gradients(value, crf, emissions):
    return torch.autograd.grad(value, [emissions, *crf.parameters()])


worlds = st.tuples(
    st.integers(0, 2**32 - 1),
    st.integers(1, 4),
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
)


# The definition -------------------------------------------------------------------------


@given(worlds, st.sampled_from([0.1, 1, 6]), st.floats(0, 0.5))
@settings(max_examples=25, deadline=None)
def test_everything_is_what_all_labellings_say(world, scale, forbidden):
    """log Z, P, posteriors, entropy, the k best: sums and maxima over an enumeration."""
    seed, K, lengths = world
    rng = np.random.default_rng(seed)
    shapes = ((K,), (K, K), (K,))
    legal = Legal(*(rng.random(shape) >= forbidden for shape in shapes)) if forbidden else None
    crf = random_crf(seed, K, scale=scale, legal=legal)
    emissions, tags, mask = random_batch(seed, lengths, K, scale=scale)
    log_z, scores = crf.log_partition(emissions, mask), crf.score(emissions, tags, mask)
    marginals, edges = crf.marginals(emissions, mask), crf.edge_marginals(emissions, mask)
    entropy, log_p = crf.entropy(emissions, mask), crf(emissions, tags, mask, "none")
    for b, (paths, weights, log_ps) in enumerate(each(crf, emissions, mask)):
        T = lengths[b]
        close(log_z[b], weights.logsumexp(0))
        here = int((paths == tags[:T, b]).all(dim=1).nonzero())
        close(scores[b], weights[here])
        if log_z[b] == -INF:
            assert log_p[b] == -INF
            assert entropy[b] == 0
            assert (marginals[:, b] == 0).all()
            assert (edges[:, b] == 0).all()
            with pytest.raises(ValueError, match=rf"none for sequence {b}$"):
                crf.decode(emissions[:, : b + 1], mask[:, : b + 1])
            return
        close(log_p[b], log_ps[here])
        p = log_ps.exp()
        close(entropy[b], torch.special.entr(p).sum())
        one_hot = torch.nn.functional.one_hot(paths, K).double()
        close(marginals[:T, b], torch.einsum("p,ptk->tk", p, one_hot))
        assert (marginals[T:, b] == 0).all()
        pairs = torch.einsum("p,pti,ptj->tij", p, one_hot[:, :-1], one_hot[:, 1:])
        close(edges[: T - 1, b], pairs)
        assert (edges[T - 1 :, b] == 0).all()
    best = crf.k_best(emissions, 5, mask)
    assert [found[0].tags for found in best] == crf.decode(emissions, mask)
    for (paths, weights, _), found in zip(each(crf, emissions, mask), best, strict=True):
        expected = weights[weights > -INF].sort(descending=True).values[:5]
        close(torch.tensor([one.score for one in found], dtype=torch.float64), expected)
        known = dict(zip(map(tuple, paths.tolist()), weights.tolist(), strict=True))
        assert all(known[tuple(one.tags)] == approx(one.score) for one in found)
        assert len({tuple(one.tags) for one in found}) == len(found)


@given(worlds)
@settings(max_examples=20, deadline=None)
def test_the_recursion_in_logs_is_the_sum_over_labellings(world):
    """The loop that the article explains, line by line; its gradient is the posterior."""
    seed, K, lengths = world
    crf = random_crf(seed, K)
    emissions, _, mask = random_batch(seed, lengths, K)
    emissions.requires_grad_()
    start, trans, end = parts(crf)
    marginals = crf.marginals(emissions, mask)
    for b, (_, weights, _) in enumerate(each(crf, emissions, mask)):
        log_z = log_partition(start, trans, emissions[: lengths[b], b], end)
        close(log_z, weights.logsumexp(0))
        (gradient,) = torch.autograd.grad(log_z, emissions)
        close(gradient[: lengths[b], b], marginals[: lengths[b], b])


def test_more_labellings_than_can_be_listed_are_refused():
    """The enumeration says how many there are."""
    K = torch.zeros(10)
    with pytest.raises(ValueError, match=r"^emit: 10\^9 labellings are more than limit=262,144$"):
        enumerate_labellings(K, torch.zeros(10, 10), torch.zeros(9, 10), K)


# Published and derived numbers ----------------------------------------------------------


def test_crfsuites_worked_example():
    """Z = .0967; three decoders give three labellings, of P .2482, .1489 and .0129."""
    weights = torch.tensor([CRFSUITE["emissions"], CRFSUITE["transitions"]], dtype=torch.float64)
    state, trans = weights.log()
    crf, emissions = crf_of(trans), state[:, None]
    assert crf.log_partition(emissions).exp().item() == approx(0.0967, abs=1e-12)
    decoded = (
        crf.decode(emissions)[0],
        crf.marginals(emissions)[:, 0].argmax(1).tolist(),
        state.argmax(1).tolist(),
    )
    assert decoded == ([1, 0, 2], [1, 0, 0], [1, 2, 2])
    p = [crf(emissions, torch.tensor(path)[:, None]).exp().item() for path in decoded]
    assert p == approx([0.2482, 0.1489, 0.0129], abs=5e-5)


def test_two_tokens_by_hand():
    """Z = 1 + 2e + e^3 and P(0, 1) = e^3 / Z, which is .757313."""
    crf = crf_of([[0, 1], [0, 0]])
    emissions = torch.eye(2, dtype=torch.float64)[:, None]
    Z = 1 + 2 * math.e + math.e**3
    assert crf.log_partition(emissions).exp().item() == approx(Z)
    p = crf(emissions, torch.tensor([[0], [1]])).exp().item()
    assert p == approx(math.e**3 / Z)
    assert p == approx(0.757313, abs=5e-7)


def dog_as_crf():
    """The dog's model in log weights, its diary, and the path that Viterbi finds."""
    model = dog()
    scores = model.logs(DOG_DIARY)
    crf = crf_of(scores.trans, scores.start)
    emissions = torch.from_numpy(scores.emit.copy())[:, None]
    return crf, emissions, torch.tensor(crf.decode(emissions)).T


def test_the_dog_is_a_crf():
    """A hidden Markov model is a CRF whose Z is the probability of what was seen."""
    crf, emissions, path = dog_as_crf()
    assert crf.log_partition(emissions).item() == approx(-16.623939530178173, abs=1e-13)
    assert crf(emissions, path).exp().item() == approx(0.015538578772672727, abs=1e-15)


def test_the_gradient_is_observed_less_expected():
    """At zero weights 14 moves of the dog's path are expected to be spread evenly."""
    _, emissions, path = dog_as_crf()
    crf = crf_of(torch.zeros(2, 2))
    crf(torch.zeros_like(emissions), path).backward()
    observed = torch.tensor([[9, 1], [1, 3]], dtype=torch.float64)
    close(crf.transitions.grad, observed - 14 / 4)


def test_a_frame_wise_softmax_is_the_crf_without_transitions():
    """Both are distributions over all K^T labellings, the same one."""
    crf = crf_of(torch.zeros(7, 7))
    emissions, tags, _ = random_batch(1, [11] * 5, 7)
    softmax = emissions.log_softmax(2).gather(2, tags[:, :, None]).sum(0)[:, 0]
    difference = (crf(emissions, tags, reduction="none") - softmax).abs() / softmax.abs()
    assert difference.max() < 2e-15
    close(crf.marginals(emissions), emissions.softmax(2), 2e-15)


def test_transition_scores_are_not_unique():
    """trans + u_i - u_j, start - u, end + u is another CRF, and the same distribution."""
    crf = random_crf(2, 5)
    emissions, tags, mask = random_batch(3, [6, 1, 4], 5)
    before = crf(emissions, tags, mask, "none")
    u = torch.randn(5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        crf.transitions += u[:, None] - u
        crf.start_transitions -= u
        crf.end_transitions += u
    after = crf(emissions, tags, mask, "none")
    close(after, before, 1e-14)


def test_the_label_bias_toy():
    """rib or rob, 60 to 40, its middle letter misread in 10%: a local model never looks."""
    right = {"local": 0.0, "crf": 0.0}
    words = (("rib", 0.6), ("rob", 0.4))
    letters = [(word, k) for word, _ in words for k in range(3)]  # a state for each place
    K, no = len(letters), -INF
    start, trans, end = torch.full((K,), no), torch.full((K, K), no), torch.full((K,), no)
    for w, (_, prior) in enumerate(words):
        start[3 * w], end[3 * w + 2] = math.log(prior), 0
        trans[3 * w, 3 * w + 1] = trans[3 * w + 1, 3 * w + 2] = 0
    crf = crf_of(trans, start, end)
    for (word, prior), wrong in itertools.product(words, (False, True)):
        seen = ("rob" if word == "rib" else "rib") if wrong else word
        weight = prior * (0.1 if wrong else 0.9)
        fit = torch.zeros(3, 1, K, dtype=torch.float64)
        for j, (own, k) in enumerate(letters):
            fit[1, 0, j] = math.log(0.9 if own[k] == seen[1] else 0.1)
        paths = {"local": crf.decode(torch.zeros_like(fit)), "crf": crf.decode(fit)}
        for name, ((first, *_),) in paths.items():
            right[name] += weight * (words[first // 3][0] == word)
    assert right == approx({"local": 0.6, "crf": 0.9})


# Gradients ------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1, 8])
@pytest.mark.parametrize("way", ["probabilities", "logs"])
def test_gradients_are_differences(scale, way, request):
    """gradcheck: log Z, log P and entropy, by emissions and by all parameters."""
    if way == "logs":
        request.getfixturevalue("only_logs")
    crf = random_crf(4, 3, scale=scale)
    emissions, tags, mask = random_batch(5, [4, 1, 3], 3, scale=scale)
    emissions = emissions.nan_to_num(0.0).requires_grad_()
    allowed = torch.rand(emissions.shape, generator=torch.Generator().manual_seed(1)) < 0.7
    allowed[:, :, 0] = True
    names = [name for name, _ in crf.named_parameters()]

    def of(method, *arguments):
        def value(emissions, *parameters):
            given = dict(zip(names, parameters, strict=True))
            calls = {"method": method, "arguments": arguments}
            return torch.func.functional_call(Asked(crf), rename(given), (emissions,), calls)

        inputs = (emissions, *crf.parameters())
        return torch.autograd.gradcheck(value, inputs, fast_mode=True)

    assert of("log_partition", mask)
    assert of("forward", tags, mask, "none")
    assert of("score", tags, mask)
    assert of("partial_log_likelihood", allowed, mask, "token_mean")
    assert of("entropy", mask)


class Asked(torch.nn.Module):
    """A module whose call is any method of a CRF."""

    def __init__(self, crf):
        super().__init__()
        self.crf = crf

    def forward(self, emissions, method, arguments):
        return getattr(self.crf, method)(emissions, *arguments)


def rename(given):
    return {f"crf.{name}": value for name, value in given.items()}


def test_a_second_derivative_is_refused():
    """It raises, rather than be silently wrong; a second backward through one graph is fine."""
    crf = random_crf(0, 3)
    emissions, tags, _ = random_batch(0, [4], 3)
    emissions.requires_grad_()
    with pytest.raises(RuntimeError, match="cannot be differentiated again"):
        torch.autograd.grad(crf(emissions, tags), emissions, create_graph=True)
    loss = crf(emissions, tags)
    once = gradients_kept(loss, crf, emissions)
    for a, b in zip(once, gradients_kept(loss, crf, emissions), strict=True):
        assert torch.equal(a, b)


def gradients_kept(value, crf, emissions):
    return torch.autograd.grad(value, [emissions, *crf.parameters()], retain_graph=True)


@given(worlds, st.sampled_from([0.2, 1, 5]))
@settings(max_examples=20, deadline=None)
def test_probabilities_are_logs(world, scale):
    """Value and gradient by either way, with weights that differ between sequences."""
    seed, K, lengths = world
    crf = random_crf(seed, K, scale=scale)
    emissions, tags, mask = random_batch(seed, [9 * n for n in lengths], K, scale=scale)
    emissions.requires_grad_()

    def found():
        log_p = crf(emissions, tags, mask, "none")
        weights = torch.arange(1.0, len(lengths) + 1, dtype=torch.float64)
        return [log_p, *gradients((weights * log_p).sum(), crf, emissions)]

    fast = found()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crf_fast, "_in_probabilities", lambda chain: None)
        slow = found()
    for a, b in zip(fast, slow, strict=True):
        close(a, b)


# Beside pytorch-crf ---------------------------------------------------------------------


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("reduction", ["none", "sum", "mean", "token_mean"])
def test_pytorch_crf_finds_the_same(batch_first, reduction, loops):
    """Values, gradients and decoded paths on random ragged batches, to 1e-10."""
    torchcrf = pytest.importorskip("torchcrf", reason="pytorch-crf is absent")
    for seed, (K, lengths) in enumerate([(1, [1, 2]), (4, [9, 1, 5]), (11, [30, 2, 17, 30])]):
        ours = random_crf(seed, K, batch_first=batch_first)
        theirs = torchcrf.CRF(K, batch_first=batch_first).double()
        theirs.load_state_dict(ours.state_dict())
        emissions, tags, mask = random_batch(seed, lengths, K)
        emissions, tags = emissions.nan_to_num(0.0), tags.clamp_min(0)
        if batch_first:
            emissions, tags, mask = (x.transpose(0, 1) for x in (emissions, tags, mask))
        emissions = emissions.clone().requires_grad_()
        assert ours.decode(emissions, mask) == theirs.decode(emissions, mask)
        values = [crf(emissions, tags, mask, reduction) for crf in (ours, theirs)]
        close(*values)
        found = (
            gradients((value * torch.arange(1.0, value.numel() + 1)).sum(), crf, emissions)
            for value, crf in zip(values, (ours, theirs), strict=True)
        )
        for mine, other in zip(*found, strict=True):
            close(mine, other)
        assert repr(ours) == repr(theirs)


# Padding, batches, numbers --------------------------------------------------------------


def test_padding_never_changes_anything(loops):
    """A sequence in a batch is the sequence alone, whatever stands in its padding."""
    crf = random_crf(6, 4)
    lengths = [3, 1, 7, 7, 2]
    emissions, tags, mask = random_batch(7, lengths, 4)
    emissions.requires_grad_()
    log_p = crf(emissions, tags, mask, "none")
    found = gradients(log_p.sum(), crf, emissions)
    decoded, marginals = crf.decode(emissions, mask), crf.marginals(emissions, mask)
    sums = [torch.zeros_like(gradient) for gradient in found[1:]]
    for b, n in enumerate(lengths):
        alone = emissions[:n, b : b + 1].detach().requires_grad_()
        value = crf(alone, tags[:n, b : b + 1])
        close(log_p[b], value)
        first, *others = gradients(value, crf, alone)
        close(found[0][:n, b], first[:, 0])
        assert (found[0][n:, b] == 0).all()
        sums = [total + other for total, other in zip(sums, others, strict=True)]
        assert decoded[b] == crf.decode(alone)[0]
        close(marginals[:n, b], crf.marginals(alone)[:, 0])
    for total, gradient in zip(sums, found[1:], strict=True):
        close(total, gradient)


def test_batch_first_is_the_same_turned():
    """All methods, and their results, with the first two axes exchanged."""
    one, two = random_crf(8, 3), random_crf(8, 3, batch_first=True)
    emissions, tags, mask = random_batch(9, [4, 6, 1], 3)
    turned = [x.transpose(0, 1) for x in (emissions, tags, mask)]
    close(two(*turned, "none"), one(emissions, tags, mask, "none"))
    assert two.decode(turned[0], turned[2]) == one.decode(emissions, mask)
    assert two.k_best(turned[0], 3, turned[2]) == one.k_best(emissions, 3, mask)
    for name in ("marginals", "edge_marginals"):
        found = getattr(two, name)(turned[0], turned[2])
        close(found.transpose(0, 1), getattr(one, name)(emissions, mask))
    draws = [
        crf.sample(*arguments, count=4, generator=torch.Generator().manual_seed(1))
        for crf, arguments in ((one, (emissions, mask)), (two, (turned[0], turned[2])))
    ]
    assert torch.equal(draws[0], draws[1].transpose(1, 2))
    assert ((draws[0] == -1) == ~mask).all()


def test_marginals_sum_to_one(loops):
    """Over a long ragged batch in float32: rows to 1, edges to the posteriors on both sides."""
    crf = random_crf(1, 6, dtype=torch.float32)
    emissions, _, mask = random_batch(1, [200, 90, 3], 6, dtype=torch.float32)
    marginals, edges = crf.marginals(emissions, mask), crf.edge_marginals(emissions, mask)
    close(marginals.sum(2), mask.float(), 1e-5)
    close(edges.sum(3), marginals[:-1] * mask[1:, :, None], 1e-5)
    close(edges.sum(2), marginals[1:], 1e-5)


def test_a_batch_may_be_empty():
    """No sequences: sums and means are 0, lists are empty, gradients are 0."""
    for batch_first in (False, True):
        crf = random_crf(0, 3, batch_first=batch_first)
        shape = (0, 4) if batch_first else (4, 0)
        emissions = torch.zeros(*shape, 3, dtype=torch.float64, requires_grad=True)
        tags = torch.zeros(shape, dtype=torch.long)
        for reduction in ("sum", "mean", "token_mean"):
            value = crf(emissions, tags, reduction=reduction)
            assert value == 0
            assert all((gradient == 0).all() for gradient in gradients(value, crf, emissions))
        assert crf(emissions, tags, reduction="none").shape == (0,)
        assert crf.decode(emissions) == crf.k_best(emissions, 2) == []
        assert crf.entropy(emissions).shape == crf.log_partition(emissions).shape == (0,)
        assert crf.marginals(emissions).shape == emissions.shape
        assert crf.sample(emissions, generator=None).shape == (1, *shape)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype):
    """Emissions of a network in halves give what the same numbers in float32 give."""
    crf = random_crf(0, 4, dtype=torch.float32)
    emissions, tags, mask = random_batch(0, [9, 4], 4, dtype=torch.float32)
    emissions = emissions.to(dtype).requires_grad_()
    value = crf(emissions, tags, mask)
    assert value.dtype == torch.float32
    assert torch.equal(value, crf(emissions.float(), tags, mask))
    assert gradients(value, crf, emissions)[0].dtype == dtype
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(value, crf(emissions, tags, mask))


# Far apart ------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["emissions", "transitions", "both"])
def test_sixty_in_float32(where, loops):
    """Scores of -60 and 60 in float32: no nan, and what float64 finds in logs."""
    crf = random_crf(3, 5, dtype=torch.float32)
    emissions, tags, mask = random_batch(4, [40, 7, 1], 5, dtype=torch.float32)
    if where != "transitions":
        emissions = 60 * emissions.sign()
    if where != "emissions":
        with torch.no_grad():
            crf.transitions.copy_(60 * crf.transitions.sign())
    agrees_with_logs(crf, emissions, tags, mask, 2e-5)


def agrees_with_logs(crf, emissions, tags, mask, tolerance):
    """Assert that value and gradients are those of logs in float64, and return them."""
    exact = CRF(crf.num_tags).double()
    exact.load_state_dict(crf.state_dict())
    exact.restrict(legal_of(crf))
    inputs = emissions.clone().requires_grad_(), emissions.double().requires_grad_()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crf_fast, "_in_probabilities", lambda chain: None)
        expected = exact(inputs[1], tags, mask, "none")
        wanted = gradients(expected.sum(), exact, inputs[1])
    found = crf(inputs[0], tags, mask, "none")
    close(found.double(), expected, tolerance)
    grads = gradients(found.sum(), crf, inputs[0])
    for mine, other in zip(grads, wanted, strict=True):
        assert mine.isfinite().all()
        close(mine.double(), other, 50 * tolerance)
    return found


def legal_of(crf):
    tables = (crf.legal_start, crf.legal_trans, crf.legal_end)
    return None if tables[0] is None else Legal(*(table.numpy() for table in tables))


@pytest.mark.parametrize("no", [-1e4, -INF])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_constraints_as_scores(no, dtype, loops):
    """-1e4 or -inf among transitions and emissions: never nan, and what logs find."""
    crf = random_crf(5, 4, dtype=dtype)
    emissions, tags, mask = random_batch(6, [30, 9, 1], 4, dtype=dtype)
    legal = legal_moves("BMES", "BMES")
    with torch.no_grad():
        for parameter, table in zip(
            (crf.start_transitions, crf.transitions, crf.end_transitions), legal, strict=True
        ):
            parameter[~torch.from_numpy(table)] = no
    emissions[3, 0, :2] = no
    tags = tags.masked_fill(mask, 3)  # S S S: allowed
    tolerance = 1e-10 if dtype == torch.float64 else 1e-5
    assert agrees_with_logs(crf, emissions, tags, mask, tolerance).isfinite().all()
    tags[1, 0] = 0  # S B S: not
    found = agrees_with_logs(crf, emissions, tags, mask, tolerance)
    assert found[0] == -INF if no == -INF else -1.1e4 < found[0] < -0.9e4
    assert crf.marginals(emissions, mask)[3, 0, :2].max() < 1e-30
    assert set(crf.decode(emissions, mask)[1]) <= {0, 1, 2, 3}


def test_constraints_stay_in_probabilities(monkeypatch):
    """Neither -inf nor -1e4 sends a usual batch to the logs."""
    monkeypatch.setattr(crf_fast, "_in_logs", None)
    for no in (-INF, -1e4):
        crf = random_crf(5, 4, dtype=torch.float32)
        legal = legal_moves("BMES", "BMES")
        with torch.no_grad():
            crf.transitions[~torch.from_numpy(legal.trans)] = no
        emissions, _, mask = random_batch(6, [30, 9, 1], 4, scale=4, dtype=torch.float32)
        assert crf.log_partition(emissions, mask).isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_share_that_is_lost_and_missed_is_noticed(dtype, loops):
    """Two tags that never mix: the one that all but died explains what comes last."""
    crf = crf_of(torch.eye(2).log()).to(dtype)
    emissions = torch.zeros(61, 1, 2, dtype=dtype)
    emissions[:60, 0, 1] = -30
    emissions[60, 0, 0] = -INF
    tags = torch.ones(61, 1, dtype=torch.long)
    assert crf.log_partition(emissions).item() == approx(-1800, rel=1e-6)
    assert crf.marginals(emissions)[:, 0, 1].tolist() == approx([1] * 61)
    assert crf(emissions, tags).item() == approx(0, abs=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_is_never_reached_may_score_as_it_likes(dtype, loops):
    """A tag that no path begins in, and that always looks best, is not even looked at."""
    crf = crf_of(torch.eye(2).log(), start=[0, -INF]).to(dtype)
    emissions = torch.zeros(200, 1, 2, dtype=dtype, requires_grad=True)
    better = emissions + torch.tensor([0, 20])
    value = crf.log_partition(better)
    assert value.item() == 0
    found, *others = gradients(value, crf, emissions)
    assert torch.equal(found[:, 0], torch.tensor([[1, 0]], dtype=dtype).expand(200, 2))
    assert others[2].tolist() == [[199, 0], [0, 0]]


@pytest.mark.parametrize("way", ["probabilities", "logs"])
def test_what_is_forbidden_teaches_nothing(way, loops, request):
    """-inf and gradient 0: for tags that are not legal, and where no labelling is."""
    if way == "logs":
        request.getfixturevalue("only_logs")
    crf = random_crf(2, 3)
    emissions, tags, mask = random_batch(3, [4, 6, 5], 3)
    emissions[2, 0] = -INF  # the first sequence has no labelling at all
    emissions[1, 1, tags[1, 1]] = -INF  # the second another than this
    emissions.requires_grad_()
    log_p = crf(emissions, tags, mask, "none")
    assert log_p[:2].tolist() == [-INF, -INF]
    alone = crf(emissions[:5, 2:], tags[:5, 2:])
    close(log_p[2], alone)
    wanted = gradients(alone, crf, emissions)
    for mine, other in zip(gradients(log_p.sum(), crf, emissions), wanted, strict=True):
        close(mine, other)
    log_z = crf.log_partition(emissions, mask)
    assert log_z.isneginf().tolist() == [True, False, False]
    assert (gradients(log_z.sum(), crf, emissions)[0][:, 0] == 0).all()
    assert (crf.marginals(emissions, mask)[:, 0] == 0).all()
    assert crf.entropy(emissions, mask)[0] == 0
    for call in (crf.decode, lambda *x: crf.k_best(x[0], 2, x[1]), draw_from(crf)):
        with pytest.raises(ValueError, match=r"found none for sequence 0$"):
            call(emissions, mask)


def draw_from(crf):
    return lambda emissions, mask: crf.sample(emissions, mask, generator=None)


@given(worlds, st.sampled_from([1, 10, 40, 200, 1e4]), st.floats(0, 0.6), st.booleans())
@settings(max_examples=50, deadline=None)
def test_no_scores_make_it_nan(world, scale, forbidden, wide):
    """Any range, any -inf, in either precision: log Z is that of logs, posteriors sum to 1 or 0."""
    seed, K, lengths = world
    dtype = torch.float64 if wide else torch.float32
    crf = random_crf(seed, K, scale=scale, dtype=dtype)
    emissions, tags, mask = random_batch(
        seed, [3 * n for n in lengths], K, scale=scale, dtype=dtype
    )
    generator = torch.Generator().manual_seed(seed % 2**31)
    with torch.no_grad():
        for scores in (emissions, *crf.parameters()):
            scores[torch.rand(scores.shape, generator=generator) < forbidden] = -INF
    emissions.requires_grad_()
    chain = crf._batch(emissions, mask).chain()
    log_z, exact = crf.log_partition(emissions, mask), crf_fast._in_logs(chain).log_z
    tolerance = 1e-9 if wide else 2e-5
    close(log_z, chain.layout.unsorted(exact), tolerance)
    marginals = crf.marginals(emissions, mask)
    close(marginals.sum(2), mask * (log_z > -INF).to(dtype), 10 * max(tolerance, 1e-6 * scale))
    log_p = crf(emissions, tags, mask, "none")
    assert (log_p <= tolerance * scale * 100).all()
    for gradient in gradients(log_p.sum() + log_z.sum(), crf, emissions):
        assert gradient.isfinite().all()
    assert crf.entropy(emissions, mask).isfinite().all()


# Learning from part of the labels -------------------------------------------------------


def test_partial_labels_sum_what_agrees():
    """The probability of all labellings that agree, by enumeration; one tag each is forward()."""
    crf = random_crf(1, 3)
    emissions, tags, mask = random_batch(2, [4, 2, 5], 3)
    generator = torch.Generator().manual_seed(0)
    allowed = torch.rand(emissions.shape, generator=generator) < 0.6
    allowed[:, 0, 0], allowed[1, 1] = True, False
    found = crf.partial_log_likelihood(emissions, allowed, mask, "none")
    for b, (paths, _, log_ps) in enumerate(each(crf, emissions, mask)):
        steps = torch.arange(paths.shape[1])
        agree = allowed[steps, b, :][steps, paths].all(dim=1)
        close(found[b], log_ps[agree].logsumexp(0) if agree.any() else torch.tensor(-INF).double())
    assert found[1] == -INF
    emissions.requires_grad_()
    value = crf.partial_log_likelihood(emissions, allowed, mask)
    assert all(gradient.isfinite().all() for gradient in gradients(value, crf, emissions))
    one_hot = torch.nn.functional.one_hot(tags.clamp_min(0), 3).bool()
    close(crf.partial_log_likelihood(emissions, one_hot, mask), crf(emissions, tags, mask))
    everything = torch.ones_like(allowed)
    assert crf.partial_log_likelihood(emissions, everything, mask).item() == approx(0, abs=1e-12)
    with pytest.raises(ValueError, match=r"^allowed: expected booleans of shape \(5, 3, 3\), as "):
        crf.partial_log_likelihood(emissions, allowed[0], mask)


# Schemes --------------------------------------------------------------------------------


def test_legal_bmes_moves():
    """s->s,b; b->m,e; m->m,e; e->s,b; begin in b or s, end in e or s."""
    legal = legal_moves("BMES", "bmes")
    moves = {
        a: {b for j, b in enumerate("bmes") if legal.trans[i, j]} for i, a in enumerate("bmes")
    }
    assert moves == {"s": {"s", "b"}, "b": {"m", "e"}, "m": {"m", "e"}, "e": {"s", "b"}}
    assert legal.start.tolist() == [True, False, False, True]
    assert legal.end.tolist() == [False, False, True, True]


def test_there_are_two_to_the_n_less_one_segmentations():
    """Legal BMES strings of length n are the ways to cut n characters, to n = 7."""
    crf = crf_of(torch.zeros(4, 4), legal=legal_moves("BMES", "BMES"))
    for n in range(1, 8):
        log_z = crf.log_partition(torch.zeros(n, 1, 4, dtype=torch.float64))
        assert log_z.exp().item() == approx(2 ** (n - 1))
        assert crf.entropy(torch.zeros(n, 1, 4)).item() == approx((n - 1) * math.log(2))


def chunked(scheme, cut):
    """Return the tags of chunks (length, kind); kind None is a token outside."""
    names = {"BIO": "BIIB", "BIOES": "BIES", "BILOU": "BILU", "BMES": "BMES"}[scheme]
    for n, kind in cut:
        if kind is None:
            yield from ["O"] * n
            continue
        middle = [names[1]] * (n - 2) + [names[2]]
        yield from (
            f"{letter}-{kind}" for letter in ([names[3]] if n == 1 else [names[0], *middle])
        )


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_is_legal_is_what_chunks_make(scheme):
    """All strings of three tags with two kinds: those that a way to cut gives, no others."""
    outside = ["O"] if "O" in SCHEMES[scheme].letters else []
    tags = [f"{x}-{kind}" for x in SCHEMES[scheme].letters if x != "O" for kind in "PL"] + outside
    kinds = ("P", "L", None) if outside else ("P", "L")
    made = set()
    for sizes in ((3,), (1, 2), (2, 1), (1, 1, 1)):
        for chosen in itertools.product(kinds, repeat=len(sizes)):
            made.add(tuple(chunked(scheme, zip(sizes, chosen, strict=True))))
    start, trans, end = legal_moves(scheme, tags)
    found = {
        tuple(tags[k] for k in path)
        for path in itertools.product(range(len(tags)), repeat=3)
        if start[path[0]] and trans[path[0], path[1]] and trans[path[1], path[2]] and end[path[2]]
    }
    assert found == made


def test_constraints_leave_the_state_alone():
    """A restricted CRF has pytorch-crf's three parameters, decodes legally, and can be freed."""
    crf = random_crf(0, 4, scale=3, legal=legal_moves("BMES", "BMES"))
    assert list(crf.state_dict()) == ["start_transitions", "end_transitions", "transitions"]
    emissions, _, mask = random_batch(0, [12, 5, 1], 4, scale=3)
    start, trans, end = legal_moves("BMES", "BMES")
    for path in crf.decode(emissions, mask):
        assert start[path[0]]
        assert end[path[-1]]
        assert all(trans[i, j] for i, j in itertools.pairwise(path))
    free = random_crf(0, 4, scale=3)
    crf.restrict(None)
    assert crf.decode(emissions, mask) == free.decode(emissions, mask)


def test_three_schemes_are_told_apart_by_their_mistakes():
    """Unknown schemes, letters of another scheme, tags twice and tables of other sizes."""
    with pytest.raises(ValueError, match=r"^scheme: expected one of BIO, .* found 'IOB'$"):
        legal_moves("IOB", ["I"])
    with pytest.raises(ValueError, match=r"^tags: expected B, I, O of BIO, found 'S-PER'$"):
        legal_moves("BIO", ["B-PER", "S-PER"])
    with pytest.raises(ValueError, match=r"^tags: expected names that differ"):
        legal_moves("BIO", ["B", "B"])
    with pytest.raises(
        ValueError, match=r"^legal.start: expected booleans \(3,\), found torch.bool"
    ):
        CRF(3, legal=legal_moves("BMES", "BMES"))


# Decoding and drawing -------------------------------------------------------------------


def test_ties_go_to_the_lower_tag():
    """All labellings equal: tag 0 throughout; the k best come in the order of the last tags."""
    crf = crf_of(torch.zeros(3, 3))
    emissions = torch.zeros(3, 1, 3)
    assert crf.decode(emissions) == [[0, 0, 0]]
    (found,) = crf.k_best(emissions, 30)
    assert len(found) == 27
    assert [one.tags[::-1] for one in found] == sorted(one.tags[::-1] for one in found)


def test_samples_follow_the_distribution(loops):
    """20,000 draws: each labelling as often as it should be, within five standard errors."""
    crf = random_crf(3, 3)
    emissions, _, mask = random_batch(4, [3, 2], 3)
    draws = crf.sample(emissions, mask, count=20_000, generator=torch.Generator().manual_seed(7))
    for b, (paths, _, log_ps) in enumerate(each(crf, emissions, mask)):
        codes = draws[:, mask[:, b], b] @ 3 ** torch.arange(paths.shape[1] - 1, -1, -1)
        share = codes.bincount(minlength=len(paths)) / len(draws)
        p = log_ps.exp()
        assert ((share - p).abs() < 5 * (p * (1 - p) / len(draws)).sqrt()).all()


# What is wrong --------------------------------------------------------------------------


def test_mistakes_are_named():
    """Each ValueError tells what was expected and what was found."""
    crf = CRF(3)
    emissions, tags = torch.zeros(4, 2, 3), torch.zeros(4, 2, dtype=torch.long)
    gap = torch.tensor([[1, 1], [0, 1], [1, 1], [0, 0]])
    for call, message in (
        (lambda: CRF(0), "invalid number of tags: 0"),
        (lambda: crf(emissions[0], tags), "emissions must have dimension of 3, got 2"),
        (lambda: crf(emissions, tags[:3]), r"emissions and tags must match, got \(4, 2\) and \(3"),
        (lambda: crf(emissions, tags, reduction="foo"), "invalid reduction: foo"),
        (lambda: crf(emissions, tags, gap * 0), "mask of the first timestep must all be on"),
        (lambda: crf(emissions, tags, gap), "mask: expected each sequence without gaps"),
        (lambda: crf(emissions, tags + 3), "tags: expected 0 to 2, found 3"),
        (lambda: crf(emissions, tags - 1), "tags: expected 0 to 2, found -1"),
        (lambda: crf.decode(emissions[:0]), "mask of the first timestep must all be on"),
        (lambda: crf.k_best(emissions, 0), "k: expected at least 1, found 0"),
        (lambda: crf.sample(emissions, count=0, generator=None), "count: expected at least 1"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


# The program ----------------------------------------------------------------------------

PROBLEM = {"emissions": [[1, 0], [0, 1]], "transitions": [[0, 1], [0, 0]]}


def test_the_program_shows_the_worked_example(capsys):
    """Without arguments: Z, posteriors, and three decoders."""
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert "Z = 0.0967" in shown
    assert all(answer in shown for answer in ("1 0 2  P = 0.2482", "1 0 0", "1 2 2  P = 0.0129"))


def test_the_program_decodes_a_problem(capsys, monkeypatch, tmp_path):
    """From a file or standard input, as text or JSON, with names and a scheme."""
    file = tmp_path / "problem.json"
    file.write_text(json.dumps(PROBLEM), encoding="utf-8")
    assert main(["decode", str(file), "--k", "2"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("log Z = 3.277978\nP = 0.757313  0 1\nP = 0.102491  0 0\n")
    row = [0, None, 0, 0]
    problem = {"emissions": [row, row], "transitions": [[0] * 4] * 4, "tags": list("BMES")}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(problem | {"scheme": "BMES"})))
    assert main(["decode", "-", "--json", "--k", "9"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [path["tags"] for path in found["paths"]] == [["B", "E"], ["S", "S"]]
    assert found["log_z"] == approx(math.log(2))
    assert found["marginals"][0] == approx([0.5, 0, 0, 0.5])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"emissions": []}, "emissions: expected any by any numbers, found (0,)"),
        ({"emissions": [[1, 2], [3]]}, "emissions: expected rows of numbers"),
        ({"transitions": [[0, 1, 2]]}, "transitions: expected 2 by 2 numbers, found (1, 3)"),
        ({"start": [0]}, "start: expected 2 numbers, found (1,)"),
        ({"end": [0, "a"]}, "end: expected rows of numbers"),
        ({"scheme": "BIO"}, "tags: expected B, I, O of BIO, found '0'"),
        ({"tags": ["a"]}, "tags: expected 2 names, found ['a']"),
        ({"ends": [1]}, "ends: expected one of emissions, transitions"),
        ({"end": [0, math.inf]}, "end: expected scores, finite or null"),
        ({"end": [None, None]}, "none for sequence 0"),
    ],
)
def test_the_program_says_what_is_wrong_in_one_line(change, problem, capsys, monkeypatch):
    """And leaves with exit code 2."""
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(PROBLEM | change)))
    assert main(["decode", "-"]) == 2
    told = capsys.readouterr()
    assert problem in told.err
    assert told.err.count("\n") == 1
    assert told.out == ""
