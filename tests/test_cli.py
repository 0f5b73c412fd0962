"""`python -m site_plugins run`: the same runs, without MkDocs."""

import pytest

from site_plugins.__main__ import main
from tests.conftest import cells

EDITIONS = """
docs_dir: docs
plugins:
  trellis: {cells: {error: ValueError}}
  trellis-editions:
    editions:
      - {language: en, name: English, config: mkdocs.yml}
      - {language: zh, name: 中文, config: z.yml}
"""


@pytest.fixture
def site(project, monkeypatch):
    project.write(
        "mkdocs.yml", "docs_dir: docs\nplugins: [search, trellis]\nx: !!python/name:a.b\n"
    )
    project.write("docs/a.md", cells("1 + 1"))
    project.write("docs/posts/b.md", "# B\n" + cells("2", "3"))
    monkeypatch.chdir(project.root)
    return project


def test_it_runs_what_has_to_run_and_says_how_much(site, capsys):
    """All pages, then none, then all by force, then the one that is named."""
    said = []
    for arguments in (["run"], ["run"], ["run", "--force"], ["run", "--force", "docs/a.md"]):
        assert main(arguments) == 0
        said.append(capsys.readouterr().out.splitlines()[-1].split(",")[0])
    assert said == [f"cells run: {n}" for n in ("3 of 3", "0 of 3", "3 of 3", "1 of 1")]


def test_a_problem_is_told_on_standard_error_with_exit_code_1(site, capsys):
    """At its line of the file."""
    site.write("docs/a.md", "# A\n\n" + cells("1 / 0"))
    assert main(["run"]) == 1
    assert capsys.readouterr().err == "docs/a.md:4: ZeroDivisionError: division by zero\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "docs/none.md"], "docs/none.md: no such page"),
        (["-f", "none.yml", "run"], "none.yml: No such file or directory"),
    ],
)
def test_bad_arguments_get_one_line_and_exit_code_2(site, capsys, arguments, said):
    """What is missing, by name."""
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(said)
    assert error.count("\n") == 1


def test_it_shares_its_store_with_the_plugin(site, capsys):
    """Options of the plugin hold for the shell, in either form of the plugins' list."""
    site.write("mkdocs.yml", "docs_dir: docs\nplugins: {trellis: {cache: .kept}}\n")
    assert main(["run"]) == 0
    assert len(list((site.root / ".kept").glob("??/*.json"))) == 2


def test_all_editions_are_meant_and_one_inherits_the_settings_of_the_first(site, capsys):
    """Pages of both, the options of cells, where runs are kept: what cells share runs once."""
    editions = (
        "[{language: en, name: E, config: mkdocs.yml}, {language: zh, name: Z, config: z.yml}]"
    )
    plugins = (
        f"{{trellis: {{cells: {{error: ValueError}}}}, trellis-editions: {{editions: {editions}}}}}"
    )
    site.write("mkdocs.yml", f"docs_dir: docs\nplugins: {plugins}\n")
    site.write("z.yml", "INHERIT: mkdocs.yml\ndocs_dir: zh\ntheme: {language: zh}\n")
    for page in ("docs/a.md", "docs/posts/b.md", "zh/a.md"):
        site.write(page, cells("raise ValueError"))
    site.write("zh/c.md", cells("raise ValueError(2)"))
    assert main(["run"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("cells run: 2 of 4")
    assert main(["-f", "z.yml", "run", "--force"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("cells run: 2 of 4")
    assert main(["clean"]) == 0
    assert capsys.readouterr().out.startswith("0 runs removed")
