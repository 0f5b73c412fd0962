"""snippets.char_lm and its files: networks beside torch's own cells, and files that go on."""

from __future__ import annotations

import doctest
import io
import json
import math
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from snippets import char_lm, char_lm_checkpoint, char_lm_program, char_lm_sampling, char_lm_text
from snippets.char_lm import CharLM, Settings, dropout
from snippets.char_lm_checkpoint import load_model, resume, save, vocabulary_of
from snippets.char_lm_measures import perplexity
from snippets.char_lm_sampling import distinct, draw, generate, real_words, temper, words_of
from snippets.char_lm_text import (
    UNKNOWN,
    Vocabulary,
    prose,
    random_starts,
    sequential_starts,
    window,
)
from snippets.char_lm_training import Training, clip_gradients, one_cycle, train
from snippets.ngram import WittenBell

approx = pytest.approx
ROOT = Path(__file__).parents[2]
CELLS = ("rnn", "gru", "lstm")
SMALL = Settings(embedding=5, hidden=12, batch=4, steps=8, epochs=3, rate=0.02)
ABC = Vocabulary("abcd")


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def untrained(settings_=SMALL, vocabulary=ABC, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return CharLM(vocabulary, settings_)


def random_codes(N, V=4, seed=0):
    return np.random.default_rng(seed).integers(V, size=N)


def stepped(model, codes, first, reset=None):
    """log p of codes[first + 1:], by torch's own single-step cells, one character at a time."""
    kind = {"rnn": nn.RNNCell, "gru": nn.GRUCell, "lstm": nn.LSTMCell}[model.settings.cell]
    embedding = model.settings.embedding or len(model.vocabulary)
    cell = kind(embedding, model.settings.hidden)
    weights = {name.removesuffix("_l0"): table for name, table in model.cell.state_dict().items()}
    cell.load_state_dict(weights)
    state, found = None, []
    with torch.no_grad():
        for t in range(first, len(codes) - 1):
            if reset and (t - first) % reset == 0:
                state = None
            code = torch.tensor([codes[t]])
            x = model.embed(code) if model.embed else nn.functional.one_hot(code, embedding).float()
            state = cell(x, state)
            h = state[0] if isinstance(state, tuple) else state
            found.append(float(model.to_scores(h).log_softmax(dim=1)[0, codes[t + 1]]))
    return found


# Texts and vocabularies -----------------------------------------------------------------


@given(st.text(st.characters(codec=None), min_size=1, max_size=40))
@settings(deadline=None)
def test_any_text_comes_back(text):
    """Of whatever characters, beyond the first plane and lone surrogates too."""
    vocabulary = Vocabulary.of(text)
    codes = vocabulary.encode(text)
    assert vocabulary.decode(codes) == text
    assert set(codes.tolist()) == set(range(len(vocabulary)))
    assert list(vocabulary.characters) == sorted(set(text))


def test_a_character_that_is_not_there_is_an_error_that_names_it():
    """The first such one, and its place; before, between and beyond those that are there."""
    for strange in "!bé\U0001f600":
        with pytest.raises(ValueError, match=rf"found {strange!r} \(U\+{ord(strange):04X}\)") as it:
            Vocabulary("ac").encode(f"ac{strange}?")
        assert "place 2" in str(it.value)


def test_rare_characters_and_new_ones_are_unknown():
    """With least=2 what occurs once is one character, and so is what never did."""
    vocabulary = Vocabulary.of("aabbc", least=2)
    assert vocabulary.characters == "ab" + UNKNOWN
    assert vocabulary.decode(vocabulary.encode("abcx")) == "ab" + UNKNOWN * 2


@pytest.mark.parametrize("characters", ["", "ba", "aa", None])
def test_a_vocabulary_is_distinct_characters_in_order(characters):
    """Or else numbers would not be those of a search."""
    with pytest.raises(ValueError, match="characters: expected distinct ones in order"):
        Vocabulary(characters)
    with pytest.raises(ValueError, match="text: expected at least one character"):
        Vocabulary.of("")


def test_a_vocabulary_of_letters_reduces_what_it_reads():
    """Upper case, digits and line breaks are no strangers to it."""
    vocabulary = Vocabulary.of("The Time, 1895!", letters=True)
    assert vocabulary.characters == " ehimt"
    assert vocabulary.decode(vocabulary.read("HE\n\n(1 time)")) == "he time "


def test_prose_is_what_is_left_of_a_page():
    """Front matter, fences, also in a list, and displayed formulas go; inline ones stay."""
    page = """---
date: 2026-11-21
---
# Title

One $x$ here.

```python exec
print("gone")
```

- a point

    ~~~
    gone too
    ~~~

$$
gone
$$

The end.
"""
    assert prose(page) == "# Title\n\nOne $x$ here.\n\n- a point\n\nThe end.\n"


def test_the_blog_is_a_text():
    """Its articles are read with all their characters, and with letters alone."""
    posts = sorted((ROOT / "docs" / "en" / "posts").glob("*.md"))
    text = "\n".join(prose(post.read_text(encoding="utf-8")) for post in posts)
    assert "```" not in text
    assert len(Vocabulary.of(text).encode(text)) == len(text)
    assert len(Vocabulary.of(text, letters=True)) == 27


# Minibatches ----------------------------------------------------------------------------

sizes = st.tuples(st.integers(2, 200), st.integers(1, 5), st.integers(1, 9)).filter(
    lambda size: size[0] > size[1] * size[2]
)


@given(sizes, st.integers(0, 99))
@settings(deadline=None)
def test_windows_cover_a_text_once(size, seed):
    """In both orders: inside, nowhere twice, and less than a step is left out."""
    N, B, T = size
    for starts_of in (sequential_starts, random_starts):
        starts = starts_of(N, B, T, rng=np.random.default_rng(seed))
        n = (N - 1) // (B * T)
        assert starts.shape == (n, B)
        seen = (starts.ravel()[:, None] + np.arange(T)).ravel()
        assert len(set(seen)) == n * B * T > N - 1 - B * T
        assert seen.min() >= 0
        assert seen.max() < N - 1  # each has a next character


@given(sizes, st.integers(0, 99))
@settings(deadline=None)
def test_a_lane_goes_on_where_it_ended(size, seed):
    """Sequential: each window begins where the one above ended. Random: the same, shuffled."""
    N, B, T = size
    starts = sequential_starts(N, B, T, rng=np.random.default_rng(seed))
    assert all((after - before == T).all() for before, after in pairwise(starts))
    shuffled = random_starts(N, B, T, rng=np.random.default_rng(seed))
    assert sorted(shuffled.ravel()) == sorted(starts.ravel())


def test_where_the_first_window_begins_is_drawn():
    """Every place that leaves room occurs: the ends of a text are not always left out."""
    found = {
        int(sequential_starts(20, 2, 3, rng=np.random.default_rng(s)).min()) for s in range(99)
    }
    assert found == {0, 1}
    order = random_starts(200, 2, 3, rng=np.random.default_rng(0)).ravel()
    assert (np.diff(order) < 0).any()


def test_targets_are_the_next_characters():
    """One place further, for each window."""
    inputs, targets = window(np.arange(20), np.array([3, 11]), 4)
    assert inputs.tolist() == [[3, 4, 5, 6], [11, 12, 13, 14]]
    assert targets.tolist() == (inputs + 1).tolist()


@pytest.mark.parametrize(("N", "B", "T"), [(12, 3, 4), (1, 1, 1), (9, 0, 4), (9, 4, 0)])
def test_a_text_too_short_for_a_step_is_refused(N, B, T):
    """What is needed and what there is."""
    with pytest.raises(ValueError, match=r"expected more than|expected whole numbers"):
        sequential_starts(N, B, T, rng=np.random.default_rng(0))


# The model ------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("embedding", [0, 5])
def test_log_p_is_the_chain_rule_step_by_step(cell, embedding):
    """As torch's single-step cells have it, with embeddings and with one-hot vectors."""
    model = untrained(replace(SMALL, cell=cell, embedding=embedding))
    codes = random_codes(60)
    everything = stepped(model, codes, 0)
    assert model.log_p(codes).tolist() == approx(everything, abs=1e-5)
    assert model.log_p(codes, 25).tolist() == approx(everything[24:], abs=1e-5)
    warm = stepped(model, codes, 14)
    assert model.log_p(codes, 25, warm_up=10).tolist() == approx(warm[10:], abs=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_the_state_is_carried_over_every_border(cell, monkeypatch):
    """How much is read at once changes nothing."""
    model, codes = untrained(replace(SMALL, cell=cell)), random_codes(50)
    expected = model.log_p(codes, 3).tolist()
    for piece in (1, 7, 49, 50):
        monkeypatch.setattr(char_lm, "PIECE", piece)
        assert model.log_p(codes, 3).tolist() == approx(expected, abs=1e-5)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("every", [1, 7, 10, 100])
def test_reset_forgets_each_so_many_characters(cell, every):
    """The state is zero before each of them, and one character is known."""
    model, codes = untrained(replace(SMALL, cell=cell)), random_codes(60)
    found = model.log_p_reset(codes, 5, every=every)
    assert found.tolist() == approx(stepped(model, codes, 4, reset=every), abs=1e-5)


def test_reset_is_the_same_however_many_rows_there_are(monkeypatch):
    """More windows than are read at once."""
    model, codes = untrained(), random_codes(900)
    found = model.log_p_reset(codes, every=3)
    assert found.tolist() == approx(stepped(model, codes, 0, reset=3), abs=1e-5)


def test_one_hot_is_an_embedding_whose_rows_the_cell_holds():
    """A one times a matrix is a row of it: the identity as embeddings gives the same."""
    one_hot, embedded = (untrained(replace(SMALL, embedding=size)) for size in (0, 4))
    embedded.load_state_dict(one_hot.state_dict() | {"embed.weight": torch.eye(4)})
    codes = random_codes(40)
    assert (one_hot.log_p(codes) == embedded.log_p(codes)).all()


@pytest.mark.parametrize("cell", CELLS)
def test_a_reader_says_what_log_p_says(cell):
    """Character by character, in several texts at once; and each time it is a distribution."""
    model = untrained(replace(SMALL, cell=cell))
    rows = random_codes(90).reshape(3, 30)
    reader = model.reader(3)
    said = np.stack([reader.read(rows[:, t]) for t in range(29)])
    assert np.exp(said).sum(axis=2) == approx(np.ones((29, 3)))
    for b, row in enumerate(rows):
        found = [said[t, b, row[t + 1]] for t in range(29)]
        assert found == approx(model.log_p(row).tolist(), abs=1e-5)


def test_what_has_no_predecessor_is_not_foretold():
    """A start of 0, beyond the end, and resets of nothing."""
    model, codes = untrained(), random_codes(9)
    for start in (0, 10):
        for ask in (model.log_p, model.log_p_reset):
            with pytest.raises(ValueError, match=r"^start: expected 1 to 9, found"):
                ask(codes, start)
    with pytest.raises(ValueError, match=r"^every: expected a whole number >= 1"):
        model.log_p_reset(codes, every=0)
    assert len(model.log_p(codes, 9)) == len(model.log_p_reset(codes, 9)) == 0


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"cell": "crf"}, "cell: expected one of rnn, gru, lstm, found 'crf'"),
        ({"order": "odd"}, "order: expected one of sequential, random, found 'odd'"),
        ({"embedding": -1}, "embedding: expected a whole number >= 0, found -1"),
        ({"hidden": 0}, "hidden: expected a whole number >= 1, found 0"),
        ({"steps": 2.5}, "steps: expected a whole number >= 1, found 2.5"),
        ({"dropout": 1.0}, "dropout: expected 0 <= dropout < 1, found 1.0"),
        ({"rate": 0.0}, "rate: expected more than 0, found 0.0"),
        ({"clip": math.nan}, "clip: expected more than 0, found nan"),
    ],
)
def test_settings_that_are_none_are_refused(changes, problem):
    """The name, what was expected, what was found."""
    with pytest.raises(ValueError, match=problem):
        Settings(**changes)


