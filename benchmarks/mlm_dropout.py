"""Hidden words with a [MASK] in their place, or dropped from the encoder: what differs.

    python -m benchmarks.mlm_dropout --json benchmarks/results/mlm-dropout.json

Three tiny models with three layers each, from several seeds: one sees [MASK] in all layers;
one drops hidden places from its first two, and learns for twice as many steps, until its loss
is the same; one sees [MASK] in texts of any rate. And the smaller model of the article.

Article: docs/en/posts/mlm-as-dropout.md
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from statistics import mean
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks import program
from benchmarks.report import Page, Part, table
from snippets.hmm import posteriors
from snippets.hmm_model import Floats
from snippets.mlm import Masked, Seed
from snippets.mlm_bayes import ONLY_MASK, Noise, bayes_losses, noisy_model, word_probabilities
from snippets.tiny_bert import Layer, Settings, TinyBert, losses, probabilities, train
from snippets.topic_text import Drawn, draw, topic_text

PAGE = Page(
    "Masks and dropout",
    "Written by `python -m benchmarks.mlm_dropout`. Means over seeds (least-most). One thread.",
    ("torch", "numpy"),
)


class AnyRate(Noise):
    """Another share of [MASK]s in each batch, from 2 % to all."""

    def mask(self, words: NDArray[Any], V: int, *, seed: Seed) -> Masked[NDArray[Any]]:
        rng = np.random.default_rng(seed)
        return Noise(rng.uniform(0.02, 1), 1.0, 0.0).mask(words, V, seed=rng)


MODELS: Mapping[str, Mapping[str, Any]] = {
    "[MASK]": {"noise": ONLY_MASK, "layers": 3},
    "dropped": {"noise": ONLY_MASK, "layers": 2, "decoder": 1},
    "[MASK], any rate": {"noise": AnyRate(mask_frac=1.0, random_frac=0.0), "layers": 3},
}
RATES = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
SEEDS, STEPS, TEXTS, MASKS = 3, 900, 500, 32
HELD_OUT = 2**31 + 1  # a seed that no training has
Rates = dict[str, Any]


@cache
def trained(name: str, seed: int, steps: int) -> TinyBert:
    """Return a model, trained once for all parts."""
    began = time.process_time()
    how = Settings(steps=steps, **MODELS[name])
    if how.decoder:
        how = replace(how, steps=2 * steps)  # it learns more slowly; then its loss is the same
    model = train(settings=how, seed=seed)
    taken = time.process_time() - began
    print(f"  {name}, seed {seed}: {taken:.0f} s", file=sys.stderr, flush=True)
    return model


def held_out(texts: int) -> tuple[Drawn, Drawn, np.random.Generator]:
    """Return texts to train probes on, texts to test on, and what draws the masks."""
    rng, text = np.random.default_rng(HELD_OUT), topic_text()
    return draw(text, texts, rng=rng), draw(text, texts, rng=rng), rng


# Losses ---------------------------------------------------------------------------------


def rates(seeds: int, steps: int, texts: int) -> Part:
    """The loss at each share of hidden words, and the least that is possible."""
    text = topic_text()
    V = len(text.symbols)
    _, test, rng = held_out(2 * texts)
    data: Rates = {"rates": RATES, "exact": [], "models": {name: [] for name in MODELS}}
    asked = []
    for rate in RATES:
        noise = Noise(rate, 1.0, 0.0)
        asked.append(noise.mask(test.words, V, seed=rng))
        data["exact"].append(float(bayes_losses(text, asked[-1], noise).mean()))
    for name, found in data["models"].items():
        for seed in range(seeds):
            model = trained(name, seed, steps)
            found.append([float(losses(model, masked).mean()) for masked in asked])
    rows = [
        (
            f"{rate:.2f}",
            f"{data['exact'][k]:.3f}",
            *(_shown([run[k] for run in found]) for found in data["models"].values()),
        )
        for k, rate in enumerate(RATES)
    ]
    return Part(
        "rates",
        f"Nats for a hidden word, by the share that is hidden; {2 * texts:,} texts",
        table(("share", "at best", *MODELS), rows),
        data,
    )


# One blank ------------------------------------------------------------------------------


def answers(seeds: int, steps: int, texts: int) -> Part:
    """What four ways to ask for one hidden word cost; of the model that the article trains."""
    short = max(1, steps * 2 // 3)
    data = [_answers(seed, short, texts) for seed in range(seeds)]
    rows = [(name, _shown([run[name] for run in data], 4)) for name in data[0]]
    lines = [
        f"Two layers, {short:,} steps; the mean of KL(exact, answer) over {texts:,} texts, with "
        f"an ensemble of {MASKS} masks, and KL(ensemble, answer) for two answers.",
        "",
        *table(("", "nats"), rows),
    ]
    return Part("answers", "One word hidden", lines, data)


def _answers(seed: int, steps: int, texts: int) -> dict[str, float]:
    model = train(settings=Settings(noise=ONLY_MASK, steps=steps), seed=seed)
    _, test, rng = held_out(texts)
    row, place = np.arange(texts), rng.integers(test.words.shape[1], size=texts)
    blank = test.words.copy()
    blank[row, place] = model.mask_id
    exact = word_probabilities(topic_text(), blank, ONLY_MASK)[row, place]

    def answered(share: float) -> Floats:
        vectors = model.embed(torch.from_numpy(blank))
        vectors = (1 - share) * vectors + share * model.token.weight[model.mask_id]
        with torch.no_grad():
            found: Floats = model.scores(vectors).double().softmax(dim=-1).numpy()
        return found[row, place]

    def member() -> Floats:
        hidden = rng.random(blank.shape) < ONLY_MASK.prob
        return probabilities(model, np.where(hidden, model.mask_id, blank))[row, place]

    members = [member() for _ in range(MASKS)]
    ensemble = np.mean(members, axis=0)
    clean, averaged = answered(0.0), answered(ONLY_MASK.prob)
    return {
        "clean": _apart(exact, clean),
        "averaged": _apart(exact, averaged),
        "ensemble": _apart(exact, ensemble),
        "member": mean(_apart(exact, one) for one in members),
        "ensemble to clean": _apart(ensemble, clean),
        "ensemble to averaged": _apart(ensemble, averaged),
    }


def _apart(p: Floats, other: Floats) -> float:
    """Return the mean of KL(p, other)."""
    ratio = np.divide(p, other, out=np.ones_like(p), where=p > 0)  # 0 log 0 = 0
    return float((p * np.log(ratio)).sum(axis=-1).mean())


# Vectors --------------------------------------------------------------------------------


def vectors(seeds: int, steps: int, texts: int) -> Part:
    """How the vectors of visible words change when the masks go, and what they tell."""
    every = range(seeds)
    data = {name: [_looked_at(name, seed, steps, texts) for seed in every] for name in MODELS}
    data["exact posterior"] = [_posterior(texts)]
    names = ("moved", "bias", "probe", "probe, masked", "attention 1", "attention 2")
    rows = [
        (name, *(_shown([run[one] for run in runs]) if one in runs[0] else "" for one in names))
        for name, runs in data.items()
    ]
    lines = [
        "Vectors after two layers. `moved`: mean squared distance between a visible word's vector "
        "with 15 % hidden and with none, over the spread of all vectors; `bias`: the part that "
        f"is left when the first is averaged over {MASKS} masks; `probe`: accuracy of a linear "
        "probe of the state on clean text, learned on clean text, or on masked; `attention`: "
        "what visible places give to a hidden place, over what they give to a visible one, in "
        "the first and the second layer.",
        "",
        *table(("model", *names), rows),
    ]
    return Part("vectors", f"Vectors of visible words, {texts:,} texts", lines, data)


def _looked_at(name: str, seed: int, steps: int, texts: int) -> dict[str, float]:
    model = trained(name, seed, steps)
    known, test, rng = held_out(texts)

    def encoded(words: NDArray[Any], hidden: NDArray[np.bool_]) -> Floats:
        found, _ = _inside(model, words, hidden)
        return found

    none = np.zeros(test.words.shape, dtype=bool)
    clean, learned = encoded(test.words, none), encoded(known.words, none)
    hidden = rng.random(none.shape) < ONLY_MASK.prob
    under = encoded(known.words, hidden)
    found = _moves(clean, lambda hidden: encoded(test.words, hidden), rng)
    found["probe"] = _probe(learned, known.states, none)(clean, test.states)
    found["probe, masked"] = _probe(under, known.states, hidden)(clean, test.states)
    if not model.decoder:
        _, shares = _inside(model, test.words, hidden)
        found |= {f"attention {k}": share for k, share in enumerate(shares, 1)}
    return found


def _posterior(texts: int) -> dict[str, float]:
    """Return how far P(state | what is seen) moves: it has to, since less is known."""
    text = topic_text()
    _, test, rng = held_out(texts)
    V = len(text.symbols)
    blank = noisy_model(text, ONLY_MASK)

    def known(hidden: NDArray[np.bool_]) -> Floats:
        return np.stack(posteriors(blank, np.where(hidden, V, test.words)))

    clean = known(np.zeros(test.words.shape, dtype=bool))
    right = (clean.argmax(axis=-1) == test.states).mean()
    return {**_moves(clean, known, rng), "probe": float(right)}


def _moves(clean: Floats, encoded: Any, rng: np.random.Generator) -> dict[str, float]:
    """Return the mean squared move of visible places, and its bias, over the spread."""
    total, far, n = np.zeros_like(clean), 0.0, np.zeros(clean.shape[:2])
    for _ in range(MASKS):
        hidden = rng.random(n.shape) < ONLY_MASK.prob
        step = np.where(hidden[..., None], 0, encoded(hidden) - clean)
        total, far, n = total + step, far + (step**2).sum(), n + ~hidden
    spread = ((clean - clean.mean(axis=(0, 1))) ** 2).sum(axis=-1).mean()
    moved = far / n.sum()
    bias = ((total / n[..., None]) ** 2).sum(axis=-1).mean()
    bias -= (moved - bias) / (n.mean() - 1)  # a mean of n masks has a variance of its own
    return {"moved": float(moved / spread), "bias": float(bias / spread)}


@torch.no_grad()
def _inside(
    model: TinyBert, words: NDArray[Any], hidden: NDArray[np.bool_]
) -> tuple[Floats, list[float]]:
    """Return the vectors after two layers, and what each layer gives to a hidden place.

    The latter as a ratio to what it gives to a visible one, from visible places.
    """
    kept: dict[int, Tensor] = {}
    heads = []

    def keep(k: int) -> Any:
        return lambda module, given, made: kept.__setitem__(k, made)

    layers = cast(list[Layer], list(model.encoder)[:2])
    hooks = [layer.register_forward_hook(keep(k)) for k, layer in enumerate(layers)]
    hooks += [
        layer.to_qkv.register_forward_hook(lambda module, given, made: heads.append(made))
        for layer in layers
    ]
    ids = torch.from_numpy(np.where(hidden, model.mask_id, words))
    model.encode(model.embed(ids), torch.from_numpy(hidden))
    for hook in hooks:
        hook.remove()
    shares = [_share(made, model.settings.heads, hidden) for made in heads] if hidden.any() else []
    return kept[1].double().numpy(), shares


def _share(made: Tensor, heads: int, hidden: NDArray[np.bool_]) -> float:
    B, T, _ = made.shape
    q, k, _ = made.view(B, T, 3, heads, -1).permute(2, 0, 3, 1, 4)
    weight = (q @ k.transpose(2, 3) / q.shape[-1] ** 0.5).softmax(dim=-1).mean(dim=1).numpy()
    seen = ~hidden
    others = ~np.eye(T, dtype=bool)
    given = [
        weight[seen[:, :, None] & place[:, None, :] & others].mean() for place in (hidden, seen)
    ]
    return float(given[0] / given[1])


def _probe(vectors: Floats, states: NDArray[Any], hidden: NDArray[np.bool_]) -> Any:
    """Return the accuracy, as a function of vectors and states, of a softmax regression."""
    x, y = torch.from_numpy(vectors[~hidden]), torch.from_numpy(states[~hidden])
    middle, scale = x.mean(dim=0), x.std(dim=0) + 1e-6
    linear = nn.Linear(x.shape[1], len(topic_text().start)).double()
    for numbers in linear.parameters():
        nn.init.zeros_(numbers)
    lbfgs = torch.optim.LBFGS(linear.parameters(), max_iter=60, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        lbfgs.zero_grad()
        found = nn.functional.cross_entropy(linear((x - middle) / scale), y)
        found = found + 1e-4 * (linear.weight**2).sum()
        found.backward()  # type: ignore[no-untyped-call]
        return found

    lbfgs.step(loss)  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def accuracy(vectors: Floats, states: NDArray[Any]) -> float:
        scores = linear((torch.from_numpy(vectors) - middle) / scale)
        return float((scores.argmax(dim=-1).numpy() == states).mean())

    return accuracy


def _shown(values: Sequence[float], digits: int = 3) -> str:
    found = [f"{one:.{digits}f}" for one in (mean(values), min(values), max(values))]
    return found[0] if len(values) == 1 else "{} ({}-{})".format(*found)


PARTS = {"answers": answers, "rates": rates, "vectors": vectors}


def main(argv: Sequence[str] | None = None) -> int:
    parser = program.parser("mlm_dropout", PARTS)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--texts", type=int, default=TEXTS)
    options = parser.parse_args(argv)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    arguments = options.seeds, options.steps, options.texts
    try:
        return program.measure("mlm_dropout", PAGE, PARTS, options, argv, *arguments)
    finally:
        torch.set_num_threads(threads)


if __name__ == "__main__":
    raise SystemExit(main())
