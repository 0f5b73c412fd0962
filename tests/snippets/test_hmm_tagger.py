"""snippets.hmm_tagger against hand counts, brute force, plain Python, and real treebanks."""

from __future__ import annotations

import gzip
import io
import json
import math
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snippets import hmm_tagger
from snippets.hmm_tagger import (
    Tagger,
    best_tags,
    blend,
    deleted_interpolation,
    dogs,
    evaluate,
    interpolate,
    load_tagged,
    read_tagged,
    train,
    word_class,
)
from snippets.viterbi import viterbi

approx = pytest.approx
ROOT = Path(hmm_tagger.__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
quick = settings(max_examples=40, deadline=None)  # each builds a tagger, or three
MODELS = [(1, False), (2, False), (2, True), (3, False), (3, True)]  # order, neighbours

# Tags a, b; # is number 2. By hand: x is a, a, b; y is b; z is a.
TOY = [[("x", "a"), ("y", "b")], [("x", "a"), ("z", "a"), ("x", "b")]]


@st.composite
def corpora(draw_from, tags="abc", words=("x", "y", "z", "Xy", "z7")):
    """Some tagged sentences of few words and tags."""
    token = st.tuples(st.sampled_from(words), st.sampled_from(tags))
    return draw_from(st.lists(st.lists(token, min_size=1, max_size=5), min_size=1, max_size=6))


SENTENCES = st.lists(
    st.sampled_from(["x", "y", "z", "Xy", "z7", "new", "X"]), min_size=1, max_size=5
)


def fraction_weights(sentences, order):
    """Deleted interpolation as TnT's pseudo-code has it, in plain Python."""
    paths = [["#", "#", *(tag for _, tag in sentence), "#"] for sentence in sentences]
    grams = [path[k - order : k] for path in paths for k in range(3, len(path) + 1)]
    seen = [Counter(tuple(gram[-n:]) for gram in grams) for n in range(1, order + 1)]
    history = [Counter(tuple(gram[-n:-1]) for gram in grams) for n in range(1, order + 1)]
    votes = [1] * order
    for gram in {tuple(gram) for gram in grams}:
        best, winner = Fraction(-1), 0
        for n in range(order):
            of = history[n][gram[-n - 1 : -1]] - 1
            ratio = Fraction(seen[n][gram[-n - 1 :]] - 1, of) if of else Fraction(0)
            if ratio > best:
                best, winner = ratio, n
        votes[winner] += seen[-1][gram]
    return [Fraction(vote, sum(votes)) for vote in votes]


# Counts -----------------------------------------------------------------------------------------


def test_the_windows_are_what_stands_in_the_text():
    """All that is kept of the text: how often a word stood between which tags."""
    tagger = train(TOY)
    assert tagger.tags == ("a", "b")
    assert tagger.windows == {
        "x": {(2, 0, 1): 1, (2, 0, 0): 1, (0, 1, 2): 1},
        "y": {(0, 1, 2): 1},
        "z": {(0, 0, 1): 1},
    }


def test_counts_by_hand():
    """Triples, words and shares of tags add up from the windows."""
    tagger = train(TOY)
    triples = np.zeros((3, 3, 3))
    for gram in ["##a", "#ab", "ab#", "##a", "#aa", "aab", "ab#"]:
        triples[tuple("ab#".index(tag) for tag in gram)] += 1
    assert (tagger.triples == triples).all()
    assert {word: c.tolist() for word, c in tagger.counts.items()} == {
        "x": [2, 1],
        "y": [0, 1],
        "z": [1, 0],
    }
    assert tagger.prior.tolist() == [3 / 5, 2 / 5]


def test_blend_by_hand():
    """Three and one seen, a base of halves that counts as four: 5/8 and 3/8."""
    assert blend([3, 1], np.array([0.5, 0.5]), 4).tolist() == [5 / 8, 3 / 8]
    assert blend([0, 0], np.array([0.9, 0.1]), 1).tolist() == [0.9, 0.1]


def test_deleted_interpolation_by_hand():
    """One trigram that was seen twice votes for itself, one seen once for a lower order."""
    # a b -> c twice, b b -> a once: left out once, (2-1)/(2-1) = 1 beats (2-1)/(3-1) = 1/2 of
    # the bigram b -> c and (2-1)/(3-1) of the unigram; b b a has 0/0, 0/2 and 0/2: the lowest.
    c = np.zeros((3, 3, 3))
    c[0, 1, 2], c[1, 1, 0] = 2, 1
    assert deleted_interpolation(c) == approx([2 / 6, 1 / 6, 3 / 6])
    p = interpolate(c)
    assert p[0, 1, 2] == approx(1 / 3 * 2 / 3 + 1 / 6 * 2 / 3 + 1 / 2 * 1)
    assert p[2, 2] == approx([1 / 3, 0, 2 / 3])  # nothing was seen after c: unigrams alone
    assert p[2, 1] == approx([1 / 3, 0, 2 / 3])  # c b was not seen, b was: bigrams for trigrams


@quick
@given(corpora(), st.sampled_from([1, 2, 3]))
def test_deleted_interpolation_is_tnts(sentences, order):
    """Weights are those of the pseudo-code in TnT, one vote more for each order."""
    c = train(sentences).triples.sum(axis=tuple(range(3 - order)))
    expected = [float(weight) for weight in fraction_weights(sentences, order)]
    assert deleted_interpolation(c) == approx(expected)


@quick
@given(corpora(), st.sampled_from(MODELS))
def test_all_distributions_sum_to_one(sentences, model):
    """Transitions from every history, tags of known and unknown words: all positive, sum 1."""
    order, neighbours = model
    tagger = train(sentences, order=order, neighbours=neighbours)
    for table in (tagger.transition, tagger.following, tagger.preceding):
        assert (table > 0).all()
        assert table.sum(axis=-1) == approx(np.ones(table.shape[:-1]))
    for word in ("x", "X", "y", "new", "N7", "xyz", "?", ""):
        for share in (tagger.distribution(word), tagger.guess(word)):
            assert (share > 0).all()
            assert share.sum() == approx(1)


@quick
@given(corpora())
def test_before_is_after_backwards(sentences):
    """P(before | tag) is P(next | tag) of the same text read from its end."""
    backwards = train([sentence[::-1] for sentence in sentences])
    assert train(sentences).preceding == approx(backwards.following)


@quick
@given(corpora())
def test_known_words_share_one(sentences):
    """Hardly smoothed, P(word | tag) = P(tag | word) P(word) / P(tag) sums to 1 for each tag."""
    tagger = train(sentences, kappa=1e-9)
    n = sum(map(len, sentences))
    total = sum(
        tagger.distribution(word) * c.sum() / n / tagger.prior for word, c in tagger.counts.items()
    )
    assert total == approx(np.ones(len(tagger.tags)), abs=1e-6)


@quick
@given(corpora(), SENTENCES)
def test_a_bigram_with_neighbours_is_still_a_distribution(sentences, words):
    """P(next tag | tag, word) sums to 1: the factor turns one distribution into another."""
    tagger = train(sentences, order=2)
    trans, pairs = tagger.scores(words)
    plain = train(sentences, order=2, neighbours=False)
    for word in words:
        out_of = tagger._tables(word)[1]
        assert np.exp(trans[0] + out_of).sum(axis=1) == approx(np.ones(len(trans)))
    assert plain.scores(words)[0] == approx(trans)
    assert pairs.shape == (len(words) + 1, *trans.shape[1:])


# Unknown words ----------------------------------------------------------------------------------


def test_the_class_of_a_word():
    """A capital at its head, a digit anywhere."""
    assert [word_class(w) for w in ("dog", "Dog", "2nd", "B2", "的", "", ".")] == [
        "",
        "C",
        "d",
        "Cd",
        "",
        "",
        "",
    ]


def test_a_guess_by_hand():
    """Suffix and prefix of one character, blended by kappa = 1, each word counted once."""
    text = [[("ab", "v"), ("ab", "v"), ("cb", "n"), ("ad", "n")]]
    tagger = train(text, affix=1, kappa=1.0)
    assert tagger.tags == ("n", "v")
    anything = np.array([2, 1]) / 3  # cb and ad are n, ab is v, however often
    of_class = (np.array([2, 1]) + anything) / 4
    ends_in_b = (np.array([1, 1]) + of_class) / 3
    begins_with_a = (np.array([1, 1]) + of_class) / 3
    product = ends_in_b * begins_with_a / of_class
    assert tagger.guess("axb") == approx(product / product.sum())
    assert tagger.guess("xyz") == approx(of_class)
    assert tagger.guess("Q") == approx(anything)  # no word had a capital
    known = (product / product.sum() + np.array([0, 2])) / 3  # in lower case
    known = (known + np.array([0, 2])) / 3  # as it is
    assert tagger.distribution("ab") == approx(known)
    assert train(text, affix=0).guess("axb") == approx((np.array([2, 1]) + 2 * anything) / 5)


def test_endings_and_capitals_tell():
    """Unknown words get the tag of words that look the same; flat, they say nothing."""
    tagger = train(dogs())
    best = {word: tagger.tags[tagger.distribution(word).argmax()] for word in ("warmly", "hears")}
    assert best == {"warmly": "ADV", "hears": "VERB"}
    flat = train(dogs(), unknown="flat")
    assert flat.distribution("warmly") == approx(flat.prior)
    assert flat.distribution("dog").argmax() == flat.tags.index("NOUN")


def test_a_capital_at_the_head_of_a_sentence_is_no_new_word():
    """What was seen in lower case speaks for the same word with a capital."""
    tagger = train(dogs())
    assert "Walks" not in tagger.windows
    assert tagger.distribution("Walks") == approx(
        blend(tagger.counts["walks"], tagger.guess("Walks"), tagger.kappa)
    )


# The best tags ----------------------------------------------------------------------------------


@quick
@given(corpora(), SENTENCES, st.sampled_from(MODELS), st.sampled_from(hmm_tagger.UNKNOWN))
def test_no_tags_score_higher(sentences, words, model, unknown):
    """The tagger finds what trying every sequence of tags finds, for every kind of model."""
    order, neighbours = model
    tagger = train(sentences, order=order, neighbours=neighbours, unknown=unknown)
    found = tagger.tag(words)
    scores = {
        tags: tagger.log_score(words, tags) for tags in product(tagger.tags, repeat=len(words))
    }
    best = max(scores.values())
    assert scores[tuple(found)] == approx(best)
    if sum(score > best - 1e-9 for score in scores.values()) == 1:
        assert tuple(found) == max(scores, key=scores.__getitem__)


@quick
@given(corpora(), SENTENCES, st.sampled_from(MODELS), st.data())
def test_the_score_is_the_product_of_its_factors(sentences, words, model, data):
    """Counted anew in plain Python: transitions, P(t | w) / P(t), and what neighbours say."""
    order, neighbours = model
    sentences = sentences * data.draw(st.integers(1, 3))
    tagger = train(sentences, order=order, neighbours=neighbours)
    tags = data.draw(st.tuples(*[st.sampled_from(tagger.tags) for _ in words]))
    N = len(tagger.tags)
    path = [N, N, *map(tagger.tags.index, tags), N]
    expected = sum(
        math.log(tagger.transition[tuple(path[k : k + 3])]) for k in range(len(words) + 1)
    )
    for place, word in enumerate(words):
        before, tag, after = path[place + 1 : place + 4]
        expected += math.log(tagger.distribution(word)[tag] / tagger.prior[tag])
        if neighbours:
            seen = [
                (left, right)
                for sentence in sentences
                for (left, _), (mine, form), (right, _) in zip(
                    *(numbered(tagger, sentence)[k:] for k in range(3)), strict=False
                )
                if form == word and mine == tag
            ]
            for side, base, other in (
                (0, tagger.preceding[tag, before], before),
                (1, tagger.following[tag, after], after),
            ):
                times = sum(pair[side] == other for pair in seen)
                expected += math.log((times + 10 * base) / (len(seen) + 10) / base)
    assert tagger.log_score(words, tags) == approx(expected)


def numbered(tagger, sentence):
    """(number of tag, word) of a sentence between two #."""
    N = len(tagger.tags)
    return [(N, "#"), *((tagger.tags.index(tag), word) for word, tag in sentence), (N, "#")]


@pytest.mark.parametrize("seed", range(20))
def test_any_trellis_is_decoded(seed):
    """The best of all paths through random scores, for several sentences side by side."""
    rng = np.random.default_rng(seed)
    S, T, B = 4, 4, 3
    trans, pairs = rng.normal(size=(S, S, S)), rng.normal(size=(B, T + 1, S, S))
    pairs[:, :-1, :, -1] = pairs[:, -1, :, :-1] = -np.inf

    def score(b, path):
        i, j, k = (np.array([S - 1, S - 1, *path, S - 1])[n : n + T + 1] for n in range(3))
        return (trans[i, j, k] + pairs[b, np.arange(T + 1), j, k]).sum()

    found = best_tags(trans, pairs)
    for b in range(B):
        paths = product(range(S - 1), repeat=T)
        assert tuple(found[b]) == max(paths, key=lambda path, b=b: score(b, path))


def test_ties_go_to_the_lower_tag():
    """Of equal paths, the one in the lower tag where they last differ, as in snippets.viterbi."""
    pairs = np.zeros((1, 4, 3, 3))
    pairs[:, :-1, :, -1] = pairs[:, -1, :, :-1] = -np.inf
    assert best_tags(np.zeros((3, 3, 3)), pairs).tolist() == [[0, 0, 0]]
    pairs[0, 0, :, 0] = -1  # step 0: tag 1, or 0 and then 1
    pairs[0, 1, 0, 1] = 1
    assert best_tags(np.zeros((3, 3, 3)), pairs).tolist() == [[1, 0, 0]]


@quick
@given(corpora(), SENTENCES)
def test_a_plain_bigram_is_viterbis(sentences, words):
    """Without neighbours a bigram tagger is an HMM, and snippets.viterbi decodes it alike."""
    tagger = train(sentences, order=2, neighbours=False)
    trans, N = np.log(tagger.transition[0]), len(tagger.tags)
    emit = np.full((len(words) + 1, N + 1), -np.inf)
    emit[-1, N] = 0  # the last is #
    for t, word in enumerate(words):
        emit[t, :N] = np.log(tagger.distribution(word) / tagger.prior)
    best = viterbi(trans[N], trans, emit)
    found = tagger.tag(words)
    assert tagger.log_score(words, found) == approx(best.score)


@quick
@given(corpora(), st.lists(st.lists(st.sampled_from(["x", "y", "new"]), max_size=4), max_size=6))
def test_many_sentences_are_tagged_as_one_by_one(sentences, texts):
    """Order is kept, lengths may differ, an empty sentence has no tags."""
    tagger = train(sentences)
    assert tagger.tag_all(texts) == [tagger.tag(words) for words in texts]
    assert [len(tags) for tags in tagger.tag_all(texts)] == [len(words) for words in texts]


def test_more_sentences_than_fit_side_by_side():
    """A tile after another gives what one tile gives."""
    tagger = train(dogs())
    texts = [["The", "dog", word] for word in ("barks", "run", "light", "new")] * 40
    assert len(texts) > hmm_tagger.TILE // tagger.triples.size
    assert tagger.tag_all(texts) == [tagger.tag(words) for words in texts[:4]] * 40


def test_one_word_and_two_tags():
    """After "the" a bark is a thing, after "dogs" it is done."""
    tagger = train(dogs())
    assert tagger.tag(["The", "dogs", "bark", "."]) == ["DET", "NOUN", "VERB", "PUNCT"]
    assert tagger.tag(["The", "bark", "is", "light"]) == ["DET", "NOUN", "AUX", "ADJ"]


def test_the_baseline_knows_no_context():
    """With order 1 a word has one tag wherever it stands: the one it had most often."""
    tagger = train(dogs(), order=1)
    assert tagger.tag(["the", "light", "the", "light", "light"])[1::2] == ["ADJ", "ADJ"]
    text = [[("a", "N")] * 3 + [("a", "V")], [("b", "V")] * 9]
    assert train(text, order=1).tag(["a", "b", "a"]) == ["N", "V", "N"]


@quick
@given(corpora())
def test_learning_does_not_mind_the_order(sentences):
    """Counts are sums: sentences in another order make an equal tagger."""
    assert train(sentences) == train(sentences[::-1])


# Files, and how well it went ----------------------------------------------------------------------


@quick
@given(corpora(words=("x", "的", '"', "\u2028", "\\")), st.sampled_from(MODELS))
def test_json_keeps_every_bit(sentences, model):
    """What was saved is what is loaded, and does the same."""
    order, neighbours = model
    tagger = train(sentences, order=order, neighbours=neighbours, kappa=1 / 3)
    again = Tagger.from_json(tagger.to_json())
    assert again == tagger
    assert again.to_json() == tagger.to_json()
    words = [word for sentence in sentences for word, _ in sentence]
    assert again.log_score(words, again.tag(words)) == tagger.log_score(words, tagger.tag(words))


def test_save_and_load(tmp_path):
    """A file is the model; what is wrong with one is said with its name."""
    train(dogs()).save(tmp_path / "dogs.json")
    assert Tagger.load(tmp_path / "dogs.json") == train(dogs())
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(ValueError, match=r"bad\.json: not JSON: "):
        Tagger.load(tmp_path / "bad.json")


def test_evaluation_by_hand():
    """Two of five wrong, one of them a word that was never seen."""
    tagger = train([[("a", "N"), ("b", "V")]] * 5)
    found = evaluate(tagger, [[("a", "N"), ("b", "V")], [("a", "N"), ("c", "X"), ("b", "N")]])
    assert (found.tokens, found.right, found.unknown, found.unknown_right) == (5, 3, 1, 0)
    assert found.accuracy == 3 / 5
    assert found.accuracy_known == 3 / 4
    assert found.accuracy_unknown == 0
    assert found.confusions[("N", "V")] == 1
    assert found.confusions.total() == 2
    assert math.isnan(evaluate(tagger, [[("a", "N")]]).accuracy_unknown)


def test_tagged_text_is_read():
    """Further columns are ignored, blank lines part sentences, a word may hold blanks."""
    lines = ["\n", "New York\tPROPN\tNNP\n", "is\tAUX\r\n", "\n", "\n", "#\tSYM"]
    assert read_tagged(lines) == [[("New York", "PROPN"), ("is", "AUX")], [("#", "SYM")]]
    assert read_tagged([]) == []


@pytest.mark.parametrize("line", ["dog", "dog\t", "\tNOUN", " \tNOUN\t", "dog NOUN", "\t"])
def test_a_bad_line_is_named(line):
    """Neither form nor tag may be missing; the line is given by file and number."""
    with pytest.raises(ValueError, match=r"^dogs\.tsv:3: expected FORM<TAB>TAG, found "):
        read_tagged(["dog\tNOUN\n", "\n", line + "\n"], "dogs.tsv")


GOOD = {"tags": ["a"], "windows": {"x": [[1, 0, 1, 3]]}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tags": []}, r"^tags: expected names, at least one, found \(\)$"),
        ({"tags": ["a", "a"]}, r"^tags: expected distinct names, found 'a' twice$"),
        ({"tags": [["a"]]}, r"^tags: expected names"),
        ({"tags": ["a", "b"]}, r"^windows: expected a word with each tag, found none with tag 1$"),
        ({"tags": "a"}, r"^expected a list of tags and an object of windows$"),
        ({"windows": {"x": [[1, 0, 1]]}}, r"^windows\['x'\]: expected rows \[before, tag, after"),
        ({"windows": {"x": [[1, 0, 1, 0.5]]}}, r"^windows\['x'\]: expected rows"),
        ({"windows": {"x": [[1, 0], [1]]}}, r"^windows\['x'\]: expected rows"),
        ({"windows": {"x": [[2, 0, 1, 1]]}}, r"^windows\['x'\]: .*found \[2, 0, 1, 1\]$"),
        ({"windows": {"x": [[1, 0, 1, 0]]}}, r"^windows\['x'\]: .*found \[1, 0, 1, 0\]$"),
        ({"windows": {}}, r"^windows: expected a word with each tag, found none"),
        ({"order": 4}, r"^order: expected 1, 2 or 3, found 4$"),
        ({"neighbours": 1}, r"^neighbours: expected true or false, found 1$"),
        ({"order": 1}, r"^neighbours: expected false with order 1, found true$"),
        ({"unknown": "x"}, r"^unknown: expected affixes or flat, found 'x'$"),
        ({"affix": -1}, r"^affix: expected a whole number >= 0, found -1$"),
        ({"kappa": 0}, r"^kappa: expected a number > 0, found 0$"),
        ({"near": "x"}, r"^near: expected a number > 0, found 'x'$"),
        ({"zzz": 1}, r"^expected an object with tags and windows, found "),
    ],
)
def test_a_bad_model_is_named(change, message):
    """A file that holds no tagger says which field is wrong, what was expected, what found."""
    assert Tagger.from_json(json.dumps(GOOD)).tag(["x", "y"]) == ["a", "a"]
    with pytest.raises(ValueError, match=message):
        Tagger.from_json(json.dumps(GOOD | change))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: train([]), r"^sentences: expected at least one, found none$"),
        (
            lambda: train([[("a", "N")], []]),
            r"^sentences\[1\]: expected at least one \(word, tag\)",
        ),
        (lambda: train([[("a", "N"), "b"]]), r"^sentences\[0\]\[1\]: .*, found 'b'$"),
        (lambda: train([["ab"]]), r"^sentences\[0\]\[0\]: .*, found 'ab'$"),
        (lambda: train([[("a", 1)]]), r"^sentences\[0\]\[0\]: .*, found \('a', 1\)$"),
        (lambda: train([[("", "N")]]), r"^sentences\[0\]\[0\]: "),
        (lambda: train(TOY, order=1, neighbours=True), r"^neighbours: expected false"),
        (lambda: evaluate(train(TOY), []), r"^sentences: expected at least one, found none$"),
        (lambda: train(TOY).tag("x y"), r"^words: expected a sequence of strings, found 'x y'$"),
        (lambda: train(TOY).tag(["x", 1]), r"^words: expected a sequence of strings"),
        (lambda: train(TOY).scores([]), r"^words: expected at least one, found none$"),
        (
            lambda: train(TOY).log_score(["x"], []),
            r"^tags: expected 1, one for each word, found 0$",
        ),
        (lambda: train(TOY).log_score(["x"], ["c"]), r"^tags: .* found 'c'$"),
        (lambda: deleted_interpolation([[1, 2]]), r"^counts: expected shape \(S, .., S\)"),
        (lambda: deleted_interpolation([-1, 2]), r"^counts: expected whole numbers >= 0"),
        (lambda: deleted_interpolation([0.5, 2]), r"^counts: expected whole numbers >= 0"),
        (lambda: interpolate([0, 0]), r"^counts: expected whole numbers >= 0, not all 0$"),
    ],
)
def test_bad_arguments_are_named(call, message):
    """An error names the argument, what was expected and what was found."""
    with pytest.raises(ValueError, match=message):
        call()