# What training is made of ---------------------------------------------------------------


def test_dropout_keeps_the_mean_and_needs_a_generator():
    """A share of values is 0, the rest grows; without a generator nothing is random."""
    ones = torch.ones(400, 500)
    dropped = dropout(ones, 0.3, torch.Generator().manual_seed(0))
    assert dropped.unique().tolist() == [0, approx(1 / 0.7)]
    assert float((dropped == 0).float().mean()) == approx(0.3, abs=0.005)
    assert float(dropped.mean()) == approx(1, abs=0.01)
    model, codes = untrained(), torch.from_numpy(random_codes(8)[None])
    plain, again = (model(codes)[0] for _ in range(2))
    assert torch.equal(plain, again)
    noisy = model(codes, drop=torch.Generator().manual_seed(0))[0]
    assert not torch.equal(plain, noisy)


@given(st.integers(0, 999), st.floats(0.01, 10))
@settings(max_examples=30, deadline=None)
def test_clipping_is_torchs(seed, most):
    """The same norm, and the same gradients to rounding, long or short."""
    generator = torch.Generator().manual_seed(seed)
    shapes = ((3, 4), (5,), (2, 2))
    mine, other = ([nn.Parameter(torch.zeros(shape)) for shape in shapes] for _ in range(2))
    for p, q in zip(mine, other, strict=True):
        p.grad = torch.randn(p.shape, generator=generator)
        q.grad = p.grad.clone()
    norm = clip_gradients(mine, most)
    assert norm == approx(float(nn.utils.clip_grad_norm_(other, most)), rel=1e-5)
    for p, q in zip(mine, other, strict=True):
        torch.testing.assert_close(p.grad, q.grad, rtol=1e-4, atol=1e-6)
    assert clip_gradients(mine, math.inf) == approx(min(norm, most), rel=1e-4)


