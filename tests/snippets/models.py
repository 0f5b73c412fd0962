"""Random hidden Markov models and sequences for tests."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from snippets.hmm import HMM, Gaussian, sample


def distribution(rng, *shape, forbidden=0.0, concentration=1.0):
    """Random rows that sum to 1; each entry is 0 with a probability, but never all of a row."""
    rows = rng.dirichlet(np.full(shape[-1], concentration), size=shape[:-1])
    rows = np.where(rng.random(shape) < forbidden, 0.0, rows)
    rows = rows.reshape(-1, shape[-1])
    rows[rows.sum(axis=1) == 0, 0] = 1.0
    return (rows / rows.sum(axis=1, keepdims=True)).reshape(shape)


def random_hmm(rng, N, M, forbidden=0.0, concentration=1.0):
    options = {"forbidden": forbidden, "concentration": concentration}
    return HMM(
        distribution(rng, N, **options),
        distribution(rng, N, N, **options),
        distribution(rng, N, M, **options),
    )


def random_bells(rng, N, D, forbidden=0.0, spread=3.0):
    bells = Gaussian(spread * rng.normal(size=(N, D)), 0.1 + rng.gamma(1.0, size=(N, D)))
    start, transition = (distribution(rng, *shape, forbidden=forbidden) for shape in ((N,), (N, N)))
    return HMM(start, transition, bells)


def drawn(rng, model, lengths):
    """Sequences that the model can make."""
    return [sample(model, int(T), rng=rng).observations for T in lengths]


@st.composite
def worlds(draw, longest=40):
    """A model and several sequences of it: dense or with zeros, symbols or rows of numbers."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    N, M = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    forbidden = draw(st.sampled_from([0.0, 0.4]))
    if draw(st.booleans()):
        model = random_hmm(rng, N, M, forbidden, draw(st.sampled_from([1.0, 0.1])))
    else:
        model = random_bells(rng, N, min(M, 3), forbidden, draw(st.sampled_from([3.0, 30.0])))
    return model, drawn(rng, model, rng.integers(1, longest, draw(st.integers(1, 6))))