# Real text --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "floors", "unknown"),
    [
        ("ud_english_ewt", (0.855, 0.885, 0.91), 0.73),
        ("ud_chinese_gsd_v13_simp", (0.865, 0.885, 0.91), 0.75),
    ],
)
def test_real_treebanks(folder, floors, unknown):
    """2,000 sentences teach both languages: the tag before helps, neighbours help more (on dev)."""
    if not (DATA / folder).is_dir():
        pytest.skip(f"no treebank {folder} in ../shared/data")
    learn, dev = (load_tagged(DATA / folder / f"{part}.tsv.gz") for part in ("train", "dev"))
    models = ((1, False), (2, False), (3, True))
    found = [evaluate(train(learn[:2000], order=n, neighbours=near), dev) for n, near in models]
    accuracies = [one.accuracy for one in found]
    assert all(floor < accuracy for floor, accuracy in zip(floors, accuracies, strict=True))
    assert all(low + 0.01 < high for low, high in pairwise(accuracies))
    assert found[-1].accuracy_unknown > unknown


def test_import_is_cheap():
    """The module needs numpy alone."""
    heavy = (
        "import sys, snippets.hmm_tagger as m; m.train(m.dogs()).tag(['dog']);"
        "print({'scipy', 'torch', 'matplotlib', 'networkx'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", heavy], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


