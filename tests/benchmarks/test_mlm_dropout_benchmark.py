"""What moves, moves as far as it is said to, and the parts come to an end."""

import json

import numpy as np
import pytest

from benchmarks import mlm_dropout
from benchmarks.mlm_dropout import _moves


def test_a_shift_is_bias_and_noise_is_none():
    """A constant step is all bias; steps without a mean are variance, but for chance."""
    rng = np.random.default_rng(0)
    clean = rng.normal(size=(40, 12, 5))
    spread = ((clean - clean.mean(axis=(0, 1))) ** 2).sum(axis=-1).mean()
    shifted = _moves(clean, lambda hidden: clean + 0.3, rng)
    assert shifted["moved"] == pytest.approx(5 * 0.3**2 / spread)
    assert shifted["bias"] == pytest.approx(shifted["moved"])
    shaken = _moves(clean, lambda hidden: clean + rng.normal(size=clean.shape), rng)
    assert shaken["moved"] == pytest.approx(5 / spread, rel=0.05)
    assert abs(shaken["bias"]) < 0.02 * shaken["moved"]


def test_the_parts_come_to_an_end(monkeypatch, tmp_path, capsys):
    """Every part prints its table and is recorded with it, whatever the models have learned."""
    monkeypatch.setattr(mlm_dropout, "MASKS", 6)
    monkeypatch.setattr(mlm_dropout, "RATES", (0.5, 1.0))
    mlm_dropout.trained.cache_clear()
    file = tmp_path / "mlm-dropout.json"
    few = ["--seeds", "1", "--steps", "2", "--texts", "8", "--json", str(file)]
    assert mlm_dropout.main(few) == 0
    mlm_dropout.trained.cache_clear()
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    recorded = json.loads(file.read_text(encoding="utf-8"))
    lines = [line for part in recorded.values() for line in part["lines"]]
    assert [line for line in lines if line.startswith("| ")] == rows
    assert len(rows) == (2 + 6) + (2 + 2) + (2 + 4)
    one = recorded["vectors"]["data"]
    assert one["dropped"][0]["moved"] < one["[MASK]"][0]["moved"]
