"""snippets.perceptron against hand counts, brute force, a naive twin, and real treebanks."""

from __future__ import annotations

import doctest
import gzip
import io
import json
import math
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snippets import perceptron, perceptron_features, perceptron_program
from snippets.hmm_tagger import dogs, load_tagged
from snippets.perceptron import (
    Averaged,
    Learner,
    Perceptron,
    best_path,
    best_words,
    evaluate_tags,
    evaluate_words,
    train,
)
from snippets.perceptron_features import (
    NEW,
    SEGMENT,
    TAG,
    bmes,
    characters,
    collect,
    look_at_word,
    parts,
    words_of,
)
from snippets.perceptron_program import sample
from snippets.viterbi import viterbi

approx = pytest.approx
ROOT = Path(perceptron.__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
LEGAL = re.compile("(S|BM*E)+")
# A task small enough to be tried out by brute force; it has edges that see words, some rare.
SMALL = replace(
    TAG,
    nodes=("word", "lower-1 lower", "suffix1", "lower+2"),
    edges=("", "lower", "word-1"),
    rare=2,
)
quick = settings(max_examples=40, deadline=None)


@pytest.fixture(scope="module")
def cutter():
    """A segmenter of the text that the module ships."""
    return train(map(characters, sample()))


@pytest.fixture(scope="module")
def tagger():
    """A tagger of the fifteen sentences about dogs."""
    return train(dogs(), TAG)


def treebank(folder, part):
    if not (DATA / folder).is_dir():
        pytest.skip(f"no treebank {folder} in ../shared/data")
    return load_tagged(DATA / folder / f"{part}.tsv.gz")


@st.composite
def segmented(draw_from):
    """Some sentences of few characters, as (character, tag), and an order to show them in."""
    word = st.text("甲乙丙", min_size=1, max_size=3)
    text = draw_from(st.lists(st.lists(word, min_size=1, max_size=2), min_size=1, max_size=4))
    return [characters(words) for words in text], draw_from(orders(len(text)))


@st.composite
def tagged(draw_from):
    """Some sentences of few words, as (word, tag), and an order to show them in."""
    token = st.tuples(st.sampled_from(["x", "y", "Xy", "zz"]), st.sampled_from("abc"))
    text = draw_from(st.lists(st.lists(token, min_size=1, max_size=4), min_size=1, max_size=4))
    return text, draw_from(orders(len(text)))


def orders(size):
    return st.lists(st.integers(0, size - 1), min_size=1, max_size=12)


@st.composite
def tables(draw_from, tags, small=3):
    """Scores (T, N) of nodes and (N+1, N) of moves; small whole numbers, so that many paths tie."""
    number = st.integers(-small, small)
    row = st.lists(number, min_size=tags, max_size=tags)
    nodes = draw_from(st.lists(row, min_size=1, max_size=6))
    return nodes, draw_from(st.lists(row, min_size=tags + 1, max_size=tags + 1))


@cache
def legal_paths(length):
    """All paths through B, M, E, S that cut words, by trying every string."""
    return [
        path
        for path in product(range(4), repeat=length)
        if LEGAL.fullmatch("".join("BMES"[tag] for tag in path))
    ]


def first_of_best(paths, score):
    """The best path; of equals the one in the lower tag where they last differ."""
    return min(paths, key=lambda path: (-score(path), path[::-1]))


def score_of(nodes, moves):
    """Return what gives the score of a path; moves[-1] is the start."""
    return lambda path: (
        sum(row[tag] for row, tag in zip(nodes, path, strict=True))
        + sum(moves[i][j] for i, j in pairwise((-1, *path)))
    )


# A naive twin: strings in dictionaries, every path tried, every average added up ------------------


def seen_at(tokens, place, template, task):
    """The strings that a template finds; None for what is not there."""
    found = []
    for part in template.split():
        name, offset = re.fullmatch(r"(\w+?)([+-]\d)?", part).groups()
        at = place + int(offset or 0)
        found.append(task.look(tokens[at]).get(name) if 0 <= at < len(tokens) else None)
    return tuple(found)


def naive_phi(tokens, path, task, times):
    """The features of a path, each with how often it occurs."""
    phi = Counter()
    for place, (before, tag) in enumerate(pairwise((None, *path))):
        for template in task.nodes:
            phi[template, seen_at(tokens, place, template, task), tag] += 1
        for template in task.edges:
            feature = template, seen_at(tokens, place, template, task)
            phi[feature if times[feature] >= task.rare else "rare", before, tag] += 1
    return phi


def naive_sums(sentences, order, task):
    """T times the average weights, and the sentences that were wrong: the definition, slowly."""
    times = Counter(
        (template, seen_at([token for token, _ in pairs], place, template, task))
        for pairs in sentences
        for place in range(len(pairs))
        for template in task.edges
    )
    tags = task.tags or sorted({tag for pairs in sentences for _, tag in pairs})
    weights, total, wrong = Counter(), Counter(), []
    for b in order:
        tokens, gold = zip(*sentences[b], strict=True)
        if task.cuts:
            paths = [tuple("BMES"[tag] for tag in path) for path in legal_paths(len(tokens))]
        else:
            paths = list(product(tags, repeat=len(tokens)))
        scores = {
            path: sum(weights[f] * n for f, n in naive_phi(tokens, path, task, times).items())
            for path in paths
        }
        guess = min(paths, key=lambda p: (-scores[p], [tags.index(tag) for tag in p[::-1]]))
        wrong.append(guess != gold)
        if guess != gold:
            weights.update(naive_phi(tokens, gold, task, times))
            weights.subtract(naive_phi(tokens, guess, task, times))
        total.update(weights)
    return {feature: n for feature, n in total.items() if n}, wrong


def spelled(model):
    """The weights of a model by what their features stand for; those that are not 0."""
    string = {number: text for text, number in model.features.numbers.items()} | {0: None}

    def feature(key, templates):
        numbers = []
        for _ in range(2):
            if key >= 2**21:
                key, number = divmod(key, 2**21)
                numbers.append(string[number])
        return templates[key - 1], tuple(numbers[::-1])

    found, tags = {}, (*model.tags, None)
    for row, key in enumerate(model.features.nodes.tolist()):
        for tag, n in enumerate(model.weights.nodes[row].tolist()):
            found[*feature(key, model.task.nodes), tags[tag]] = n
    names = [feature(key, model.task.edges) for key in model.features.edges.tolist()]
    for name, table in zip([*names, "rare"], model.weights.edges.tolist(), strict=True):
        for before, row in enumerate(table):
            for tag, n in enumerate(row):
                found[name, tags[before], tags[tag]] = n
    assert not model.weights.nodes[-1].any()
    return {name: n for name, n in found.items() if n}


def check_against_naive(sentences, order, task):
    learner = Learner(sentences, task)
    wrong = [learner.example(b) for b in order]
    sums, naive_wrong = naive_sums(sentences, order, task)
    assert wrong == naive_wrong
    assert learner.weights.examples == len(order)
    assert spelled(learner.mean()) == sums


@quick
@given(segmented())
def test_lazy_is_naive_for_characters(problem):
    """After any examples in any order, every lazy sum is the naive one, to the last digit."""
    check_against_naive(*problem, SEGMENT)


@quick
@given(tagged())
def test_lazy_is_naive_for_words(problem):
    """So it is where moves look at words, and rare ones share a row."""
    check_against_naive(*problem, SMALL)


# Averages -----------------------------------------------------------------------------------------


def test_the_average_by_hand():
    """+1 at example 0 and -1 at example 2 of 4: the weight was 1, 1, 0, 0, on average .5."""
    weights = Averaged(2)
    for truth, guess in (([0], []), ([], []), ([], [0]), ([], [])):
        weights.learn(truth, guess)
    assert weights.now.tolist() == [0, 0]
    assert weights.late.tolist() == [0 * 1 + 2 * -1, 0]
    assert (weights.sums() / weights.examples).tolist() == [0.5, 0]


def test_the_zeros_of_the_beginning_are_not_averaged():
    """After one example the average is what that example made of the weights."""
    weights = Averaged(1)
    weights.learn([0, 0, 0], [])
    assert weights.sums().tolist() == weights.now.tolist() == [3]


@given(st.lists(st.tuples(*[st.lists(st.integers(0, 4), max_size=6)] * 2), min_size=1, max_size=20))
def test_lazy_averages_are_naive_averages(examples):
    """sum of (T - k) d_k is the sum of the weights after each example; places may repeat."""
    weights, total = Averaged(5), np.zeros(5, dtype=np.int64)
    for truth, guess in examples:
        weights.learn(truth, guess)
        total += weights.now
    assert weights.sums().tolist() == total.tolist()
    counts = Counter(place for truth, _ in examples for place in truth)
    counts.subtract(place for _, guess in examples for place in guess)
    assert weights.now.tolist() == [counts[place] for place in range(5)]


def test_a_right_guess_counts():
    """It changes no weight, and lengthens the life of all: the average moves towards them."""
    learner = Learner([characters(["小狗", "跑"])])
    while learner.example(0):
        pass
    before = learner.weights.now.copy()
    examples = learner.weights.examples
    for _ in range(1000):
        assert not learner.example(0)
    assert (learner.weights.now == before).all()
    assert learner.weights.examples == examples + 1000
    assert learner.weights.sums() / learner.weights.examples == approx(before, abs=0.01)


def test_no_more_mistakes_than_the_bound_allows():
    """Where some u separates by a margin g, at most (R/g)^2 sentences are ever wrong."""
    text = [characters(words) for words in (["甲乙", "丙"], ["丙", "甲乙"], ["乙", "甲", "丙丙"])]
    learner = Learner(text)
    mistakes = 0
    while wrong := learner.epoch():
        mistakes += wrong
    differences = np.array(
        [
            phi(learner, b, learner.gold[b]) - phi(learner, b, path)
            for b, pairs in enumerate(text)
            for path in legal_paths(len(pairs))
            if list(path) != learner.gold[b]
        ]
    )
    u = np.zeros(differences.shape[1])
    while (differences @ u).min() < 10:  # any u will do; this one keeps a distance
        u += differences[(differences @ u).argmin()]
    margin = (differences @ u).min() / np.linalg.norm(u)
    longest = np.linalg.norm(differences, axis=1).max()
    assert 0 < mistakes <= (longest / margin) ** 2


def phi(learner, b, path):
    """The features of a path, as an array that counts them."""
    places = learner._phi(*learner.places.of(b), path)
    return np.bincount(places, minlength=len(learner.weights.now)).astype(float)


# Words and their tags -----------------------------------------------------------------------------


@pytest.mark.parametrize("length", range(1, 8))
def test_legal_strings(length):
    """Of n characters there are 2^(n-1) legal strings, each the tags of other words."""
    text, found = "甲乙丙丁戊己庚"[:length], set()
    for tags in map("".join, product("BMES", repeat=length)):
        if LEGAL.fullmatch(tags):
            words = words_of(text, tags)
            assert "".join(words) == text
            assert bmes(words) == tags
            found.add(tuple(words))
        else:
            with pytest.raises(ValueError, match=r"tags: expected words of B M \.\. E or S over"):
                words_of(text, tags)
    assert len(found) == len(legal_paths(length)) == 2 ** (length - 1)


def test_tags_that_do_not_fit():
    """Too few tags, too many, others, and words of nothing are no words."""
    for tags in ("", "B", "BES", "BX"):
        with pytest.raises(ValueError, match="tags: expected"):
            words_of("甲乙", tags)
    with pytest.raises(ValueError, match="words: expected characters in each, found ''"):
        bmes(["甲", ""])
    assert words_of("", "") == []


@settings(max_examples=100, deadline=None)
@given(tables(4))
def test_best_words_is_brute_force(problem):
    """The best legal path is found, the promised one of equals; as snippets.viterbi finds it."""
    nodes, moves = problem
    found = best_words(nodes, moves)
    assert tuple(found) == first_of_best(legal_paths(len(nodes)), score_of(nodes, moves))

    illegal = np.array([[1, 0, 0, 1], [1, 0, 0, 1], [0, 1, 1, 0], [0, 1, 1, 0], [0, 1, 1, 0]]) > 0
    table = np.where(illegal, -np.inf, moves)
    emit = np.array(nodes, dtype=float)
    emit[-1, :2] = -np.inf  # the end of a text ends a word
    assert viterbi(table[-1], table[:-1], emit).states.tolist() == found


@settings(max_examples=100, deadline=None)
@given(tables(3))
def test_best_path_is_brute_force(problem):
    """Among all paths the best is found, the promised one of equals."""
    nodes, moves = problem
    found = best_path(np.array(nodes), np.array([moves] * len(nodes)))
    paths = product(range(3), repeat=len(nodes))
    assert tuple(found) == first_of_best(paths, score_of(nodes, moves))


@quick
@given(tables(3), st.integers(0, 2**32 - 1))
def test_moves_may_differ_from_step_to_step(problem, seed):
    """Each step has its own table of moves."""
    nodes, _ = problem
    moves = np.random.default_rng(seed).integers(-3, 4, (len(nodes), 4, 3))

    def score(path):
        edges = sum(moves[t, i, j] for t, (i, j) in enumerate(pairwise((-1, *path))))
        return edges + sum(row[tag] for row, tag in zip(nodes, path, strict=True))

    paths = product(range(3), repeat=len(nodes))
    assert tuple(best_path(np.array(nodes), moves)) == first_of_best(paths, score)


# Features -----------------------------------------------------------------------------------------


def test_the_window_by_hand():
    """Seven templates at the second of 我爱你们: 爱, 我, 你, 我爱, 爱你, #我, 你们."""
    assert [seen_at("我爱你们", 1, template, SEGMENT) for template in SEGMENT.nodes] == [
        *(("爱",), ("我",), ("你",)),
        *(("我", "爱"), ("爱", "你"), (None, "我"), ("你", "们")),
    ]
    features, places = collect(["我爱你们"], SEGMENT)
    assert features.numbers == {"我": 2, "爱": 3, "你": 4, "们": 5}
    one, two = 2**21, 2**42
    expected = [one + 3, 2 * one + 2, 3 * one + 4]
    expected += [4 * two + 2 * one + 3, 5 * two + 3 * one + 4, 6 * two + 2, 7 * two + 4 * one + 5]
    assert features.nodes[places.nodes[1]].tolist() == expected
    assert places.edges.tolist() == [[0]] * 4  # the move that is seen everywhere


def test_what_is_seen_of_words():
    """A word, its lower case, its shape, up to four letters of either end, never all of it."""
    assert look_at_word("Dogs") == {
        "word": "Dogs",
        "lower": "dogs",
        "shape": "Xx",
        "prefix1": "d",
        "suffix1": "s",
        "prefix2": "do",
        "suffix2": "gs",
        "prefix3": "dog",
        "suffix3": "ogs",
    }
    assert look_at_word("的") == {"word": "的", "lower": "的", "shape": "c"}
    assert look_at_word("A-1b-2c")["shape"] == "X-dx-d"  # six kinds are kept


def test_templates():
    """None, one or two parts with offsets; anything else is refused."""
    assert parts("") == ()
    assert parts("suffix1-1 prefix1") == (("suffix1", -1), ("prefix1", 0))
    for wrong in ("C C C", "C-", "-1", "C--1", "C1.5"):
        with pytest.raises(ValueError, match="template: expected at most two of name, name-1"):
            parts(wrong)
    with pytest.raises(ValueError, match="edges: expected"):
        replace(SEGMENT, edges=("", "C"))


def test_sentences_do_not_see_each_other():
    """The features of a sentence are the same alone and among others, empty ones too."""
    features, together = collect([*("甲乙", "丙", "乙丙甲甲"), ""], SEGMENT)
    for b, text in enumerate(("甲乙", "丙", "乙丙甲甲", "")):
        alone = features.places([text])
        assert together.of(b)[0].tolist() == alone.nodes.tolist()
        assert together.of(b)[1].tolist() == alone.edges.tolist()


def test_what_was_never_seen():
    """New features are the row after the last; a new string is no known one."""
    features, _ = collect(["甲乙"], SEGMENT)
    assert features.places(["丁"]).nodes[0, 0] == len(features.nodes)
    assert NEW not in features.numbers.values()
    words, places = collect([["a", "a", "b"]], SMALL)
    assert len(words.edges) == 3  # "", "lower" of a, "word-1" of a
    last = len(words.edges)
    assert (places.edges[2] == [0, last, words.places([["a", "a"]]).edges[1, 2]]).all()
    assert words.places([["new"]]).edges.tolist() == [[0, last, last]]


def test_the_docstrings_say_what_happens():
    """Every example in a docstring runs."""
    for module in (perceptron, perceptron_features, perceptron_program):
        assert doctest.testmod(module).failed == 0


# Taggers ------------------------------------------------------------------------------------------


def test_the_training_text_is_learned(cutter, tagger):
    """Both small texts are separable, and come back as they were."""
    assert [cutter.segment("".join(words)) for words in sample()] == sample()
    assert evaluate_tags(tagger, dogs()).accuracy == 1
    assert tagger.tag(["The", "bark", "is", "light", "."])[1:4] == ["NOUN", "AUX", "ADJ"]


def test_no_tokens_no_tags(cutter, tagger):
    """Empty sentences have empty tags, alone or among others."""
    assert cutter.tag("") == cutter.segment("") == []
    assert tagger.tag_all([[], ["dogs"], []]) == [[], tagger.tag(["dogs"]), []]
    assert cutter.tag_all([]) == []


@quick
@given(st.lists(st.text("研究生命的起源狗猫x，", max_size=8), max_size=6))
def test_any_text_is_cut_into_its_words(texts):
    """Words put together are the text, whatever it is; many at once are cut as one by one."""
    cutter = train(map(characters, sample()[:12]), epochs=2)
    found = cutter.segment_all(texts)
    assert ["".join(words) for words in found] == texts
    assert found == [cutter.segment(text) for text in texts]


def test_pruning_changes_nothing(cutter):
    """Features whose sums are 0 may go; those of edges keep their rows."""
    for text, task in ((list(map(characters, sample())), SEGMENT), (dogs(), TAG)):
        learner = Learner(text, task)
        for _ in range(3):
            learner.epoch()
        whole, pruned = learner.mean(), learner.mean().pruned()
        assert len(pruned.features.nodes) < len(whole.features.nodes)
        assert spelled(pruned) == spelled(whole)
        tokens = [[token for token, _ in pairs][::-1] for pairs in text]
        assert pruned.tag_all(tokens) == whole.tag_all(tokens)


def test_rounded_weights(cutter):
    """A thousandth of a weight decides nothing here; rounded by its own scale, nothing changes."""
    same = cutter.rounded(cutter.scale)
    assert spelled(same) == spelled(cutter)
    rounded = cutter.rounded()
    assert rounded.scale == 1000
    mean, thousandths = (model.weights.edges / model.scale for model in (cutter, rounded))
    assert abs(mean - thousandths).max() <= 0.5001 / 1000
    assert rounded.segment("研究生命的起源") == ["研究", "生命", "的", "起源"]


def test_only_characters_are_segmented(tagger):
    """A model of words says that it cannot cut."""
    with pytest.raises(ValueError, match="model: expected one that segments, found task 'tag'"):
        tagger.segment("的")


@pytest.mark.parametrize(
    ("sentences", "task", "message"),
    [
        ([], SEGMENT, "sentences: expected at least one, found none"),
        ([[("a", "X")], []], TAG, r"sentences\[1\]: expected at least one \(token, tag\)"),
        ([[("甲", "B")]], SEGMENT, r"sentences\[0\]: tags: expected words"),
        ([[("甲", "NOUN")]], SEGMENT, r"sentences\[0\]: tags: expected words"),
    ],
)
def test_text_that_teaches_nothing(sentences, task, message):
    """What is wrong with a training text is said with the number of the sentence."""
    with pytest.raises(ValueError, match=message):
        train(sentences, task)


def test_at_least_one_epoch():
    """Whoever has learned nothing is no tagger; it answers with the first tag."""
    assert Learner(dogs(), TAG).mean().tag(["dogs"]) == ["ADJ"]
    with pytest.raises(ValueError, match="epochs: expected a whole number >= 1, found 0"):
        train(dogs(), TAG, epochs=0)


def test_the_same_seed_learns_the_same():
    """A seed gives the same weights; another one another order, and others."""
    one, same, other = (train(dogs(), TAG, epochs=3, seed=seed) for seed in (1, 1, 2))
    assert spelled(one) == spelled(same)
    assert spelled(one) != spelled(other)


# Files --------------------------------------------------------------------------------------------


def test_save_and_load(tmp_path, cutter, tagger):
    """What is loaded tags as what was saved, and is saved as the same bytes."""
    for name, model, text in (
        ("zh.npz", cutter, ["研究生命的起源", "甲乙丙"]),
        ("no suffix", tagger, [["The", "dog", "dreams"], ["new"]]),
    ):
        model.save(tmp_path / name)
        loaded = Perceptron.load(tmp_path / name)
        assert loaded.tag_all(text) == model.tag_all(text)
        assert spelled(loaded) == spelled(model)
        assert (loaded.tags, loaded.scale, loaded.known) == (model.tags, model.scale, model.known)
        loaded.save(tmp_path / "again")
        assert (tmp_path / "again").read_bytes() == (tmp_path / name).read_bytes()


def test_other_templates_are_saved(tmp_path):
    """A task of one's own is loaded with its own templates."""
    model = train(dogs(), SMALL, epochs=3)
    model.save(tmp_path / "small")
    loaded = Perceptron.load(tmp_path / "small")
    assert (loaded.task.nodes, loaded.task.edges) == (SMALL.nodes, SMALL.edges)
    text = [[word for word, _ in sentence] for sentence in dogs()]
    assert loaded.tag_all(text) == model.tag_all(text)


def test_odd_characters_are_kept(tmp_path):
    """Line ends, nul and lone surrogates are characters like others."""
    odd = [["\n", "\0", "\ud800"], ["\r\n"], ["甲\0"]]
    model = train(map(characters, odd))
    model.save(tmp_path / "odd.npz")
    loaded = Perceptron.load(tmp_path / "odd.npz")
    assert [loaded.segment("".join(words)) for words in odd] == odd
    assert loaded.known == model.known


def test_files_that_are_no_models(tmp_path, cutter):
    """Whatever else a file holds, its path comes first."""
    file = tmp_path / "model.npz"
    cutter.save(file)
    whole = file.read_bytes()
    with np.load(file) as arrays:
        held = dict(arrays)
    header = json.loads(held["header"].tobytes())

    def with_header(**changes):
        text = json.dumps({**header, **changes}).encode()
        return {**held, "header": np.frombuffer(text, dtype=np.uint8)}

    for wrong in (b"", b"text", whole[:100], whole[: len(whole) // 2], b"PK\x03\x04 nothing"):
        file.write_bytes(wrong)
        with pytest.raises(ValueError, match=f"^{re.escape(str(file))}: not a saved perceptron"):
            Perceptron.load(file)
    for arrays in (
        {"header": np.zeros(3, dtype=np.uint8)},
        {name: array for name, array in held.items() if name != "edges"},
        {**held, "nodes": held["nodes"][:-1]},
        {**held, "edges": held["edges"].astype(object)},
        {**held, "nodes": held["nodes"] / 2},
        {**held, "node_keys": held["node_keys"][::-1]},
        {**held, "edge_keys": held["edge_keys"] / 2},
        with_header(format=2),
        with_header(task="parse"),
        with_header(tags=["B", "M", "E"]),
        with_header(tags=["S", "E", "M", "B"]),
        with_header(scale=0),
        with_header(strings=3),
        with_header(templates=[["C"], ["C"]]),
        with_header(templates=[["C C C"], [""]]),
    ):
        np.savez(file, **arrays)
        with pytest.raises(ValueError, match=f"^{re.escape(str(file))}: not a saved perceptron"):
            Perceptron.load(file)
    with pytest.raises(FileNotFoundError):
        Perceptron.load(tmp_path / "absent.npz")


def test_no_dependence_on_the_order_of_hashes():
    """Under two other hash seeds both tasks learn the same bytes."""
    program = (
        "import hashlib, tempfile, pathlib\n"
        "from snippets.perceptron import train\n"
        "from snippets.perceptron_features import TAG, characters\n"
        "from snippets.perceptron_program import sample\n"
        "from snippets.hmm_tagger import dogs\n"
        "file = pathlib.Path(tempfile.mkdtemp()) / 'm'\n"
        "for model in (train(map(characters, sample())), train(dogs(), TAG)):\n"
        "    model.save(file); print(hashlib.sha256(file.read_bytes()).hexdigest())\n"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


# Evaluation ---------------------------------------------------------------------------------------


class Fixed:
    """A model that answers what it is told."""

    def __init__(self, answers, known=()):
        self.answers, self.known = answers, frozenset(known)

    def segment_all(self, texts):
        return self.answers

    tag_all = segment_all


def test_words_by_hand():
    """研究 生命 的 起源, found as 研究生 命 的 起源: 2 of 4 found are right, 2 of 4 there are."""
    model = Fixed([["研究生", "命", "的", "起源"]], known=["的", "生命"])
    found = evaluate_words(model, [["研究", "生命", "的", "起源"]])
    assert found == (4, 4, 2, 2, 1)  # gold, found, right, new, new right
    assert (found.precision, found.recall, found.f1, found.new_recall) == (0.5, 0.5, 0.5, 0.5)
    found = evaluate_words(Fixed([["甲乙", "丙"]], known="甲乙丙"), [["甲", "乙", "丙"]])
    assert (found.precision, found.recall, found.f1) == (0.5, approx(1 / 3), approx(0.4))
    assert math.isnan(found.new_recall)


@quick
@given(
    st.lists(
        st.integers(1, 6).flatmap(
            lambda n: st.tuples(*[st.sets(st.integers(1, n))] * 2).map(lambda cuts: (n, *cuts))
        ),
        min_size=1,
        max_size=5,
    )
)
def test_words_against_another_count(problem):
    """Right words are those whose tags are all right: the same count from B M E S alone."""
    golds, founds, right = [], [], 0
    for n, *both in problem:
        text = "甲乙丙丁戊己"[:n]
        gold, found = (
            [text[i:j] for i, j in pairwise([0, *sorted(cuts - {n}), n])] for cuts in both
        )
        golds.append(gold)
        founds.append(found)
        ours, theirs = bmes(gold), bmes(found)
        for match in re.finditer("S|BM*E", ours):
            right += theirs[match.start() : match.end()] == match.group()
    scores = evaluate_words(Fixed(founds), golds)
    assert scores.right == right
    assert (scores.gold, scores.found) == (sum(map(len, golds)), sum(map(len, founds)))
    if right:
        assert scores.f1 == approx(2 / (1 / scores.precision + 1 / scores.recall))


def test_tags_by_hand():
    """Three of four right; of two new words one; the mistake is told."""
    text = [[("a", "X"), ("b", "Y")], [("a", "X"), ("c", "Z")]]
    found = evaluate_tags(Fixed([["X", "X"], ["X", "Z"]], known="a"), text)
    assert (found.tokens, found.right, found.new, found.new_right) == (4, 3, 2, 1)
    assert (found.accuracy, found.new_accuracy) == (0.75, 0.5)
    assert found.confusions == {("Y", "X"): 1}
    assert math.isnan(evaluate_tags(Fixed([["X"]], known="a"), [[("a", "X")]]).new_accuracy)


# Real text ----------------------------------------------------------------------------------------


def test_real_words():
    """1,500 sentences teach to cut Chinese; the average is better than the last weights (dev)."""
    learn, dev = (
        [[form for form, _ in pairs] for pairs in treebank("ud_chinese_gsd_v13_simp", part)]
        for part in ("train", "dev")
    )
    learner = Learner(map(characters, learn[:1500]))
    for _ in range(3):
        learner.epoch()
    last, mean = (evaluate_words(model, dev) for model in (learner.last(), learner.mean()))
    assert mean.f1 > 0.87
    assert mean.new_recall > 0.68
    assert mean.f1 > last.f1


@pytest.mark.parametrize(
    ("folder", "floor", "new"),
    [("ud_english_ewt", 0.86, 0.65), ("ud_chinese_gsd_v13_simp", 0.82, 0.55)],
)
def test_real_tags(folder, floor, new):
    """1,000 sentences teach both languages, and something of new words (on dev)."""
    learner = Learner(treebank(folder, "train")[:1000], TAG)
    dev = treebank(folder, "dev")
    for _ in range(3):
        learner.epoch()
    found = evaluate_tags(learner.mean(), dev)
    assert found.accuracy > floor
    assert found.new_accuracy > new
    assert found.accuracy > evaluate_tags(learner.last(), dev).accuracy


# The program --------------------------------------------------------------------------------------

TAGGED = "".join(
    "".join(f"{word}\t{tag}\n" for word, tag in sentence) + "\n" for sentence in dogs()
)
CUT = "".join("".join(f"{word}\t_\n" for word in words) + "\n" for words in sample())


@pytest.fixture
def run(capsys, monkeypatch):
    """Return a function that runs the program with text on standard input."""

    def call(*argv, stdin=""):
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        code = perceptron.main([str(arg) for arg in argv])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_the_demo(run):
    """Without arguments thirty sentences teach it to cut 研究生命的起源."""
    code, out, err = run()
    assert (code, err) == (0, "")
    assert "研究 生命 的 起源" in out
    assert "BEBESBE" in out
    assert all("".join(words) not in perceptron_program.DEMO for words in sample())


def test_train_tag_eval_words(run, tmp_path):
    """A text is learned from a .gz file; tag and eval find its words again."""
    file, model = tmp_path / "train.tsv.gz", tmp_path / "zh.npz"
    file.write_bytes(gzip.compress(CUT.encode()))
    code, out, err = run("train", "--task", "segment", file, "--model", model)
    assert (code, err) == (0, "")
    assert "30 sentences" in out
    assert "4 tags" in out
    code, out, _ = run("tag", "--model", model, stdin="研究生命的起源\n\n小狗在 河边睡觉\n")
    assert (code, out) == (0, "研究 生命 的 起源\n小狗 在 河边 睡觉\n")
    code, out, _ = run("tag", "--json", "--model", model, stdin="小狗在河边\n")
    assert json.loads(out) == ["小狗", "在", "河边"]
    code, out, _ = run("eval", "--model", model, "-", stdin=CUT)
    assert out.splitlines()[2].split() == ["f1", "1.0000", "of", str(sum(map(len, sample())))]
    assert out.splitlines()[3].split() == ["new", "words", "none"]
    code, out, _ = run("eval", "--model", model, "--json", "-", stdin=CUT)
    found = json.loads(out)
    assert (found["precision"], found["recall"], found["new words"]) == (1, 1, None)


def test_train_tag_eval_tags(run, tmp_path):
    """Words and tags from standard input; what tag writes, eval reads."""
    model = tmp_path / "en.npz"
    code, out, _ = run(
        *("train", "--task", "tag", "-", "--model", model, "--json", "--epochs", 5), stdin=TAGGED
    )
    sizes = json.loads(out)
    assert (code, sizes["sentences"], sizes["tokens"]) == (0, 15, sum(map(len, dogs())))
    assert len(sizes["wrong"]) == 5
    code, out, _ = run("tag", "--model", model, stdin="The bark is light .\n")
    assert out == "The\tDET\nbark\tNOUN\nis\tAUX\nlight\tADJ\n.\tPUNCT\n\n"
    text = out.replace("light\tADJ", "light\tNOUN")
    code, out, _ = run("eval", "--model", model, "-", stdin=text)
    assert out.splitlines()[0].split() == ["accuracy", "0.8000", "of", "5"]
    assert out.splitlines()[2].split() == ["1", "times", "NOUN", "taken", "for", "ADJ"]
    code, out, _ = run("eval", "--model", model, "--json", "-", stdin=text)
    assert json.loads(out)["confusions"] == [["NOUN", "ADJ", 1]]


def test_the_tiny_models(run):
    """Without a model, the texts that lie here are learned first."""
    assert run("tag", stdin="小狗在河边\n")[1] == "小狗 在 河边\n"
    assert run("tag", "--task", "tag", stdin="dogs bark\n")[1] == "dogs\tNOUN\nbark\tVERB\n\n"
    assert run("eval", "--task", "tag", "-", stdin=TAGGED)[1].startswith("accuracy    1.0000")


@pytest.mark.parametrize(
    ("argv", "stdin", "message"),
    [
        (["train", "--task", "tag", "-", "--model", "m"], "a\tX\nb\n", "stdin:2: expected FORM"),
        (["train", "--task", "tag", "-", "--model", "m"], "\n", "-: expected FORM<TAB>TAG lines"),
        (["train", "--task", "tag", "-", "--model", "m", "--epochs", "0"], "a\tX\n", "--epochs"),
        (["train", "--task", "tag", "-", "--model", "m", "--seed", "-1"], "a\tX\n", "--seed"),
        (["train", "--task", "parse", "-", "--model", "m"], "", "invalid choice: 'parse'"),
        (["train", "-", "--model", "m"], "", "required: --task"),
        (["eval", "-"], "", "-: expected FORM<TAB>TAG lines, found none"),
        (["eval", "absent.tsv"], "", "absent.tsv: No such file"),
        (["tag", "absent.txt"], "", "absent.txt: No such file"),
        (["tag", "--model", "absent.npz"], "", "absent.npz: No such file"),
        (["tag", "--model", "README.md"], "", "README.md: not a saved perceptron"),
        (["tagg"], "", "invalid choice: 'tagg'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(run, monkeypatch, argv, stdin, message):
    """Exit code 2, and one line that names the argument or the line."""
    monkeypatch.chdir(ROOT)
    code, out, err = run(*argv, stdin=stdin)
    assert (code, out) == (2, "")
    assert err.startswith("python -m snippets.perceptron: ")
    assert message in err
    assert err.count("\n") == 1


def test_a_model_of_the_other_task(run, tmp_path, cutter):
    """A model is not used for what it has not learned."""
    cutter.save(tmp_path / "m")
    code, _, err = run("tag", "--task", "tag", "--model", tmp_path / "m", stdin="a")
    assert code == 2
    assert "expected a model for 'tag', found one for 'segment'" in err


def test_text_that_is_none(run, tmp_path):
    """Bytes that are no UTF-8, and a .gz that is none, are said with the path."""
    for name, held in (("a.txt", b"\xff\xfe\xfa"), ("a.gz", b"text"), ("b.gz", b"\x1f\x8b\x08")):
        (tmp_path / name).write_bytes(held)
        for command in ("tag", "eval"):
            code, _, err = run(command, tmp_path / name)
            assert code == 2
            assert str(tmp_path / name) in err
            assert err.count("\n") == 1


def test_progress_is_for_a_terminal(run, tmp_path, monkeypatch):
    """A line that is written over tells which epoch it is, where somebody looks."""
    train_it = ("train", "--task", "tag", "-", "--model", tmp_path / "m", "--epochs", "2")
    assert run(*train_it, stdin=TAGGED)[2] == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    err = run(*train_it, stdin=TAGGED)[2]
    assert "\r\x1b[Kepoch 2 of 2: " in err
    assert err.endswith("\r\x1b[K")


def test_in_a_pipe(tmp_path):
    """train | tag | eval work from the shell, and a reader that stops early stops it quietly."""
    (tmp_path / "zh.tsv").write_text(CUT, encoding="utf-8")
    program, model = f"{sys.executable} -m snippets.perceptron", tmp_path / "zh.npz"
    line = (
        f"{program} train --task segment {tmp_path}/zh.tsv --model {model} > {tmp_path}/said && "
        f"yes 研究生命的起源 | head -n 20000 | {program} tag --model {model} | head -n 1"
    )
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    assert (done.stdout, done.stderr) == ("研究 生命 的 起源\n", "")
