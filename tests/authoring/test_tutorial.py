"""The tutorial, followed word by word in an empty project."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from site_plugins.__main__ import main
from site_plugins.authoring.scaffold import PLACEHOLDER
from tests.building import build_here

from .test_scaffold import CONFIG

TUTORIAL = Path(__file__).parents[2] / "docs/en/how-it-works/first-article.md"


def test_whoever_follows_the_tutorial_has_an_article(project, monkeypatch, capsys):
    """`new`, the blocks one below the other, `lint`, `check`, and a strict build."""

    text = TUTORIAL.read_text(encoding="utf-8")
    project.write("mkdocs.yml", CONFIG)
    project.write("docs/index.md", "---\ndescription: D.\n---\n# Home\n")
    monkeypatch.chdir(project.root)
    title, tags = re.search(r'site_plugins new "([^"]+)" --tags (\S+)', text).groups()
    assert main(["new", title, "--tags", tags]) == 0
    said = capsys.readouterr().out
    name = re.search(r"^docs/en/(posts/\S+\.md): a draft", text, re.MULTILINE)[1]
    assert said.startswith(f"docs/{name}: a draft;")
    article = project.root / "docs" / name
    matter = article.read_text(encoding="utf-8").split("---\n")[1].replace("draft: true\n", "")
    matter = matter.replace(PLACEHOLDER, "How long is a run?")
    blocks = re.findall(r"^````markdown\n(.*?)^````$", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 3
    article.write_text(f"---\n{matter}---\n" + "\n".join(blocks), encoding="utf-8")
    assert main(["lint"]) == 0
    assert main(["check", f"docs/{name}"]) == 0
    (page,) = build_here().rglob(f"{article.stem}/index.html")
    html = page.read_text(encoding="utf-8")
    assert "longest run of heads:" in html
    assert 'aria-label="Bars over' in html
    assert html.count("<math") >= 2


@pytest.mark.skipif(
    not Path(sys.prefix, "bin/activate").is_file(), reason="the tests run in no environment"
)
def test_its_first_commands_work_in_a_new_terminal(project):
    """As they are written, in a shell that knows of no environment yet."""
    project.write("mkdocs.yml", CONFIG.replace("docs_dir: docs", "docs_dir: docs/en"))
    project.write("docs/en/index.md", "# Home\n")
    (project.root / ".venv").symlink_to(sys.prefix)
    blocks = re.findall(r"^```console\n(.*?)^```$", TUTORIAL.read_text("utf-8"), re.M | re.S)
    commands = re.findall(r"^\$ (.+)$", "".join(blocks[:2]), re.MULTILINE)
    assert commands.pop() == "make serve"
    done = subprocess.run(
        ["sh", "-ec", "\n".join(commands)],
        cwd=project.root,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "docs/en/posts/how-long-is-a-run-of-heads.md: a draft;" in done.stdout