# The program ------------------------------------------------------------------------------------


@pytest.fixture
def run(capsys, monkeypatch):
    """Return a function that runs the program with text on standard input."""

    def program(*arguments, text="", tty=False):
        stream = io.StringIO(text)
        monkeypatch.setattr(stream, "isatty", lambda: tty)
        monkeypatch.setattr(sys, "stdin", stream)
        code = hmm_tagger.main(list(map(str, arguments)))
        out, err = capsys.readouterr()
        return code, out, err

    return program


@pytest.fixture
def dogs_tsv(tmp_path):
    """The sentences about dogs as a file."""
    file = tmp_path / "dogs.tsv"
    blocks = ("".join(f"{word}\t{tag}\n" for word, tag in sentence) for sentence in dogs())
    file.write_text("\n".join(blocks), encoding="utf-8")
    return file


def test_without_arguments_something_is_shown(run):
    """The program alone tags sentences that it has never seen, and words."""
    code, out, err = run()
    assert (code, err) == (0, "")
    assert "DET  NOUN  AUX  ADJ    PUNCT" in out
    assert "softly    ADV" in out


def test_the_dogs_are_tagged_sentences():
    """Fifteen sentences, each closed by a full stop; five words are two things."""
    sentences = dogs()
    assert len(sentences) == 15
    assert {sentence[-1] for sentence in sentences} == {(".", "PUNCT")}
    tags = {word: set() for sentence in sentences for word, _ in sentence}
    for sentence in sentences:
        for word, tag in sentence:
            tags[word].add(tag)
    double = {word for word, seen in tags.items() if len(seen) > 1}
    assert double == {"bark", "run", "sleep", "walk", "light"}


