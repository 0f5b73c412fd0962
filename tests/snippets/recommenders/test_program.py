"""What all recommenders share at the shell."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from snippets.recommenders.program import Recommender, main


class Backwards:
    """Likes the last item best."""

    def __init__(self, ratings):
        self.count = ratings.shape[1]

    def scores(self, users):
        return np.tile(np.arange(self.count, dtype=float), (len(users), 1))


SILENT = Recommender("backwards", "Last first.", lambda ratings, options: Backwards(ratings))
TELLING = Recommender(
    "backwards",
    "Last first.",
    lambda ratings, options: Backwards(ratings),
    why=lambda model, ratings, user, item: f"{ratings.user_names[user]} likes {item}",
    options=lambda parser: parser.add_argument("--steps", type=int, default=3),
)


@pytest.fixture
def path(tmp_path):
    found = tmp_path / "r.csv"
    found.write_text("user,item,rating\na,x,1\na,y,2\nb,z,3\nb,w,0\na,v,4\n")
    return str(found)


def test_a_list_of_what_somebody_has_not_seen(path, capsys):
    """Rank, item, score and why; the busiest user where none is named."""
    assert main(TELLING, [path, "--user", "b", "-k", "2"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "user b: 2 items seen, the best of 3"
    assert [line.split() for line in told[1:]] == [
        ["1", "y", "3", "b", "likes", "3"],
        ["2", "x", "2", "b", "likes", "2"],
    ]
    assert main(SILENT, [path]) == 0
    assert capsys.readouterr().out.startswith("user a: 3 items seen, the best of 2\n")


def test_json_is_one_object(path, capsys):
    """For a program that reads it."""
    assert main(TELLING, [path, "--user", "a", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "user": "a",
        "known": True,
        "items": [
            {"item": "z", "score": 4.0, "why": "a likes 4"},
            {"item": "w", "score": 1.0, "why": "a likes 1"},
        ],
    }


def test_a_new_user_is_shown_what_many_like(path, capsys):
    """And told so."""
    assert main(TELLING, [path, "--user", "nobody", "-k", "1"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "user nobody: is new, so what many like is shown; 0 items seen, the best of 5",
        "  1  v           1",
    ]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["-k", "0"], "-k: expected at least 1, found 0"),
        (["--weights", "view"], "expected view=1,like=3, found 'view'"),
        (["--weights", "a=b"], "expected view=1,like=3, found 'a=b'"),
        (["--colour"], "unrecognized arguments: --colour"),
        (["missing.csv"], "missing.csv: No such file or directory"),
    ],
)
def test_a_mistake_is_one_line_and_code_2(path, capsys, arguments, problem):
    """No traceback."""
    given = arguments if arguments == ["missing.csv"] else [path, *arguments]
    assert main(SILENT, given) == 2
    told = capsys.readouterr()
    assert problem in told.err
    assert told.err.startswith("python -m snippets.recommenders.backwards")
    assert told.out == ""


def test_bad_lines_are_left_out_if_asked(path, capsys):
    """Each is told on the other stream."""
    with open(path, "a") as file:
        file.write("c,x,much\n")
    assert main(SILENT, [path]) == 2
    assert "r.csv:7: rating: expected a number, found 'much'" in capsys.readouterr().err
    assert main(SILENT, [path, "--skip-bad"]) == 0
    assert "left out: " in capsys.readouterr().err


def test_events_are_weighed(path, tmp_path, capsys):
    """--weights says what a kind of event counts."""
    kinds = tmp_path / "k.csv"
    kinds.write_text("a,x,view\nb,y,like\n")
    assert main(SILENT, [str(kinds), "--weights", "view=1,like=3", "--user", "a"]) == 0
    assert main(SILENT, [str(kinds), "--user", "a"]) == 2


def test_a_pipe_in_and_a_pipe_out():
    """- is standard input, and a reader that leaves early ends the program quietly."""
    lines = "".join(f"{u},{i},{(u * i) % 5}\n" for u in range(40) for i in range(u % 7, 60, 3))
    command = [sys.executable, "-m", "snippets.recommenders.popularity", "-", "-k", "3"]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 4
    assert done.stderr == ""


def test_a_new_user_gets_the_list_that_is_everybody_s(tmp_path, capsys):
    """Of popularity that is the list asked for, not bare counts."""
    from snippets.recommenders.popularity import main as popular

    path = tmp_path / "r.csv"
    path.write_text("a,x,1,0\nb,x,1,0\nc,y,1,100\n")
    asked = [str(path), "--user", "new", "--by", "decayed", "--half-life", "10", "--json"]
    assert popular(asked) == 0
    items = json.loads(capsys.readouterr().out)["items"]
    assert [item["item"] for item in items] == ["y", "x"]