@pytest.mark.parametrize("steps", [1, 2, 10, 1000])
def test_the_rate_climbs_and_falls_once(steps):
    """Up for three tenths, down for the rest, half the peak on average, never beyond it."""
    rates = [one_cycle(step, steps, 2.0) for step in range(steps)]
    assert all(0 < rate <= 2 for rate in rates)
    top = int(np.argmax(rates))
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    if steps == 1000:
        assert top == approx(300, abs=1)
        assert np.mean(rates) == approx(1, abs=1e-3)
        assert rates[0] < 1e-3 > rates[-1]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("order", ["sequential", "random"])
def test_training_is_torchs_own_loop(cell, order):
    """Adam, cross-entropy, clipping, and a state that is carried, or not: the same weights."""
    chosen = replace(SMALL, cell=cell, order=order, dropout=0.0, clip=0.05, epochs=2)
    codes = random_codes(110)
    training = Training(codes, ABC, chosen, seed=3)
    steps = list(training)
    model = untrained(chosen, seed=3)
    adam, state = torch.optim.Adam(model.parameters()), None
    for done in range(6):
        epoch, row = divmod(done, 3)
        rng = np.random.default_rng((3, epoch))
        starts = char_lm_text.ORDERS[order](110, 4, 8, rng=rng)[row]
        state = None if row == 0 or order == "random" else state
        x = torch.tensor(np.stack([codes[s : s + 9] for s in starts]))
        scores, state = model(x[:, :-1], state)
        state = tuple(s.detach() for s in state) if cell == "lstm" else state.detach()
        loss = nn.functional.cross_entropy(scores.reshape(-1, 4), x[:, 1:].reshape(-1))
        adam.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 0.05)
        adam.param_groups[0]["lr"] = one_cycle(done, 6, 0.02)
        adam.step()
        assert steps[done].loss == approx(loss.item(), abs=1e-6)
        assert steps[done].norm == approx(float(norm), rel=1e-4)
        assert steps[done].rate == one_cycle(done, 6, 0.02)
    assert [step.done for step in steps] == [1, 2, 3, 4, 5, 6]
    for mine, other in zip(training.model.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-5)