def test_train_tag_eval_at_the_shell(run, dogs_tsv, tmp_path):
    """A model is learned from a file, used on plain text, and judged; text or JSON."""
    model = tmp_path / "dogs.json"
    code, out, err = run("train", dogs_tsv, "--model", model)
    assert (code, err) == (0, "")
    assert out == f"{model}: 15 sentences, 110 tokens, 51 words, 10 tags\n"
    assert Tagger.load(model) == train(dogs())
    text = "The dogs bark .\n\nThe bark is light .\n"
    code, out, err = run("tag", "--model", model, text=text)
    assert (code, err) == (0, "")
    assert out.startswith("The\tDET\ndogs\tNOUN\nbark\tVERB\n.\tPUNCT\n\nThe\tDET\nbark\tNOUN\n")
    assert [len(sentence) for sentence in read_tagged(out.splitlines())] == [4, 5]
    assert run("tag", text=text)[1] == out  # by default the dogs
    lines = run("tag", "--model", model, "--json", text=text)[1].splitlines()
    assert json.loads(lines[0])[1:3] == [["dogs", "NOUN"], ["bark", "VERB"]]
    code, judged, err = run("eval", "--model", model, dogs_tsv)
    assert (code, err) == (0, "")
    assert judged.splitlines()[2].split() == ["unknown", "words", "none"]
    report = json.loads(run("eval", "--model", model, "-", "--json", text=out)[1])
    assert (report["tokens"], report["accuracy"], report["accuracy_unknown"]) == (9, 1, None)


