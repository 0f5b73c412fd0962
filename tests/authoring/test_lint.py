"""`lint`: what readers would miss, at its line."""

from __future__ import annotations

import pytest

from site_plugins.__main__ import main
from site_plugins.authoring.lint import lint
from site_plugins.authoring.text import read
from site_plugins.pages import find_pages

HEAD = "---\ndescription: A page.\n---\n"
OTHER = HEAD + "# Other\n\n## A part\n\n## A part\n\n## 前向 算法\n\n## With $x$\n"


def problems(tmp_path, text, **files):
    """Return what is wrong with a page, as `line: message`, beside other pages."""
    docs = tmp_path / "docs"
    docs.mkdir(exist_ok=True)
    for name, content in {
        "page.md": text,
        "other.md": OTHER.replace("## With $x$\n", ""),
        **files,
    }.items():
        (docs / name).write_text(content, encoding="utf-8")
    found = lint({"page.md": docs / "page.md"}, tmp_path, [docs])
    return [str(one).removeprefix("page.md:") for one in found]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("# T\n\n#### Deep\n", ["6: heading of level 4 below one of level 1: use ##"]),
        ("# T\n\n![](a.png)\n", ["6: a.png: there is no a.png", "6: picture a.png without words"]),
        ("# T\n\n[x](gone.md)\n", ["6: gone.md: there is no gone.md"]),
        ("# T\n\n[x](othre.md)\n", ["6: othre.md: there is no othre.md; did you mean other.md?"]),
        ("# T\n\n[x](other.md#a-prat)\n", ["did you mean a-part?"]),
        ("# T\n\n[x](#nowhere)\n", ["6: #nowhere: nothing there has the address #nowhere"]),
        ("# T\n\nsee [x](http://a.b)\n", ["6: http://a.b: a link without https"]),
        ("# T\n\n$\\eqref{eq:b}$ $$x \\label{eq:a}$$\n", ["did you mean 'eq:a'?"]),
        ('# T\n\n```python src="no.py:f"\n```\n', ["6: there is no no.py"]),
        (
            "# T\n\n```python exec\n#| fig-cap: A curve.\n1\n```\n",
            ["8: a figure with a caption and without '#| fig-alt: what it shows'"],
        ),
    ],
)
def test_what_is_wrong_is_told_at_its_line(tmp_path, body, said):
    """Each rule once, with the way out where there is one."""
    found = problems(tmp_path, HEAD + body)
    assert len(found) == len(said)
    for one, part in zip(found, said, strict=True):
        assert part in one


@pytest.mark.parametrize(
    "body",
    [
        "# T\n\n## A\n\n### B\n\n## C\n",
        "# T\n\n[x](other.md#a-part_1) [y](other.md#前向-算法) [z](https://a.b) [m](mailto:a@b)\n",
        "# T\n\n```\n#### no heading\n[x](gone.md)\n```\n\n`[x](gone.md)` <!-- [x](gone.md) -->\n",
        "# T\n\n~~~text\n```\n# no fence\n~~~\n",
        "# T\n\n$$x \\label{eq:a}$$ and $\\eqref{eq:a}$\n",
        "# T {#top}\n\n[up](#top)\n",
        "# T\n\n```python exec\n#| label: fig-a\n#| fig-cap: C.\n#| fig-alt: D.\n1\n```\n"
        "[f](#page-fig-a)\n",
    ],
)
def test_what_is_right_is_not_told(tmp_path, body):
    """Addresses as the site makes them; nothing in code is prose."""
    assert problems(tmp_path, HEAD + body) == []


def test_an_address_with_a_formula_is_not_guessed(tmp_path):
    """Who links to it may be right."""
    assert problems(tmp_path, HEAD + "# T\n\n[x](third.md#with-x)\n", **{"third.md": OTHER}) == []


def test_a_page_without_a_description_is_told_but_a_draft_is_not(tmp_path):
    """A draft is not published."""
    assert "no description" in problems(tmp_path, "# T\n")[0]
    assert problems(tmp_path, "---\ndraft: true\n---\n# T\n") == []


def test_blotting_keeps_lines():
    """Whatever is taken out, what is left stands where it stood."""
    text = HEAD + "a `b\nc` d\n\n```\n# x\n```\n# Here\n"
    (heading,) = read(text).headings
    assert text.split("\n")[heading.line - 1] == "# Here"
    assert read(text).source.count("\n") == text.count("\n")


def test_the_program(project, monkeypatch, capsys):
    """Problems on standard error, their number on standard output, and in the exit code."""
    project.write("mkdocs.yml", "docs_dir: docs\nplugins: [trellis]\n")
    project.write("docs/a.md", HEAD + "# A\n")
    monkeypatch.chdir(project.root)
    assert main(["lint"]) == 0
    assert capsys.readouterr().out == "0 problems in 1 page\n"
    project.write("docs/b.md", "# B\n")
    assert main(["lint", "docs/b.md"]) == 1
    said = capsys.readouterr()
    assert said.err.startswith("docs/b.md:1: no description")
    assert said.out == "1 problem in 1 page\n"
    assert main(["lint", "docs/none.md"]) == 2


def test_the_articles_of_this_site_keep_the_rules():
    """All of them."""
    from site_plugins.settings import read_site
    from tests.this_site import ROOT

    site = read_site(ROOT / "mkdocs.yml")
    folders = (site.docs, *site.editions)
    pages = [page for folder in folders for page in find_pages(folder)]
    assert len(pages) > 30
    assert {page.name for page in pages if "zh" in page.parts} >= {"viterbi.md"}
    files = {str(one.relative_to(ROOT)): one for one in pages}
    assert lint(files, site.root, [site.docs, *site.editions], site.cells) == []


def test_a_translation_may_link_to_what_only_the_original_edition_has(tmp_path):
    """Its anchors count too; what neither has is told by its path below the edition's folder."""
    text = "# 页\n\n[a](other.md#a-part) [b](other.md#a-prat) [c](none.md)\n"
    other = OTHER.replace("## With $x$\n", "")  # whose address nobody knows
    for name, content in {"en/other.md": other, "zh/page.md": HEAD + text}.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(content, encoding="utf-8")
    docs = [tmp_path / "en", tmp_path / "zh"]
    found = lint({"zh/page.md": tmp_path / "zh/page.md"}, tmp_path, docs)
    assert [one.message for one in found] == [
        "none.md: there is no none.md",
        "other.md#a-prat: nothing there has the address #a-prat; did you mean a-part?",
    ]
