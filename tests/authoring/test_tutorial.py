"""The tutorial, followed word by word in an empty project."""

from __future__ import annotations

import re
from pathlib import Path

from site_plugins.__main__ import main
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
