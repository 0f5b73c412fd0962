"""Programs of benchmarks print what they measured, record it, and say what they do not know."""

import json

import pytest

from benchmarks import program
from benchmarks.report import Page, Part, table
from benchmarks.turns import in_turn

PAGE = Page("A title", "A preface.", ("numpy",))
PARTS = {
    "sum": lambda a, b: Part("sum", "Sums", table(["a + b"], [[a + b]]), a + b),
    "product": lambda a, b: Part("product", "Products", table(["a b"], [[a * b]]), a * b),
}


def ran(*argv):
    options = program.parser("it", PARTS).parse_args(argv)
    return program.measure("it", PAGE, PARTS, options, argv, 2, 3, data={"f.tsv": "abc"})


def test_all_parts_or_those_that_are_named(tmp_path, capsys):
    """Tables are printed; a record keeps what was not measured again."""
    file = str(tmp_path / "it.json")
    assert ran("--json", file) == 0
    said = capsys.readouterr().out
    assert "| 5 |" in said
    assert "| 6 |" in said
    assert ran("product", "--json", file) == 0
    assert "Sums" not in capsys.readouterr().out
    kept = json.loads((tmp_path / "it.json").read_text())
    assert [kept[name]["data"] for name in PARTS] == [5, 6]
    assert kept["product"]["with"]["command"] == f"python -m benchmarks.it product --json {file}"
    page = (tmp_path / "it.md").read_text()
    assert "## Sums" in page
    assert "| `f.tsv` | `abc` |" in page


def test_an_unknown_part_is_named(capsys):
    """With those that there are, and nothing is measured."""
    with pytest.raises(SystemExit):
        ran("sum", "difference")
    assert "no 'difference'; known: sum, product" in capsys.readouterr().err


def test_a_peer_that_is_absent_is_named(capsys):
    """With the command that installs it."""
    assert program.lacks("no_such_module", "no-such-package")
    assert capsys.readouterr().err == (
        "no-such-package is absent: pip install -r requirements-dev.txt\n"
    )
    assert not program.lacks("json", "json")


def test_sides_take_turns_and_fast_ones_longer_turns():
    """Each round asks every side, in both directions; seconds are of one call."""
    now, asked = [0.0], []

    def call(name, takes):
        def work():
            asked.append(name)
            now[0] += takes

        return work

    taken = in_turn({"fast": call("fast", 0.01), "slow": call("slow", 1.0)}, 2, lambda: now[0])
    assert taken["fast"] == pytest.approx([0.01, 0.01])
    assert taken["slow"] == pytest.approx([1, 1])
    assert asked[4:] == ["fast"] * 5 + ["slow", "slow"] + ["fast"] * 5
