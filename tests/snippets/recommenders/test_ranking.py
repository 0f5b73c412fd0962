"""snippets.recommenders.ranking: losses by hand, optima of free scores, training that learns."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array

from snippets.recommenders import ranking
from snippets.recommenders.evaluation import evaluate
from snippets.recommenders.popularity import popularity
from snippets.recommenders.ranking import Sampler, Settings, draw_unseen, optimum, ranker, train
from snippets.recommenders.ranking_models import made, pairs_of
from snippets.recommenders.ratings import Ratings
from snippets.recommenders.small_world import small_world
from snippets.recommenders.splits import random_split
from snippets.recommenders.top import recommend

from .ratings_for_tests import drawn

P, Q = np.array([0.4, 0.1, 0.1, 0.4]), np.array([0.5, 0.25, 0.15, 0.1])
MODELS = ("factors", "two-tower", "wide-deep", "deepfm")


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# Losses ---------------------------------------------------------------------------------


def test_the_pairwise_loss_by_hand():
    """At scores 1.2 and .4 it is .3711, and its slope in the first -.3100."""
    liked = torch.tensor([1.2], dtype=torch.float64, requires_grad=True)
    loss = ranking.pairwise(liked, torch.tensor([[0.4]], dtype=torch.float64))
    loss.backward()
    assert loss.item() == pytest.approx(0.3711, abs=5e-5)
    assert liked.grad.item() == pytest.approx(-0.3100, abs=5e-5)


def test_the_pointwise_loss_by_hand():
    """-ln sigma(s+) - sum of ln sigma(-s-), the mean over events."""
    liked, others = torch.tensor([1.0, -2.0]), torch.tensor([[0.5, 0.0], [3.0, -1.0]])
    sigma = [1 / (1 + math.exp(-s)) for s in (1.0, -2.0)]
    not_sigma = [[1 / (1 + math.exp(s)) for s in row] for row in ((0.5, 0.0), (3.0, -1.0))]
    expected = [-math.log(sigma[n]) - sum(map(math.log, not_sigma[n])) for n in range(2)]
    assert ranking.pointwise(liked, others).item() == pytest.approx(sum(expected) / 2)


def fitted(loss_of, chances: np.ndarray, shares: np.ndarray, k: int) -> np.ndarray:
    """Return the free scores of least expected loss, by L-BFGS on the exact expectation."""
    scores = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    p, q = torch.tensor(chances), torch.tensor(shares)
    search = torch.optim.LBFGS([scores], max_iter=500, tolerance_grad=1e-12, tolerance_change=0)

    def closure() -> torch.Tensor:
        search.zero_grad()
        loss = loss_of(scores, p, q, k)
        loss.backward()
        return loss

    search.step(closure)
    return scores.detach().numpy()


def test_free_scores_are_ln_p_less_ln_kq():
    """Of the pointwise loss: uniform negatives rank by P, popular ones by lift."""

    def expected(scores, p, q, k):
        softplus = torch.nn.functional.softplus
        return (p * softplus(-scores)).sum() + k * (q * softplus(scores)).sum()

    uniform = np.full(4, 0.25)
    for shares, values in (
        (uniform, [-1.1394, -2.5257, -2.5257, -1.1394]),
        (Q, [-1.8326, -2.5257, -2.0149, -0.2231]),
    ):
        assert optimum(P, shares, 5) == pytest.approx(values, abs=5e-5)
        assert fitted(expected, P, shares, 5) == pytest.approx(values, abs=1e-4)


def test_free_scores_of_pairs_are_the_same_up_to_a_constant():
    """Of the pairwise loss only differences are fixed."""

    def expected(scores, p, q, k):
        apart = scores[:, None] - scores[None, :]
        return -(p[:, None] * q[None, :] * torch.nn.functional.logsigmoid(apart)).sum()

    found = fitted(expected, P, Q, 1)
    wanted = np.log(P / Q)
    assert found - found.mean() == pytest.approx(wanted - wanted.mean(), abs=1e-4)


# Negatives ------------------------------------------------------------------------------


def test_negatives_come_as_often_as_they_should():
    """Within 4.5 standard errors, and an item that nobody has is drawn too."""
    sampler, n = Sampler.popularity(np.array([0, 1, 3, 4.0])), 40_000
    assert sampler.shares == pytest.approx(np.array([1, 1, 3, 4]) / 9)
    drawn_items = sampler.draw((n,), np.random.default_rng(0))
    for item, share in enumerate(sampler.shares):
        error = math.sqrt(n * share * (1 - share))
        assert abs((drawn_items == item).sum() - n * share) < 4.5 * error
    assert np.exp(sampler.logs) == pytest.approx(sampler.shares)
    assert Sampler.popularity(np.array([1, 4.0]), power=0.5).shares == pytest.approx([1 / 3, 2 / 3])


def test_negatives_can_avoid_what_a_user_has():
    """Where something else is left, after some tries; where nothing is, it ends as well."""
    seen = csr_array(np.array([[1.0, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]]))
    users = np.repeat([0, 1, 2], 50)
    found = draw_unseen(Sampler.uniform(4), users, 3, seen, np.random.default_rng(1), tries=60)
    assert (found[users == 0] == 3).all()
    assert set(found[users == 1].ravel()) == {0, 1, 2, 3}


# Models ---------------------------------------------------------------------------------


def test_pairs_are_those_of_a_double_loop():
    """Linear cost, the same sum to 1e-12."""
    fields = torch.randn(5, 6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = sum(
        (fields[:, a] * fields[:, b]).sum(dim=1) for a in range(6) for b in range(a + 1, 6)
    )
    assert torch.allclose(pairs_of(fields), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_all_items_are_the_items_one_by_one(name):
    """The fast way to score everything is the slow way."""
    tags = csr_array((np.random.default_rng(0).random((7, 3)) < 0.5).astype(float))
    module = made(name, 5, 7, 4, tags, torch.Generator().manual_seed(1))
    users = torch.tensor([0, 3])
    found = module.all_items(users)
    for row, user in enumerate(users):
        for item in range(7):
            one = module(user[None], torch.tensor([item]))
            assert found[row, item].item() == pytest.approx(one.item(), abs=1e-6)


@pytest.mark.parametrize("name", ["two-tower", "wide-deep", "deepfm"])
def test_tags_have_a_say(name):
    """Somebody who likes all items of a tag is shown the one of them he has not."""
    users = np.repeat(np.arange(10), 4)
    items = np.concatenate([np.delete(np.arange(5), n % 5) + 5 * (n % 2) for n in range(10)])
    tags = csr_array(np.repeat(np.eye(2), 5, axis=0))
    ratings = Ratings(users, items, np.ones(40), np.zeros(40), tuple(map(str, range(10))),
                      tuple(map(str, range(10))))  # fmt: skip
    model = ranker(ratings, model=name, tags=tags, rank=4, epochs=60)
    for user in range(10):
        best = recommend(model.scores(np.array([user]))[0], ratings.user_items(user), 1)
        assert best.tolist() == [user % 5 + 5 * (user % 2)]


# Training -------------------------------------------------------------------------------


def test_training_learns_and_its_negatives_decide():
    """On the small world: better than popularity with uniform negatives, worse with popular ones,
    and ln q mends most of that; the loss decides little."""
    split = random_split(small_world(7).ratings)

    def ndcg(model):
        return evaluate(model, split).scores["ndcg"].mean()

    def trained(loss, sampler, corrected=False):
        return ndcg(ranker(split.train, loss=loss, sampler=sampler, corrected=corrected, epochs=15))

    plain = ndcg(popularity(split.train))
    uniform = [trained(loss, "uniform") for loss in ("pointwise", "pairwise")]
    popular = [trained(loss, "popularity") for loss in ("pointwise", "pairwise")]
    mended = [trained(loss, "popularity", corrected=True) for loss in ("pointwise", "pairwise")]
    assert min(uniform) > plain
    assert max(popular) < min(uniform)
    assert min(mended) > max(popular)
    assert abs(uniform[0] - uniform[1]) < 0.03


@pytest.mark.parametrize("name", MODELS)
def test_the_same_seed_gives_the_same_model(name):
    """And leaves the global generators alone."""
    ratings = drawn(1)
    before = torch.get_rng_state()
    one, two, other = (
        ranker(ratings, model=name, rank=3, epochs=3, seed=seed).scores(np.arange(3))
        for seed in (4, 4, 5)
    )
    assert (one == two).all()
    assert (one != other).any()
    assert (torch.get_rng_state() == before).all()


def test_who_is_new_is_shown_what_many_have():
    """Untrained weights are noise, not a taste; and a seen item is never on a list."""
    ratings = drawn(2)
    part = ratings.take(ratings.users != 3)
    model = ranker(part, rank=3, epochs=2)
    assert model.scores(np.array([3]))[0].tolist() == part.counts.tolist()
    for user in range(4):
        mine = part.user_items(user)
        assert not set(recommend(model.scores(np.array([user]))[0], mine, 5)) & set(mine)


def test_each_epoch_is_told_and_the_loss_falls():
    """For a bar, or a log."""
    ratings, told = drawn(3), []
    module = made("factors", *ratings.shape, 4, None, torch.Generator().manual_seed(0))
    settings = Settings(epochs=25, rate=0.05, unseen=True)
    train(module, ratings, Sampler.uniform(9), settings, told=lambda *each: told.append(each))
    assert [done for done, _ in told] == list(range(1, 26))
    assert told[-1][1] < 0.8 * told[0][1]


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda: Settings(loss="listwise"), "loss: expected one of pointwise, pairwise, found"),
        (lambda: Settings(batch=0), "batch: expected at least 1, found 0"),
        (lambda: ranker(drawn(0), sampler="hard"), "sampler: expected uniform or popularity"),
        (lambda: ranker(drawn(0), model="towtower"), "model: expected factors, .*two-tower"),
        (lambda: ranker(drawn(0), model="deepfm", tags=csr_array((2, 1))), "tags: expected a row"),
        (lambda: ranker(drawn(0).take([])), "ratings: expected at least one event, found none"),
    ],
)
def test_mistakes_are_named(call, problem):
    """The argument, what was expected, what was found."""
    with pytest.raises(ValueError, match=problem):
        call()


def test_the_program(tmp_path, capsys):
    """Trains and lists; the other stream stays silent where nobody looks."""
    ratings, path, tags = drawn(3), tmp_path / "r.csv", tmp_path / "t.csv"
    rows = zip(ratings.users, ratings.items, strict=True)
    path.write_text("".join(f"{u},{i}\n" for u, i in rows))
    tags.write_text("item,tags\n0,a|b\n1,a\n")
    given = [str(path), "--user", "1", "-k", "3", "--json", "--epochs", "2", "--tags", str(tags)]
    for name in MODELS:
        assert ranking.main([*given, "--model", name]) == 0
        said = capsys.readouterr()
        assert len(json.loads(said.out)["items"]) == 3
        assert said.err == ""
    assert ranking.main([*given, "--rank", "0"]) == 2
    assert "rank: expected at least 1, found 0" in capsys.readouterr().err
