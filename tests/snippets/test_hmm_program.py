"""`python -m snippets.hmm`: posterior, decode, sample and fit, at the shell and in a pipe."""

from __future__ import annotations

import io
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from snippets import hmm
from snippets.hmm import DOG_DIARY, HMM, Gaussian, dog, log_likelihood, posterior, sample
from snippets.viterbi import viterbi

approx = pytest.approx
WORDS = [dog().symbols[k] for k in DOG_DIARY]
BELLS = HMM([0.5, 0.5], [[0.9, 0.1], [0.2, 0.8]], Gaussian([[0, 0], [4, 1]], [[1, 1], [2, 1]]))


@pytest.fixture
def ask(capsys, monkeypatch):
    """Return a function that runs the program and returns its exit code, output and errors."""

    def run(*arguments, stdin=None):
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        code = hmm.main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def bells(tmp_path):
    BELLS.save(tmp_path / "bells.json")
    return tmp_path / "bells.json"


def test_posteriors_of_the_diary(ask):
    """A row for each day, a column for each state: what `posterior` says."""
    code, out, err = ask("posterior", "--json", *WORDS)
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert found["states"] == ["healthy", "sick"]
    assert np.array(found["posterior"]) == approx(posterior(*dog().logs(DOG_DIARY)))
    rows = ask("posterior", *WORDS)[1].splitlines()
    assert rows[0].split() == ["healthy", "sick"]
    assert rows[3].split()[0] == "pooping"
    assert len(rows) == 16


def test_both_ways_to_decode(ask):
    """The best path with its share, and the best state of each day: for the dog the same."""
    best = viterbi(*dog().logs(DOG_DIARY))
    expected = [dog().states[j] for j in best.states]
    for method in ("viterbi", "posterior"):
        found = json.loads(ask("decode", "--json", "--method", method, *WORDS)[1])
        assert found["states"] == expected
        assert found["log_joint"] == approx(-20.788368924473136)
    lines = ask("decode", stdin=" ".join(WORDS))[1].splitlines()
    assert lines[2].split() == ["pooping", "healthy"]
    assert lines[-1] == "log P = -20.788369, 1.5539% of all that explains what was seen"


def test_the_best_states_need_not_be_a_path(ask, tmp_path):
    """Three doors: posterior decoding goes through a wall, and says that this is impossible."""
    doors = HMM([0.4, 0.3, 0.3], [[1, 0, 0], [0, 1, 0], [0, 1, 0]], np.ones((3, 1)))
    doors.save(tmp_path / "doors.json")
    arguments = ["--model", tmp_path / "doors.json", 0, 0]
    assert json.loads(ask("decode", "--json", "--method", "posterior", *arguments)[1]) == {
        "states": ["0", "1"],
        "log_joint": None,
    }
    text = ask("decode", "--method", "posterior", *arguments)[1]
    assert text.endswith("log P = -inf, 0.0000% of all that explains what was seen\n")


def test_a_seed_is_a_sample(ask):
    """Sequences of the model, one a line; the same again for the same seed."""
    options = ("sample", "--steps", 6, "--paths", 3, "--seed", 4)
    out = ask(*options)[1]
    assert out == ask(*options)[1]
    assert [len(line.split()) for line in out.splitlines()] == [6, 6, 6]
    assert set(out.split()) <= set(dog().symbols)
    told = ask(*options, "--states")[1].split()
    assert [pair.split("/")[1] for pair in told] == out.split()
    assert {pair.split("/")[0] for pair in told} <= {"healthy", "sick"}
    as_json = [json.loads(line) for line in ask(*options, "--json")[1].splitlines()]
    assert [one for path in as_json for one in path] == out.split()


def test_what_is_sampled_can_be_fitted(ask, tmp_path):
    """A pipe from one to the other gives a model, as a table and as JSON that loads."""
    lines = ask("sample", "--steps", 60, "--paths", 5, "--seed", 0)[1]
    code, out, err = ask("fit", "--states", 2, "--restarts", 2, "--steps", 20, stdin=lines)
    assert (code, err) == (0, "")
    assert out.startswith("5 sequences, 300 observations; log P = -")
    assert "of 2 starts ended there" in out
    as_json = ask("fit", "--states", 2, "--steps", 20, "--json", stdin=lines)[1]
    model = HMM.from_json(as_json)
    assert model.symbols == ("eating", "pooping", "sleeping")
    (tmp_path / "lines").write_text(lines, encoding="utf-8")
    dog().save(tmp_path / "dog.json")
    out = ask("fit", "--model", tmp_path / "dog.json", "--steps", 1, tmp_path / "lines")[1]
    assert "after 1 steps, still rising" in out


