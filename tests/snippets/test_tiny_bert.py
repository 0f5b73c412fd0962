"""The tiny model against torch's own layers, and both against every way a text may be masked."""

from __future__ import annotations

import io
import itertools
import json
import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from snippets import tiny_bert_program, topic_text
from snippets.hmm import HMM, log_likelihood, posteriors
from snippets.markov import stationary
from snippets.mlm import IGNORED, Masked
from snippets.mlm_bayes import (
    BERT,
    MASK,
    ONLY_MASK,
    Noise,
    bayes_losses,
    fate_table,
    noisy_model,
    word_probabilities,
)
from snippets.tiny_bert import (
    Layer,
    Settings,
    TinyBert,
    fill,
    learning,
    loss_of,
    losses,
    probabilities,
    train,
)
from snippets.tiny_bert_program import held_out, main, words_of_line
from snippets.topic_text import TOPICS, draw, entropy, unigram

approx = pytest.approx
TEXT = topic_text.topic_text()
V = len(TEXT.symbols)
SMALL = Settings(size=16, heads=2, inner=24, length=8, steps=5, batch=4, warm_up=2)
STEPS = 350


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """What is repeatable with one thread is tested with one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def learned():
    """A model after some seconds of training, and its losses on the way."""
    for now in learning(settings=Settings(steps=STEPS), seed=1):
        if now.step == STEPS:
            return now.model
    raise AssertionError


def random_text(seed, N, words):
    """A random HMM; some moves and words are impossible."""
    rng = np.random.default_rng(seed)

    def rows(*shape):
        table = rng.dirichlet(np.ones(shape[-1]), shape[:-1])
        table[rng.random(shape) < 0.2] = 0
        table[..., 0] += table.sum(axis=-1) == 0
        return table / table.sum(axis=-1, keepdims=True)

    return HMM(rows(N), rows(N, N), rows(N, words))


# The text -------------------------------------------------------------------------------


def test_the_text_has_18_states_and_42_words():
    """Three topics of five classes and a full stop; topics change after full stops only."""
    assert TEXT.table.shape == (18, 42)
    assert [len(TOPICS), *map(len, TOPICS.values())] == [3, 6, 6, 6]
    topic = [state.split()[0] for state in TEXT.states]
    stop = [state.endswith("stop") for state in TEXT.states]
    for i, j in itertools.product(range(18), repeat=2):
        if topic[i] != topic[j] and TEXT.transition[i, j] > 0:
            assert stop[i]
    stays = [TEXT.transition[i, j] for i, j in enumerate_pairs(stop, topic)]
    assert stays == approx([0.6] * 3)


def enumerate_pairs(stop, topic):
    """Each full stop, and the beginning of a sentence of the same topic."""
    for i in np.flatnonzero(stop):
        yield i, TEXT.states.index(f"{topic[i]} subject")


def test_its_sentences_are_sentences():
    """Subject, verb, perhaps a determiner and adjectives, noun, full stop: all of one topic."""
    words = draw(TEXT, 300, rng=np.random.default_rng(0)).words
    lists = {
        topic: {kind: f"(?:{'|'.join(some.split())})" for kind, some in classes.items()}
        for topic, classes in TOPICS.items()
    }
    shape = "{subject} {verb} (?:{determiner} )?(?:{adjective} )*{noun}"
    grammar = re.compile("|".join(shape.format(**some) for some in lists.values()))
    for row in words:
        sentences = " ".join(TEXT.symbols[k] for k in row).split(" .")
        assert len(sentences) >= 3
        for sentence in sentences[:-1]:
            assert grammar.fullmatch(sentence.strip()), sentence


def test_texts_are_drawn_from_the_model():
    """Words at each place as often as the model says; states that explain them; seeds repeat."""
    states, words = draw(TEXT, 20_000, 6, rng=np.random.default_rng(1))
    assert (TEXT.table[states, words] > 0).all()
    assert (TEXT.transition[states[:, :-1], states[:, 1:]] > 0).all()
    p = TEXT.start
    for t in range(6):
        share = p @ TEXT.table
        found = np.bincount(words[:, t], minlength=V) / len(words)
        assert (abs(found - share) <= 4.5 * np.sqrt(share * (1 - share) / len(words)) + 1e-12).all()
        p = p @ TEXT.transition
    again = draw(TEXT, 20_000, 6, rng=np.random.default_rng(1))
    assert (again.words == words).all()


def test_the_entropy_of_a_word_is_that_of_its_share():
    """3.461 nats at a random place of a text; of long texts that of the stationary words."""
    assert entropy(unigram(TEXT)) == approx(3.461, abs=5e-4)
    assert unigram(TEXT).sum() == approx(1)
    for_ever = stationary(TEXT.transition).distribution @ TEXT.table
    assert unigram(TEXT, 20_000) == approx(for_ever, abs=1e-3)
    assert entropy(np.array([0.5, 0.5, 0.0])) == approx(math.log(2))


# The best answer ------------------------------------------------------------------------


def every_masking(text, inputs, noise):
    """P(x_t = w | inputs, t selected), (T, V), by summing over all texts, states and masks.

    Nothing of it is the code under test: states, words and fates are enumerated.
    """
    (N, words), T = text.table.shape, len(inputs)
    total = np.zeros((T, words))
    for path in itertools.product(range(N), repeat=T):
        p_path = text.start[path[0]]
        for i, j in itertools.pairwise(path):
            p_path *= text.transition[i, j]
        for xs in itertools.product(range(words), repeat=T):
            p = p_path * math.prod(text.table[j, x] for j, x in zip(path, xs, strict=True))
            if p == 0:
                continue
            for selected in itertools.product((False, True), repeat=T):
                q = p
                for x, seen, asked in zip(xs, inputs, selected, strict=True):
                    q *= noise.prob if asked else 1 - noise.prob
                    if not asked:
                        q *= x == seen
                    elif seen == words:
                        q *= noise.mask_frac
                    else:
                        q *= noise.keep_frac * (x == seen) + noise.random_frac / words
                for t in range(T):
                    total[t, xs[t]] += q * selected[t]
    return total


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([BERT, Noise(0.4, 0.5, 0.3), Noise(0.3, 0, 1), ONLY_MASK, Noise(0.2, 0.6, 0)]),
)
@settings(max_examples=60, deadline=None)
def test_the_best_answer_is_what_all_maskings_say(seed, noise):
    """Forward-backward behind the channel, and one place set apart: an enumeration."""
    text = random_text(seed, 2, 3)
    words = draw(text, 1, 3, rng=np.random.default_rng(seed)).words
    inputs, _ = noise.mask(words, 3, seed=seed)
    expected = every_masking(text, inputs[0].tolist(), noise)
    found = word_probabilities(text, inputs, noise)[0]
    assert found.sum(axis=1) == approx(np.ones(3))
    for t in range(3):
        if expected[t].sum() > 0:
            assert found[t] == approx(expected[t] / expected[t].sum(), abs=1e-9)
        else:  # 100/0/0: a word that is seen was not selected
            assert found[t, inputs[0, t]] == 1


def test_the_channel_has_the_shares_that_masking_has():
    """.865, .12 and .015; rows of the tables sum to 1; a tenth and a tenth make .512."""
    assert (BERT.clean, BERT.masked, BERT.random) == approx((0.865, 0.12, 0.015))
    model = noisy_model(TEXT)
    assert model.symbols[-1] == MASK
    assert model.table[:, -1] == approx(np.full(18, 0.12))
    assert model.table[:, :-1] == approx(0.865 * TEXT.table + 0.015 / 42)
    fates = fate_table(42)
    assert fates.sum(axis=0) == approx(np.ones(42))
    assert fates[7, 7] / fates[7].sum() == approx(0.512, abs=5e-4)


def test_masked_texts_are_what_the_noisy_model_makes():
    """Shares of all pairs of neighbours, [MASK] among them, as the noisy HMM has them."""
    text = random_text(3, 3, 4)
    B, noise = 60_000, Noise(0.4, 0.5, 0.3)
    words = draw(text, B, 2, rng=np.random.default_rng(0)).words
    inputs, _ = noise.mask(words, 4, seed=1)
    found = np.bincount(inputs @ [5, 1], minlength=25) / B
    model = noisy_model(text, noise)
    share = np.exp([log_likelihood(model, pair) for pair in itertools.product(range(5), repeat=2)])
    assert share.sum() == approx(1)
    assert (abs(found - share) <= 4.5 * np.sqrt(share * (1 - share) / B)).all()


@pytest.mark.parametrize("noise", [BERT, ONLY_MASK])
def test_the_best_answer_knows_how_sure_it_is(noise):
    """P(label) is right: its sum over labels is that of the squares, within 4.5 sigma."""
    words = draw(TEXT, 2000, rng=np.random.default_rng(5)).words
    masked = noise.mask(words, V, seed=6)
    asked = masked.labels != IGNORED
    p = word_probabilities(TEXT, masked.inputs, noise)[asked]
    best = bayes_losses(TEXT, masked, noise)
    right = p[np.arange(len(p)), masked.labels[asked]]
    assert best == approx(-np.log(right))
    expected = (p**2).sum(axis=1)
    variance = ((p**3).sum(axis=1) - expected**2).sum()
    assert abs(right.sum() - expected.sum()) <= 4.5 * math.sqrt(variance)
    surprise = best.sum() + (p * np.log(p, where=p > 0, out=np.zeros_like(p))).sum()
    assert abs(surprise) <= 4.5 * math.sqrt(len(best)) * best.std()


def test_kept_tokens_are_nearly_free():
    """80/10/10 has a lower limit than 100/0/0, on the same texts, by about a tenth."""
    words = draw(TEXT, 3000, rng=np.random.default_rng(2)).words
    limits = [
        bayes_losses(TEXT, noise.mask(words, V, seed=3), noise) for noise in (BERT, ONLY_MASK)
    ]
    assert [limit.mean() for limit in limits] == approx([1.21, 1.31], abs=0.03)
    assert 0.05 < limits[1].mean() - limits[0].mean() < 0.15


def test_a_text_that_cannot_be_is_an_error_without_random_words_only():
    """With 80/10/10 any word may have been put there."""
    impossible = np.array([[TEXT.symbols.index("the")] * 3])
    with pytest.raises(ValueError, match=r"none reaches step 0"):
        word_probabilities(TEXT, impossible, ONLY_MASK)
    assert word_probabilities(TEXT, impossible, BERT).sum(axis=2) == approx(np.ones((1, 3)))


# The model ------------------------------------------------------------------------------


def test_a_layer_is_torchs_own():
    """nn.TransformerEncoderLayer with norms first and gelu, given the same numbers."""
    torch.manual_seed(0)
    mine = Layer(12, 3, 20)
    theirs = nn.TransformerEncoderLayer(
        12, 3, 20, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    pairs = {
        "self_attn.in_proj_": mine.to_qkv,
        "self_attn.out_proj.": mine.out,
        "linear1.": mine.up,
        "linear2.": mine.down,
        "norm1.": mine.norm_in,
        "norm2.": mine.norm_mid,
    }
    for layer in (mine.norm_in, mine.norm_mid):
        nn.init.normal_(layer.weight)
        nn.init.normal_(layer.bias)
    theirs.load_state_dict(
        {
            f"{name}{kind}": getattr(part, kind)
            for name, part in pairs.items()
            for kind in ("weight", "bias")
        }
    )
    x = torch.randn(2, 5, 12)
    torch.testing.assert_close(mine(x), theirs(x), rtol=1e-5, atol=1e-5)
    seen = torch.rand(2, 5, 5) < 0.5
    seen |= torch.eye(5, dtype=torch.bool)
    other = theirs(x, src_mask=~seen.repeat_interleave(3, dim=0))
    torch.testing.assert_close(mine(x, seen), other, rtol=1e-5, atol=1e-5)


def untrained(seed=0, **changes):
    torch.manual_seed(seed)
    return TinyBert(TEXT.symbols, Settings(**{**vars(SMALL), **changes}))


def test_vectors_stand_for_words():
    """Embedding and scoring apart is the model; other vectors may be put in between."""
    model = untrained()
    ids = torch.tensor([[1, V, 3, 4], [5, 6, V, V]])
    scores = model(ids)
    assert scores.shape == (2, 4, V)
    assert torch.equal(model.scores(model.embed(ids)), scores)
    mask = model.embed(torch.tensor([V]))
    averaged = 0.85 * model.embed(ids) + 0.15 * mask
    assert not torch.equal(model.scores(averaged), scores)
    all_mask = 0.0 * model.embed(ids) + 1.0 * mask
    assert torch.allclose(model.scores(all_mask), model(torch.full_like(ids, V)))


def test_without_a_decoder_hidden_places_are_seen():
    """[MASK] is a word like others to the encoder; what is said of it changes nothing."""
    model = untrained()
    ids = torch.tensor([[1, V, 3, 4]])
    vectors = model.embed(ids)
    assert torch.equal(model.encode(vectors, ids == V), model.encode(vectors))
    other = ids.clone()
    other[0, 1] = 9
    assert not torch.allclose(model.encode(model.embed(other))[:, 0], model.encode(vectors)[:, 0])


def test_with_a_decoder_hidden_places_are_dropped():
    """The encoder returns for the others what it returns when they are really taken away."""
    model = untrained(decoder=1)
    ids = torch.randint(V, (1, 8))
    hidden = torch.tensor([[False, True, False, False, True, True, False, False]])
    ids[hidden] = V
    found = model.encode(model.embed(ids), hidden)[~hidden]
    left = (model.embed(ids) + model.place)[~hidden][None]
    for layer in model.encoder:
        left = layer(left)
    torch.testing.assert_close(found, left[0], rtol=1e-5, atol=1e-5)
    filled = (model.token.weight[V] + model.place)[None].clone()
    filled[~hidden] = left[0]
    for layer in model.decoder:
        filled = layer(filled)
    expected = model.to_scores(model.norm(filled))
    torch.testing.assert_close(model(ids), expected, rtol=1e-5, atol=1e-5)


def test_a_text_of_nothing_but_mask_has_scores():
    """Where the encoder sees nothing at all there is no nan, nor in the gradient."""
    for decoder in (0, 1):
        model = untrained(decoder=decoder)
        scores = model(torch.full((2, 8), V))
        assert scores.isfinite().all()
        scores.sum().backward()
        assert all(
            table.grad.isfinite().all() for table in model.parameters() if table.grad is not None
        )


def test_texts_of_all_lengths_up_to_the_longest():
    """One word, or as many as there are places; one more is an error."""
    model = untrained()
    for T in (1, 3, 8):
        assert model(torch.zeros(2, T, dtype=torch.int64)).shape == (2, T, V)
    with pytest.raises(ValueError, match=r"^ids: expected texts of at most 8 words, found 9"):
        model(torch.zeros(1, 9, dtype=torch.int64))


def test_losses_are_those_of_labels_alone():
    """Their mean is the loss; probabilities sum to 1 and are what losses are logs of."""
    model = untrained()
    words = draw(TEXT, 6, 8, rng=np.random.default_rng(0)).words
    masked = BERT.mask(words, V, seed=0)
    asked = masked.labels != IGNORED
    each = losses(model, masked)
    assert len(each) == asked.sum() > 0
    assert each.mean() == approx(loss_of(model, masked).item(), rel=1e-5)
    p = probabilities(model, masked.inputs)
    assert p.sum(axis=2) == approx(np.ones((6, 8)))
    right = p[asked][np.arange(asked.sum()), masked.labels[asked]]
    assert each == approx(-np.log(right), rel=1e-5)
    nothing = Masked(words, np.full_like(words, IGNORED))
    assert math.isnan(loss_of(model, nothing).item())


# Learning -------------------------------------------------------------------------------


def test_a_model_learns_what_neighbours_tell(learned):
    """Below the entropy of a word by far, towards the best there is, and not below that."""
    held = held_out(BERT)
    loss, limit = losses(learned, held), bayes_losses(TEXT, held)
    assert limit.mean() < loss.mean() < 1.7 < entropy(unigram(TEXT))
    assert (loss - limit).mean() > 4 * (loss - limit).std() / math.sqrt(len(loss)) > 0
    masked = held.inputs[held.labels != IGNORED] == V
    assert loss[masked].mean() < 2.0


def test_a_model_comes_near_the_exact_answer(learned):
    """In a sentence it fills in what the posterior says, to a few percent."""
    (blank,) = fill(learned, words_of_line("sailors catch the [MASK]. foxes hunt mice."))
    assert blank.place == 3
    assert blank.exact.sum() == approx(1)
    assert 0.5 * abs(blank.model - blank.exact).sum() < 0.25
    sea = [TEXT.symbols.index(word) for word in TOPICS["sea"]["noun"].split()]
    assert blank.exact[sea].sum() > 0.5


@pytest.mark.parametrize("decoder", [0, 1])
def test_training_is_repeatable_and_leaves_the_generator_alone(decoder):
    """A seed is a model; torch's own random numbers go on as if nothing had been."""
    small = Settings(**{**vars(SMALL), "decoder": decoder, "noise": ONLY_MASK})
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    one, two, other = (train(settings=small, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    for a, b, c in zip(*(model.parameters() for model in (one, two, other)), strict=True):
        assert torch.equal(a, b)
        assert a.ndim < 2 or not torch.equal(a, c)


def test_a_seed_is_where_a_model_begins(monkeypatch):
    """With a rate of 0 it stays there; other seeds begin elsewhere, and read other texts."""
    seen = []

    def spy(*given, **options):
        seen.append(draw(*given, **options))
        return seen[-1]

    monkeypatch.setattr("snippets.tiny_bert.draw", spy)
    still = Settings(**{**vars(SMALL), "rate": 0.0})
    one, other = (train(settings=still, seed=seed).token.weight for seed in (1, 2))
    assert one.std().item() == approx(0.3, rel=0.1)
    assert not torch.equal(one, other)
    texts = {drawn.words.tobytes() for drawn in seen}
    assert len(texts) == len(seen) == 2 * SMALL.steps


def test_learning_tells_of_every_step():
    """Steps from 1; losses of untrained models are near log V; less than one step is none."""
    steps = list(learning(settings=SMALL))
    assert [now.step for now in steps] == [1, 2, 3, 4, 5]
    assert steps[0].loss == approx(math.log(V), abs=0.7)
    with pytest.raises(ValueError, match=r"^steps: expected at least 1, found 0"):
        train(settings=Settings(steps=0))


def test_rates_rise_and_fall(monkeypatch):
    """Adam's rate goes up for `warm_up` steps, then down to almost nothing."""
    rates = []
    step = torch.optim.Adam.step

    def spy(self, *given):
        rates.append(self.param_groups[0]["lr"])
        return step(self, *given)

    monkeypatch.setattr(torch.optim.Adam, "step", spy)
    train(settings=Settings(**{**vars(SMALL), "steps": 20, "warm_up": 5, "rate": 1.0}))
    assert rates[0] == approx(0.2, abs=0.01)
    assert max(rates) == approx(0.9, abs=0.1)
    assert rates.index(max(rates)) == 4
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert rates[-1] < 0.01


# Files ----------------------------------------------------------------------------------


@pytest.mark.parametrize("decoder", [0, 1])
def test_a_model_comes_back_from_its_file_as_it_was(decoder, tmp_path):
    """Words, settings and every number; and the same model makes the same bytes."""
    model, file = untrained(decoder=decoder, noise=ONLY_MASK), tmp_path / "tiny.npz"
    model.save(file)
    found = TinyBert.load(file)
    assert found.words == model.words
    assert found.settings == model.settings
    ids = torch.randint(V + 1, (3, 8))
    assert torch.equal(found(ids), model(ids))
    again = tmp_path / "again.npz"
    found.save(again)
    assert again.read_bytes() == file.read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"tiny.npz", "again.npz"}


def test_what_is_no_model_is_said(tmp_path):
    """Text, other arrays, tables of other shapes: one line that begins with the path."""
    model, file = untrained(), tmp_path / "tiny.npz"
    model.save(file)
    with np.load(file) as arrays:
        tables = dict(arrays)
    header = json.loads(tables["header"].tobytes())

    def changed(**fields):
        return np.frombuffer(json.dumps(header | fields).encode(), dtype=np.uint8)

    bad = {
        "text": b"no model",
        "empty": b"",
        "cut": file.read_bytes()[:-30],
        "other": {"a": np.zeros(3)},
        "shape": {**tables, "place": np.zeros((3, 16), np.float32)},
        "missing": {name: table for name, table in tables.items() if name != "place"},
        "format": {**tables, "header": changed(format=9)},
        "settings": {**tables, "header": changed(settings={"size": 16})},
        "heads": {**tables, "header": changed(settings=header["settings"] | {"size": "x"})},
        "json": {**tables, "header": np.zeros(3, dtype=np.uint8)},
    }
    for name, content in bad.items():
        wrong = tmp_path / name
        if isinstance(content, dict):
            made = io.BytesIO()
            np.savez(made, **content)
            content = made.getvalue()
        wrong.write_bytes(content)
        with pytest.raises(ValueError, match=rf"^{re.escape(str(wrong))}: not a saved model: .+$"):
            TinyBert.load(wrong)
    with pytest.raises(FileNotFoundError):
        TinyBert.load(tmp_path / "nosuch")


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    """If writing fails, the model that was there is there still, and nothing beside it."""
    file = tmp_path / "tiny.npz"
    untrained(0).save(file)
    before = file.read_bytes()

    def full(path, content):
        if isinstance(content, bytes):
            with open(path, "wb") as part:
                part.write(content[:100])
        raise OSError(28, "No space left on device", str(path))

    for name in ("pathlib.Path.write_bytes", "os.replace"):
        with monkeypatch.context() as patch:
            patch.setattr(name, full)
            with pytest.raises(OSError, match="No space left"):
                untrained(1).save(file)
        assert file.read_bytes() == before
        assert [path.name for path in tmp_path.iterdir()] == ["tiny.npz"]


# Filling in, and the program ------------------------------------------------------------


def test_filling_in_is_exact_beside_the_model():
    """A Blank for each [MASK]; the exact column is the posterior of the words alone."""
    model = untrained(length=24)
    words = ["cooks", "[MASK]", "the", "[MASK]", "plums", "."]
    first, second = fill(model, words)
    assert (first.place, second.place) == (1, 3)
    inputs = model.numbers(words)
    expected = word_probabilities(TEXT, inputs)[0]
    assert first.exact == approx(expected[1])
    assert second.model == approx(probabilities(model, inputs)[0, 3])
    assert fill(model, []) == []
    assert fill(model, ["cooks"]) == []


def test_exact_answers_behind_a_mask_are_posteriors_of_states():
    """P(word) is sum_j gamma[j] b[j, word], for 100/0/0 of the HMM that emits everything."""
    model = untrained(length=24, noise=ONLY_MASK)
    (blank,) = fill(model, ["sailors", MASK, "the"])
    some = HMM(TEXT.start, TEXT.transition, np.column_stack([TEXT.table * 0.5, np.full(18, 0.5)]))
    seen = np.array([[TEXT.symbols.index("sailors"), V, TEXT.symbols.index("the")]])
    gamma = posteriors(some, seen)[0][1]
    assert blank.exact == approx(gamma @ TEXT.table)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sailor", MASK], r"^word 1: expected \[MASK\] or one of 42 words, found .*'sailors'\?$"),
        (["the", "xyzzy"], r"^word 2: expected .* found 'xyzzy'$"),
        ([MASK] * 9, r"^ids: expected texts of at most 8 words, found 9"),
    ],
)
def test_words_that_are_not_known_are_named(words, message):
    """Which word it is, and what it may have been meant to be."""
    with pytest.raises(ValueError, match=message):
        fill(untrained(), words)