def test_training_is_repeatable_and_leaves_the_generators_alone():
    """A seed is a network; torch's and numpy's own random numbers stand as they stood."""
    codes = random_codes(200)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()
    one, two, other = (train(codes, ABC, SMALL, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]
    assert all(map(torch.equal, one.parameters(), two.parameters()))
    assert not any(map(torch.equal, one.parameters(), other.parameters()))


def test_epochs_differ():
    """Each draws anew where its windows begin."""
    training = Training(random_codes(130), ABC, replace(SMALL, order="random"), seed=0)
    orders = {str(training._epoch_starts(epoch).tolist()) for epoch in range(5)}
    assert len(orders) == 5


@pytest.mark.parametrize("cell", CELLS)
def test_a_network_remembers_what_an_ngram_cannot(cell):
    """What ends each bracket was said five characters ago: a 5-gram guesses, a network knows."""
    rng = np.random.default_rng(0)
    text = "".join(f"{c}----{c} " for c in rng.choice(list("ab"), 800))
    vocabulary = Vocabulary.of(text)
    codes, cut = vocabulary.encode(text), 5250
    chosen = Settings(
        cell=cell, embedding=0, hidden=24, dropout=0.0, batch=8, steps=24, epochs=10, rate=0.05
    )
    network = train(codes[:cut], vocabulary, chosen)
    counted = WittenBell.fit(codes[:cut], 5, len(vocabulary))
    entropy = math.log(2) / 7  # one free choice in seven characters
    assert math.log(perplexity(network.log_p(codes, cut))) < 1.2 * entropy
    assert math.log(perplexity(counted.log_p(codes, cut))) > 1.9 * entropy


def test_a_gradient_that_is_not_finite_is_an_error():
    """The step, and what may help."""
    training = Training(random_codes(100), ABC, SMALL)
    with torch.no_grad():
        training.model.to_scores.bias[0] = math.nan
    with pytest.raises(ValueError, match=r"step 1: expected a finite gradient, found nan; a lower"):
        training.step()


# Checkpoints ----------------------------------------------------------------------------


def tensors(training):
    """Everything that a training is, as one list."""
    found = training.state_dict()
    adam = found["optimiser"]["state"]
    state = found["state"] if isinstance(found["state"], tuple) else (found["state"],)
    moments = [table for one in adam.values() for table in one.values()]
    return [*found["model"].values(), *moments, found["drop"], *state]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("order", ["sequential", "random"])
def test_ten_steps_are_five_a_file_and_five(cell, order, tmp_path):
    """Bit for bit, across the end of an epoch, with dropout."""
    codes, chosen = random_codes(300), replace(SMALL, cell=cell, order=order)
    whole, first = (Training(codes, ABC, chosen, seed=5) for _ in range(2))
    expected = [whole.step() for _ in range(10)]
    begun = [first.step() for _ in range(5)]
    save(first, tmp_path / "a.pt")
    second = resume(tmp_path / "a.pt", codes)
    assert [*begun, *(second.step() for _ in range(5))] == expected
    for mine, other in zip(tensors(second), tensors(whole), strict=True):
        assert torch.equal(mine, other)
    assert second.total == whole.total == 27
    assert [now.done for now in second] == list(range(11, 28))  # the third epoch too


def test_saved_after_any_step_it_goes_on(tmp_path):
    """Before the first, in the middle of an epoch, at its end, after the last."""
    codes = random_codes(110)
    expected = list(Training(codes, ABC, SMALL))
    for k in range(len(expected) + 1):
        training = Training(codes, ABC, SMALL)
        for _ in range(k):
            training.step()
        save(training, tmp_path / "a.pt")
        assert list(resume(tmp_path / "a.pt", codes)) == expected[k:]


def test_the_network_of_a_file_is_the_one_that_was_saved(tmp_path):
    """The same log p, vocabulary and settings; drawing none of torch's random numbers."""
    vocabulary = Vocabulary("ab" + UNKNOWN, letters=True)
    training = Training(random_codes(100, 3), vocabulary, SMALL)
    training.step()
    save(training, tmp_path / "a.pt")
    before = torch.get_rng_state()
    model = load_model(tmp_path / "a.pt")
    assert torch.equal(torch.get_rng_state(), before)
    assert model.vocabulary == vocabulary == vocabulary_of(tmp_path / "a.pt")
    assert model.settings == SMALL
    codes = random_codes(40, 3, seed=1)
    assert (model.log_p(codes) == training.model.log_p(codes)).all()


def test_a_file_is_no_larger_than_what_it_holds(tmp_path):
    """Weights, Adam's two moments of each, a state and a generator; no storage behind them."""
    for cell in CELLS:
        chosen = replace(SMALL, cell=cell, hidden=64, batch=16, steps=32)
        training = Training(random_codes(1200), ABC, chosen)
        training.step()
        save(training, tmp_path / "a.pt")
        held = sum(table.numel() * table.element_size() for table in tensors(training))
        assert (tmp_path / "a.pt").stat().st_size < held + 20_000


def test_another_text_is_refused(tmp_path):
    """Its hash is in the file."""
    codes = random_codes(100)
    save(Training(codes, ABC, SMALL), tmp_path / "a.pt")
    with pytest.raises(ValueError, match=r"a\.pt: text: expected the one that the training began"):
        resume(tmp_path / "a.pt", codes[::-1].copy())


def test_a_write_that_fails_leaves_the_file_before(tmp_path, monkeypatch):
    """The old one is whole, and nothing lies beside it."""
    codes = random_codes(100)
    training = Training(codes, ABC, SMALL)
    save(training, tmp_path / "a.pt")
    old = (tmp_path / "a.pt").read_bytes()
    training.step()
    written, write = [], Path.write_bytes
    monkeypatch.setattr(
        Path, "write_bytes", lambda self, data: written.append(self) or write(self, data)
    )
    save(training, tmp_path / "b.pt")
    assert written == [tmp_path / "b.pt.part"]  # what is read is only ever moved to its place
    (tmp_path / "b.pt").unlink()

    def full(self, data):
        with open(self, "wb") as file:
            file.write(data[:100])
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        save(training, tmp_path / "a.pt")
    assert (tmp_path / "a.pt").read_bytes() == old
    assert [file.name for file in tmp_path.iterdir()] == ["a.pt"]


class Trap:
    """What runs when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_what_is_no_checkpoint_is_an_error_and_nothing_in_it_runs(tmp_path):
    """Text, nothing, half a file, other data, and a file that is out for harm."""
    good, bad = tmp_path / "good.pt", tmp_path / "bad.pt"
    training = Training(random_codes(100), ABC, SMALL)
    save(training, good)
    parts = torch.load(good, weights_only=True)
    trap = tmp_path / "trapped"

    def stored(value):
        made = io.BytesIO()
        torch.save(value, made)
        return made.getvalue()

    for content in (
        b"",
        b"text",
        good.read_bytes()[:2000],
        pickle.dumps({"format": char_lm_checkpoint.FORMAT}),
        pickle.dumps(Trap(str(trap))),
        stored(Trap(str(trap))),
        stored([1, 2]),
        stored({**parts, "format": "char-lm 0"}),
        stored({key: value for key, value in parts.items() if key != "model"}),
        stored({**parts, "model": {}}),
        stored({**parts, "settings": {**parts["settings"], "hidden": 13}}),
        stored({**parts, "settings": {**parts["settings"], "cell": "crf"}}),
        stored({**parts, "vocabulary": {"characters": 7}}),
    ):
        bad.write_bytes(content)
        for read in (load_model, lambda path: resume(path, training.codes)):
            with pytest.raises(ValueError, match=r"bad\.pt: not a checkpoint of char_lm: .") as it:
                read(bad)
            assert "\n" not in str(it.value)
    assert not trap.exists()
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "none.pt")


# Sampling -------------------------------------------------------------------------------


def test_temperature_by_hand():
    """(.5, .3, .2) at T = .5 is their squares, normalised; at 1 it is itself, at 0 certain."""
    log_p = np.log([0.5, 0.3, 0.2])
    assert temper(log_p, 0.5).round(4).tolist() == [0.6579, 0.2368, 0.1053]
    assert temper(log_p, 1).tolist() == approx([0.5, 0.3, 0.2])
    assert temper(log_p, 1e9).tolist() == approx([1 / 3] * 3, abs=1e-6)
    assert temper(log_p, 0).tolist() == [1, 0, 0]
    assert temper([[-2.0, -1, -1]], 0).tolist() == [[0, 1, 0]]  # of equals the first


@given(st.lists(st.floats(-800, 0), min_size=1, max_size=6), st.floats(0.01, 100))
@settings(deadline=None)
def test_any_temperature_is_a_distribution_in_the_same_order(log_p, T):
    """However small the probabilities; ratios are those of powers."""
    p = temper(log_p, T)
    assert p.sum() == approx(1)
    order = np.argsort(log_p, kind="stable")
    assert (np.diff(p[order]) >= -1e-12).all()
    best = order[-1]
    whole = p >= np.finfo(float).tiny  # below it a number keeps fewer digits
    powers = (np.array(log_p) - log_p[best]) / T
    assert (np.log(p[whole]) - np.log(p[best])).tolist() == approx(powers[whole], abs=1e-6)


@pytest.mark.parametrize("T", [-1, math.inf, math.nan])
def test_a_temperature_that_is_none_is_refused(T):
    """Below zero, and what is no number."""
    with pytest.raises(ValueError, match="T: expected a number >= 0"):
        temper([0.0], T)


def test_draws_are_as_frequent_as_they_are_probable():
    """Within four standard deviations; what is impossible is never drawn."""
    p = np.tile([0.0, 0.1, 0.0, 0.6, 0.3, 0.0], (50_000, 1))
    times = np.bincount(draw(p, np.random.default_rng(0)), minlength=6) / len(p)
    assert times[[0, 2, 5]].tolist() == [0, 0, 0]
    assert (abs(times - p[0]) <= 4 * np.sqrt(p[0] * (1 - p[0]) / len(p))).all()


def test_generated_text_follows_the_model():
    """The second of two drawn characters depends on the first, as the model says."""
    model = untrained(seed=4)
    with torch.no_grad():
        for table in model.parameters():
            table.mul_(4)  # opinions that can be told from none
    prompt = np.array([0, 1])
    found = generate(model, prompt, 2, rng=np.random.default_rng(0), count=20_000)
    times = np.zeros((4, 4))
    np.add.at(times, (found[:, 0], found[:, 1]), 1)
    for a in range(4):
        for b in range(4):
            p = math.exp(model.log_p(np.array([0, 1, a, b]), 2).sum())
            assert abs(times[a, b] - 20_000 * p) <= 4.5 * math.sqrt(20_000 * p) + 1


def test_without_heat_the_most_probable_is_written():
    """T = 0 is the same whatever the seed: each character the best after those before."""
    model = untrained(seed=4)
    one, two = (
        generate(model, np.array([2]), 12, rng=np.random.default_rng(s), temperature=0, count=2)
        for s in (0, 1)
    )
    assert (one == two).all()
    text = [2, *one[0]]
    for t in range(12):
        every = [model.log_p(np.array([*text[: t + 1], c]), t + 1)[-1] for c in range(4)]
        assert text[t + 1] == int(np.argmax(every))


def test_ngrams_write_too():
    """The same function; characters that never followed appear with the model's own chances."""
    text = "abcd" * 50
    model = WittenBell.fit(ABC.encode(text), 3, 4)
    found = generate(model, ABC.encode("ab"), 200, rng=np.random.default_rng(0), temperature=0)
    assert ABC.decode(found[0]) == "cdab" * 50
    with pytest.raises(ValueError, match="prompt: expected at least one character"):
        generate(model, ABC.encode(""), 5, rng=np.random.default_rng(0))


def test_shares_of_words_and_of_runs():
    """Cut words at the ends do not count; text that repeats itself has few distinct runs."""
    assert words_of("ut this is  it no") == ["this", "is", "it"]
    assert real_words("ut this iz it no", {"this", "it", "no"}) == approx(2 / 3)
    assert math.isnan(real_words("cut off", {"cut"}))
    assert distinct("abcdefghij") == 1
    assert distinct("abcd" * 25) == approx(4 / 93)
    assert math.isnan(distinct("abcdefg"))


def test_the_examples_in_the_docstrings():
    """They give what they show."""
    for module in (char_lm_text, char_lm_sampling):
        assert doctest.testmod(module).failed == 0


# The program ----------------------------------------------------------------------------

TRAIN = ("--hidden", "16", "--embedding", "0", "--batch", "4", "--steps", "16", "--epochs", "2")


def said(capsys, *argv):
    code = char_lm_program.main([str(word) for word in argv])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def text(tmp_path):
    file = tmp_path / "text.txt"
    file.write_text("The cat sat on the mat.\nThe hat, the cat!\n" * 12, encoding="utf-8")
    return file


@pytest.fixture
def model(text, tmp_path, capsys):
    file = tmp_path / "model.pt"
    assert said(capsys, "train", text, "--model", file, *TRAIN)[0] == 0
    return file


def test_train_generate_perplexity(capsys, text, model):
    """What one command saves the others read; the numbers are the library's."""
    code, out, err = said(capsys, "perplexity", model, text, "--json")
    found = json.loads(out)
    network = load_model(model)
    codes = network.vocabulary.encode(text.read_text(encoding="utf-8"))
    assert (code, err) == (0, "")
    assert found["perplexity"] == approx(perplexity(network.log_p(codes)))
    assert found["bits"] == approx(math.log2(found["perplexity"]))
    assert (found["characters"], found["unknown"]) == (len(codes) - 1, 0)
    _, plain, _ = said(capsys, "perplexity", model, text)
    assert plain.startswith(f"perplexity {found['perplexity']:.3f}, ")
    _, reset, _ = said(capsys, "perplexity", model, text, "--reset", 5, "--json")
    expected = perplexity(network.log_p_reset(codes, every=5))
    assert json.loads(reset)["perplexity"] == approx(expected)
    asked = ("generate", model, "--prompt", "The ", "--length", 30, "--seed", 3)
    code, out, _ = said(capsys, *asked)
    assert code == 0
    assert out.startswith("The ")
    assert len(out) == 4 + 30 + 1
    assert said(capsys, *asked)[1] == out
    assert said(capsys, *asked[:-1], 4)[1] != out
    rng = np.random.default_rng(3)
    prompt = network.vocabulary.encode("The ")
    (again,) = generate(network, prompt, 30, rng=rng, temperature=0.8)
    assert out == "The " + network.vocabulary.decode(again) + "\n"
    unprompted = json.loads(said(capsys, "generate", model, "--length", 30, "--json")[1])
    assert unprompted["prompt"] == ""
    assert len(unprompted["text"]) == 30


def test_train_reports_what_it_did(capsys, text, tmp_path):
    """A perplexity an epoch, and sizes; as JSON and in a line; options reach the settings."""
    file = tmp_path / "m.pt"
    argv = ("train", text, "--model", file, *TRAIN, "--cell", "lstm", "--order", "random")
    _, out, err = said(capsys, *argv, "--seed", 2, "--letters", "--json")
    found = json.loads(out)
    assert err == ""  # no bar where nobody is looking
    assert len(found["perplexities"]) == 2
    assert found["perplexities"][1] < found["perplexities"][0] < 30
    network = load_model(file)
    assert network.settings == Settings(
        cell="lstm", embedding=0, hidden=16, order="random", batch=4, steps=16, epochs=2
    )
    assert network.vocabulary.letters
    assert found["parameters"] == sum(table.numel() for table in network.parameters())
    assert found["kinds"] == len(network.vocabulary)


def test_an_interrupted_training_goes_on(capsys, text, tmp_path, monkeypatch):
    """What was saved on the way, resumed, is the file that was never interrupted."""
    whole, cut = tmp_path / "whole.pt", tmp_path / "cut.pt"
    said(capsys, "train", text, "--model", whole, *TRAIN)
    step = Training.step

    def interrupted(self):
        if self.done == 9:
            raise KeyboardInterrupt
        return step(self)

    monkeypatch.setattr(Training, "step", interrupted)
    monkeypatch.setattr(char_lm_program, "MINUTE", -1)  # each step is saved
    with pytest.raises(KeyboardInterrupt):
        said(capsys, "train", text, "--model", cut, *TRAIN)
    monkeypatch.setattr(Training, "step", step)
    assert resume(cut, codes_of(cut, text)).done == 9
    code, _, _ = said(capsys, "train", text, "--model", cut, "--resume")
    assert code == 0
    one, two = (resume(file, codes_of(file, text)) for file in (whole, cut))
    assert one.done == two.done == one.total
    assert all(map(torch.equal, tensors(one), tensors(two)))
    assert "steps" in said(capsys, "train", text, "--model", cut, "--resume")[1]  # nothing left


def codes_of(file, text):
    return vocabulary_of(file).read(text.read_text(encoding="utf-8"))


def test_unknown_characters_are_counted_or_refused(capsys, text, model, tmp_path, monkeypatch):
    """Refused with file and line; with --least they are one character, and said to be."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("The cat\nThe m\u00f6t\n"))
    code, out, err = said(capsys, "perplexity", model, "-")
    assert (code, out) == (2, "")
    assert "stdin:2: expected the" in err
    assert "'\u00f6' (U+00F6)" in err
    said(capsys, "train", text, "--model", tmp_path / "m.pt", *TRAIN, "--least", 13)
    monkeypatch.setattr(sys, "stdin", io.StringIO("The cat\nThe m\u00f6t!\n"))
    _, out, _ = said(capsys, "perplexity", tmp_path / "m.pt", "-")
    assert out.endswith("3 of them unknown\n")  # m and the exclamation mark are rare
    letters = tmp_path / "letters.pt"
    said(capsys, "train", text, "--model", letters, *TRAIN, "--letters")
    monkeypatch.setattr(sys, "stdin", io.StringIO("THE, \u00f6 cat\nthe zebra"))
    assert "stdin:2: expected" in said(capsys, "perplexity", letters, "-")[2]


def test_the_demo_shows_that_a_network_learns(capsys, monkeypatch):
    """Without arguments: perplexities that fall, and a sample."""
    monkeypatch.setattr(char_lm_program, "DEMO", replace(char_lm_program.DEMO, hidden=16, epochs=3))
    code, out, _ = said(capsys)
    assert code == 0
    assert "epoch  3" in out
    assert "def " in out


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (["train", "EMPTY"], "expected text, found none"),
        (["train", "BINARY"], "can't decode byte"),
        (["train", "nowhere"], "nowhere: No such file or directory"),
        (["train", "TEXT"], "TEXT: text: expected more than 32 x 64 = 2,048 characters"),
        (["train", "TEXT", "--model", "nowhere/m.pt"], "nowhere: No such file or directory"),
        (["train", "TEXT", "--model", "."], "Is a directory"),
        (["train", "TEXT", "--batch", "0"], "batch: expected a whole number >= 1, found 0"),
        (["train", "TEXT", "--cell", "crf"], "invalid choice: 'crf'"),
        (["train", "TEXT", "--seed", "-1"], "--seed: expected a whole number >= 0, found -1"),
        (["train", "TEXT", "--least", "0"], "--least: expected a whole number >= 1, found 0"),
        (["train", "TEXT", "--model", "MODEL", "--resume", "--rate", "1"], "--rate: not with"),
        (["train", "OTHER", "--model", "MODEL", "--resume"], "MODEL: text: expected the one"),
        (["train", "TEXT", "--model", "TEXT", "--resume"], "TEXT: not a checkpoint of char_lm"),
        (["generate", "TEXT"], "TEXT: not a checkpoint of char_lm"),
        (["generate", "MODEL", "--length", "0"], "--length: expected a whole number >= 1"),
        (["generate", "MODEL", "--temperature", "nan"], "--temperature: expected a number >= 0"),
        (["generate", "MODEL", "--prompt", "7"], "--prompt: expected the"),
        (["generate", "MODEL", "--seed", "-1"], "--seed: expected a whole number >= 0"),
        (["perplexity", "MODEL", "EMPTY"], "expected at least two characters, found 0"),
        (["perplexity", "MODEL", "TEXT", "--reset", "0"], "--reset: expected a whole number >= 1"),
        (["perplexity", "MODEL"], "the following arguments are required: FILE"),
        (["learn"], "invalid choice: 'learn'"),
    ],
)
def test_the_program_says_what_is_wrong_in_one_line(
    capsys, tmp_path, monkeypatch, text, model, argv, problem
):
    """On standard error, with exit code 2, and nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    Path("EMPTY").write_bytes(b"")
    Path("BINARY").write_bytes(b"\xff\xfe\xff")
    Path("OTHER").write_text("The cat " * 60, encoding="utf-8")
    text.rename("TEXT")
    model.rename("MODEL")
    before = {file: file.read_bytes() for file in Path().iterdir()}
    code, out, err = said(capsys, *argv)
    assert (code, out) == (2, "")
    assert problem in err
    assert err.count("\n") == 1
    assert {file: file.read_bytes() for file in Path().iterdir()} == before


def test_a_closed_pipe_ends_the_program_quietly(model):
    """`| head` has seen enough: nothing on standard error."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "snippets.char_lm", "generate", str(model)]
    done = subprocess.run(
        command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, check=False, text=True
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_bar_is_shown_where_somebody_is_looking(text, tmp_path, capsys, monkeypatch):
    """On a terminal: how far, and the perplexity of what was read last."""

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    said(capsys, "train", text, "--model", tmp_path / "m.pt", *TRAIN)
    assert "epoch 2 of 2, perplexity" in screen.getvalue()
