"""The benchmark asks both sides the same questions, and they give the same answers."""

import json

import numpy as np
import pytest

from benchmarks import hmm

pytest.importorskip("hmmlearn", reason="hmmlearn is absent")


def test_both_sides_answer_alike():
    """Likelihood, posteriors, the tables after a step of EM, and the score of the best path."""
    case = hmm.Case.draw(4, 30, 5)
    ours, theirs = case.ours(), case.theirs()
    assert sum(ours["log-likelihood"]()) == pytest.approx(theirs["log-likelihood"]())
    gamma = np.concatenate(ours["posteriors"]())
    assert gamma == pytest.approx(theirs["posteriors"](), abs=1e-9)
    assert ours["EM step"]().model.transition == pytest.approx(theirs["EM step"]().transmat_)
    assert ours["Viterbi"]().score.sum() == pytest.approx(theirs["Viterbi"]()[0])


def test_the_parts_come_to_an_end(monkeypatch, tmp_path, capsys):
    """Every part prints its table and is recorded with it."""
    monkeypatch.setattr(hmm, "SIZES", ((3, 5000, 1), (4, 9, 6)))
    monkeypatch.setattr(hmm, "TARGETS", ((1, 1, 1, 1), (1, 1, 1, 1)))
    file = tmp_path / "hmm.json"
    assert hmm.main(["speed", "--rounds", "1", "--json", str(file)]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + 8
    recorded = json.loads(file.read_text(encoding="utf-8"))["speed"]
    assert recorded["lines"][: len(rows)] == rows
    assert "python -m benchmarks.hmm speed" in file.with_suffix(".md").read_text(encoding="utf-8")