def test_lines_are_cut_into_words():
    """Case and spaces do not matter."""
    assert words_of_line("Cooks  bake[mask] .") == ["cooks", "bake", MASK, "."]
    assert words_of_line("\n") == []


def test_the_program_trains_and_fills(tmp_path, monkeypatch, capsys):
    """A file, a table for each [MASK], the same as JSON, from arguments and from a pipe."""
    file = tmp_path / "tiny.npz"
    assert main(["train", "--model", str(file), "--steps", "3", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["steps"] == 3
    assert report["parameters"] == 74_090
    assert report["limit"] < report["loss"]
    sentence = "Cooks bake the [MASK]."
    assert main(["fill", "--model", str(file), "--top", "3", sentence]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "cooks bake the [MASK] ."
    assert len(lines) == 2 + 3
    word, mine, exact = lines[2].split()
    assert main(["fill", "--model", str(file), "--json", *sentence.split()]) == 0
    found = json.loads(capsys.readouterr().out)
    (blank,) = found["blanks"]
    assert blank["place"] == 3
    assert blank["model"][word] == approx(float(mine), abs=6e-4)
    assert blank["exact"][word] == approx(float(exact), abs=6e-4)
    assert blank["model"][word] == max(blank["model"].values())
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{sentence}\n\nfoxes [MASK] mice .\n"))
    assert main(["fill", "--model", str(file), "--top", "1"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 6


def test_the_program_trains_other_kinds(tmp_path, capsys):
    """Other shares, and a decoder."""
    file = tmp_path / "tiny.npz"
    argv = ["train", "--model", str(file), "--steps", "2", "--shares", "100/0/0", "--decoder", "1"]
    assert main(argv) == 0
    assert "2 steps; held-out loss" in capsys.readouterr().out
    found = TinyBert.load(file).settings
    assert (found.noise, found.decoder) == (ONLY_MASK, 1)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("train --model nosuch/a.npz --steps 1", "nosuch/a.npz: No such file"),
        ("train", "the following arguments are required: --model"),
        ("train --model a --steps 0", "--steps: expected a whole number >= 1, found 0"),
        ("train --model a --seed -1", "--seed: expected a whole number >= 0, found -1"),
        ("train --model a --decoder -1", "--decoder: expected a whole number >= 0, found -1"),
        ("train --model a --shares 80/10", "argument --shares: expected three shares"),
        ("train --model a --shares 80/10/20", "argument --shares: expected shares with a sum of"),
        ("fill --model nosuch.npz [MASK]", "nosuch.npz: No such file"),
        ("fill --model text [MASK]", "text: not a saved model: expected an .npz file"),
        ("fill --model tiny.npz cooks bake", "sentence: expected [MASK] among the words"),
        ("fill --model tiny.npz dogs [MASK]", "sentence: word 1: expected [MASK] or one of 42"),
        ("fill --model tiny.npz --top 0 [MASK]", "--top: expected a whole number >= 1, found 0"),
        ("fill --model other.npz [MASK]", "other.npz: expected a model with the words of"),
        ("guess", "argument COMMAND: invalid choice: 'guess'"),
    ],
)
def test_the_program_says_what_is_wrong(argv, message, tmp_path, monkeypatch, capsys):
    """One line, exit code 2, no file."""
    monkeypatch.chdir(tmp_path)
    untrained(length=24).save("tiny.npz")
    TinyBert(["a", "b"], SMALL).save("other.npz")
    (tmp_path / "text").write_text("text", encoding="utf-8")
    before = sorted(tmp_path.iterdir())
    assert main(argv.split()) == 2
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith(f"python -m snippets.tiny_bert: {message}")
    assert err.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_the_demo_learns_before_your_eyes(monkeypatch, capsys):
    """Texts, both bounds, a loss every so many steps, and a table for each [MASK]."""
    monkeypatch.setattr(tiny_bert_program, "DEMO_STEPS", 6)
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("3.461" in line for line in lines)
    steps = [line.split() for line in lines if re.fullmatch(r" +\d+  \d\.\d{3}", line)]
    assert [int(step) for step, _ in steps] == [1, 2, 3, 4, 5, 6]
    assert sum("exact" in line for line in lines) == tiny_bert_program.DEMO.count(MASK)


def test_the_text_has_a_program(capsys):
    """As many texts as asked for, each of as many words; nonsense is refused."""
    assert topic_text.main(["--count", "3", "--length", "10", "--seed", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [len(line.split()) for line in lines] == [10] * 3
    for argv in (["--count", "-1"], ["--length", "0"], ["--seed", "-2"], ["--seed", "x"]):
        assert topic_text.main(argv) == 2
        assert argv[0] in capsys.readouterr().err