def test_settings_at_the_shell(run, dogs_tsv, tmp_path):
    """Order, neighbours and unknown words are chosen when the model is learned."""
    model = tmp_path / "m.json"
    sizes = json.loads(run("train", dogs_tsv, "--model", model, "--order", 1, "--json")[1])
    assert sizes["tokens"] == sum(map(len, dogs()))
    assert Tagger.load(model) == train(dogs(), order=1)
    run("train", dogs_tsv, "--model", model, "--no-neighbours", "--unknown", "flat")
    assert Tagger.load(model) == train(dogs(), neighbours=False, unknown="flat")


def test_a_packed_file_and_standard_input(run, dogs_tsv, tmp_path):
    """A .gz file, a byte order mark and - are read alike."""
    text = dogs_tsv.read_text(encoding="utf-8")
    packed = tmp_path / "dogs.tsv.gz"
    packed.write_bytes(gzip.compress(text.encode("utf-8-sig")))
    assert load_tagged(packed) == load_tagged(dogs_tsv) == dogs()
    run("train", "-", "--model", tmp_path / "m.json", text=text)
    assert Tagger.load(tmp_path / "m.json") == train(dogs())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tagg"], "invalid choice: 'tagg'"),
        (["train", "DOGS"], "the following arguments are required: --model"),
        (["train", "no/such.tsv", "--model", "OUT"], "no/such.tsv: No such file"),
        (["train", "BAD", "--model", "OUT"], "bad.tsv:2: expected FORM<TAB>TAG, found 'dog NOUN'"),
        (["train", "EMPTY", "--model", "OUT"], "sentences: expected at least one, found none"),
        (["train", "BINARY", "--model", "OUT"], "binary: 'utf-8' codec"),
        (["train", "NOGZ", "--model", "OUT"], "no.gz: Not a gzipped file"),
        (["train", "CUT", "--model", "OUT"], "cut.gz: Compressed file ended"),
        (["train", "DOGS", "--model", "OUT", "--order", "4"], "order: expected 1, 2 or 3, found 4"),
        (["train", "DOGS", "--model", "OUT", "--order", "1", "--neighbours"], "neighbours: expec"),
        (["train", "DOGS", "--model", "no/such/dir"], "no/such/dir: No such file"),
        (["tag", "--model", "DOGS"], "dogs.tsv: not JSON: "),
        (["tag", "--model", "no/such.json"], "no/such.json: No such file"),
        (["eval", "EMPTY"], "sentences: expected at least one, found none"),
        (["eval", "-"], "stdin:1: expected FORM<TAB>TAG, found 'no tags'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, message, run, dogs_tsv, tmp_path):
    """A mistake at the shell: nothing printed, one line on standard error, exit code 2."""
    (tmp_path / "bad.tsv").write_text("The\tDET\ndog NOUN\n", encoding="utf-8")
    (tmp_path / "empty").write_text("\n\n", encoding="utf-8")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "no.gz").write_text("The\tDET\n", encoding="utf-8")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"The\tDET\n" * 99)[:-9])
    places = {"DOGS": dogs_tsv.name, "BAD": "bad.tsv", "EMPTY": "empty", "BINARY": "binary"}
    places |= {"NOGZ": "no.gz", "CUT": "cut.gz", "OUT": "out.json"}
    found = [str(tmp_path / places[a]) if a in places else a for a in arguments]
    code, out, err = run(*found, text="no tags\n")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert err.startswith("python -m snippets.hmm_tagger: ")
    assert message in err


def test_a_terminal_is_not_waited_for(run):
    """No file and nothing piped: say so, do not hang."""
    code, _, err = run("tag", tty=True)
    assert code == 2
    assert "expected a file, or text on standard input" in err


def test_it_works_in_a_real_pipe(dogs_tsv, tmp_path):
    """train, then tag | eval in fresh interpreters; whoever leaves early may."""
    python = f"{sys.executable} -m snippets.hmm_tagger"
    line = (
        f"{python} train {dogs_tsv} --model {tmp_path}/m.json >&2 &&"
        f" echo 'The dog will bark .' | {python} tag --model {tmp_path}/m.json |"
        f" {python} eval --model {tmp_path}/m.json --json - ; echo ${{PIPESTATUS[*]}};"
        f" yes 'The dog will bark .' | head -20000 | {python} tag | head -1;"
        f" echo ${{PIPESTATUS[2]}}"
    )
    done = subprocess.run(
        ["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, check=True
    )
    report, *rest = done.stdout.splitlines()
    assert json.loads(report)["accuracy"] == 1
    assert rest == ["0 0 0", "The\tDET", "0"]
    assert "15 sentences" in done.stderr