def test_rows_of_numbers(ask, bells, tmp_path):
    """A Gaussian reads a line of numbers for each step, and a blank line between sequences."""
    rows = ask("sample", "--model", bells, "--steps", 200, "--paths", 2, "--seed", 1)[1]
    assert rows.count("\n\n") == 1
    (tmp_path / "rows").write_text(rows, encoding="utf-8")
    fitted = ask("fit", "--gaussian", "--states", 2, "--json", tmp_path / "rows")[1]
    means = HMM.from_json(fitted).emission.mean
    assert means[np.argsort(means[:, 0])] == approx(BELLS.emission.mean, abs=0.5)
    first = rows.split("\n\n")[0]
    found = json.loads(ask("likelihood", "--json", "--model", bells, stdin=first)[1])
    numbers = [[float(word) for word in line.split()] for line in first.splitlines()]
    assert found["log_likelihood"] == approx(log_likelihood(BELLS, numbers))
    assert len(ask("decode", "--model", bells, stdin=first)[1].splitlines()) == 201


def test_states_of_a_sample_follow_the_model(ask):
    """Frequencies of what is sampled are those of the tables, within four standard errors."""
    states, seen = sample(dog(), 100_000, rng=np.random.default_rng(0))
    for j in (0, 1):
        here = seen[states == j]
        shares = np.bincount(here, minlength=3) / len(here)
        assert shares == approx(dog().emission[j], abs=4 * math.sqrt(0.25 / len(here)))
    rows = sample(BELLS, 50_000, rng=np.random.default_rng(0))
    inside = rows.observations[rows.states == 1]
    assert inside.mean(axis=0) == approx([4, 1], abs=0.05)
    assert inside.var(axis=0) == approx([2, 1], rel=0.05)


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        (["fit"], "a b\n", "fit: expected --states N or --model FILE"),
        (["fit", "--states", "2", "--model", "BELLS"], "a", "and not both"),
        (["fit", "--states", "2"], "\n\n", "sequences: expected at least one line, found none"),
        (["fit", "--states", "2", "no/file"], None, "no/file: No such file"),
        (["fit", "--states", "0"], "a b\n", "start, restarts: expected at least 1, found 0"),
        (["fit", "--states", "2", "--smoothing", "-1"], "a b", "smoothing: expected a number >= 0"),
        (["fit", "--gaussian", "--states", "1"], "1 2\n1\n", "line 2: expected 2 numbers, found 1"),
        (["fit", "--gaussian", "--states", "1"], "1\nx\n", "line 2: expected a number, found 'x'"),
        (["posterior", "barking"], None, "observations[0]: expected one of sleeping"),
        (["likelihood", "--model", "BELLS"], "1 2\n3\n", "observations: expected numbers"),
        (["likelihood", "--model", "BELLS", "x"], None, "expected a number, found 'x'"),
        (["sample", "--steps", "0"], None, "T: expected a whole number >= 1, found 0"),
        (["sample", "--paths", "0"], None, "--paths: expected at least 1, found 0"),
        (["decode", "--method", "magic", "eating"], None, "invalid choice: 'magic'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, stdin, message, ask, bells):
    """A mistake at the shell: nothing printed, one line on standard error, exit code 2."""
    arguments = [str(bells) if one == "BELLS" else one for one in arguments]
    code, out, err = ask(*arguments, stdin=stdin)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert message in err


def test_a_million_lines_in_a_pipe():
    """They go through, and the answer is that of the library."""
    rng = np.random.default_rng(0)
    seen = rng.integers(0, 3, 10**6)
    done = subprocess.run(
        [sys.executable, "-m", "snippets.hmm", "likelihood", "--method", "chunked", "--json"],
        input="\n".join(map(str, seen.tolist())),
        env={"PYTHONPATH": str(Path(hmm.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    expected = log_likelihood(dog(), seen, method="chunked")
    assert json.loads(done.stdout)["log_likelihood"] == approx(expected, rel=1e-12)
