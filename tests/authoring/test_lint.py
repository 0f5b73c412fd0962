"""`lint`: what readers would miss, at its line."""

from __future__ import annotations

import json

import pytest

from site_plugins.__main__ import main
from site_plugins.authoring.lint import lint
from site_plugins.authoring.scaffold import scaffold
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
        data = content if isinstance(content, bytes) else content.encode()
        (docs / name).write_bytes(data)
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
    text = HEAD + "# T\n\n[x](third.md#with-x) [y](third.md#with-what)\n"
    assert problems(tmp_path, text, **{"third.md": OTHER}) == []


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


def test_headings_have_their_lines():
    """Equal ones too; what only looks like one is passed over."""
    text = (
        "A\n=\n\n    ## B\n\n## C\n\n    ## D\n\n## **B** $x$\n\n## C\n\n## **D**e\n\nOf *C*\n---\n"
    )
    assert [heading.line for heading in read(text).headings] == [1, 6, 10, 12, 14, 16]


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


@pytest.mark.parametrize(
    ("target", "anchor"),
    [
        ("A part\n------\n", "a-part"),
        ("## The _big_ one\n", "the-big-one"),
        ("## With class { .x }\n", "with-class"),
        ("## Link [here][l]\n\n[l]: other.md\n", "link-here"),
        ("## The `_x_` code\n", "the-_x_-code"),
        ("## Twice\n\n## Twice\n", "twice_1"),
        ("A paragraph.\n{: #para }\n", "para"),
        ("Some *em*{#emid}.\n", "emid"),
        ('Some <a id="x"></a>place.\n', "x"),
        ('Some <a name="x"></a>place.\n', "x"),
        ('<div id="x">A block.</div>\n', "x"),
        ("A note[^1].\n\n[^1]: Of this.\n", "fn:1"),
        ("$$x = 1 \\label{eq:a}$$\n", "page-eq:a"),
        ("<div markdown>\n## In a box\n</div>\n", "in-a-box"),
        ('<h2>Without</h2>\n<h2 id="x">With</h2>\n', "x"),
        ("## With $x$ {#known}\n", "known"),
    ],
)
def test_what_the_site_gives_an_address_has_one(tmp_path, target, anchor):
    """However it came by it; another address is told all the same."""
    text = f"{HEAD}# T\n\n{target}\n[a](#{anchor}) [b](#{anchor}-not)\n"
    (one,) = problems(tmp_path, text)
    assert f"#{anchor}-not: nothing there has the address #{anchor}-not" in one


@pytest.mark.parametrize(
    "body",
    [
        "T\n=\n\nSecond\n------\n\n### Third\n",
        "# T\n\n    [x](gone.md) <http://a.b>\n",
        "# T\n\n- an item\n\n    ```python exec\n    a = '[x](gone.md)'\n    ```\n",
        "# T\n\n> ```\n> [x](gone.md)\n> ```\n",
        "# T\n\nSo \\[esc\\](gone.md) it is.\n",
        "# T\n\n[x](other.md?x=1#a-part) [y](?x=1#t)\n",
        "# T\n\n[x](http://localhost:8000/) [y](http://127.0.0.1) <http://[::1]:80/>\n",
        '# T\n\n<img src="a.png" alt=""> <img src="b.png" alt="A dog.">\n',
        '# T\n\n<div markdown><img src="a.png" alt=""></div>\n',
        '# T\n\n<a href="../other/">relative to the page\'s address</a>\n',
        "# T\n\nLet $a[i](gone.md)b$ be \\(c[i](gone.md)\\).\n",
        "# T\n\n[an email](mailto:a@b) <a@b.example>\n",
        "---\n\n# T\n",
    ],
)
def test_what_a_strict_build_accepts_is_not_told(tmp_path, body):
    """The site's own Markdown says what is a link, a heading or code."""
    assert problems(tmp_path, HEAD + body) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("See [x][gone].\n\n[gone]: gone.md\n", "8: gone.md: there is no gone.md"),
        ("See [h].\n\n[h]: http://a.b/c\n", "8: http://a.b/c: a link without https"),
        ("![][img]\n\n[img]: other.md\n", "6: picture other.md without words: ![what it"),
        ("a\nb <http://a.b>\n", "7: http://a.b: a link without https"),
        ("a <http://127.0.0.1.a.b> c\n", "6: http://127.0.0.1.a.b: a link without https"),
        ('a <a href="http://a.b">b</a>\n', "6: http://a.b: a link without https"),
        ('<p>\n<a href="gone.md">b</a></p>\n', "7: gone.md: there is no gone.md"),
        ('<a href="is.md">b</a>\n', "6: is.md: HTML keeps its links as they are: write [words]"),
        ('a <img src="b.png">\n', '6: picture b.png without words: <img alt="what it shows">'),
        ('<div markdown>\n<img src="b.png">\n</div>\n', "7: picture b.png without words"),
        ("[x](../mkdocs.yml)\n", "6: ../mkdocs.yml: lies outside the folder of the pages"),
        ("[x](draft.md)\n", "6: draft.md: draft.md is a draft, which is not published"),
        ("It costs $5, see [money](gone.md), or $6.\n", "6: gone.md: there is no gone.md"),
        ("From $5 to [money](gone.md) and ($6).\n", "6: gone.md: there is no gone.md"),
        ("A\n\n---\n[x](gone.md)\n---\n\nB\n", "9: gone.md: there is no gone.md"),
        ("```\n[x](gone.md)\n```\n\n[y](gone.md)\n", "10: gone.md: there is no gone.md"),
        ("Was gone.md there?\n[y](gone.md)\n", "7: gone.md: there is no gone.md"),
        ("`[x](gone.md)`\n[y](gone.md)\n", "7: gone.md: there is no gone.md"),
        ("a\n\nB\n-\n\n#### `B`\n\n## C\n", "11: heading of level 4 below one of level 2"),
        ("## A\n\n#### A\n", "8: heading of level 4 below one of level 2: use ###"),
        ("## A\n\n<h4>A</h4>\n", "8: heading of level 4 below one of level 2: use ###"),
        ("[x](a%00b.md)\n", "6: a%00b.md: "),
        (f"[x]({'long' * 99}.md)\n", "cannot read it: "),
    ],
)
def test_links_pictures_and_headings_of_every_form_are_seen(tmp_path, body, said):
    """Also by reference, as HTML, between two prices; once each."""
    (tmp_path / "mkdocs.yml").touch()
    others = {"draft.md": "---\ndraft: true\n---\n", "is.md": f"{HEAD}# Is\n"}
    (one,) = problems(tmp_path, f"{HEAD}# T\n\n{body}", **others)
    assert said in one


def test_each_of_several_equal_links_is_told_at_its_line(tmp_path):
    """Also where one target begins with another."""
    text = "# T\n\n[x](g.md#a)\n\n> [x](\n> g.md)\n\n[x](g.md)\n"
    lines = [one.partition(":")[0] for one in problems(tmp_path, HEAD + text)]
    assert lines == ["6", "9", "11"]


def test_a_fence_that_nothing_closes_hides_no_address(tmp_path):
    """It is told where it stands, and not at each link to what is below it."""
    other = {"open.md": f"{HEAD}# T\n\n```\n\n## Below\n"}
    assert problems(tmp_path, f"{HEAD}[x](open.md#below)\n", **other) == []


def test_a_draft_may_link_to_a_draft(tmp_path):
    """Both are published, or neither."""
    drafts = "---\ndraft: true\n---\n"
    assert problems(tmp_path, f"{drafts}[x](a.md)\n", **{"a.md": drafts}) == []


def test_a_title_in_the_front_matter_is_a_heading_where_no_other_is(tmp_path):
    """The site sets it above the text."""
    matter = "---\ntitle: T\ndescription: D.\n---\n"
    (one,) = problems(tmp_path, f"{matter}### A\n")
    assert one == "5: heading of level 3 below one of level 1: use ##"
    assert problems(tmp_path, f"{matter}## A\n") == []
    assert problems(tmp_path, f"{matter}### Above\n\n# T\n") == []


def test_the_description_of_a_new_draft_is_none(tmp_path):
    """`new` writes one that builds; once the page is no draft, it wants another."""
    text = scaffold(tmp_path / "posts", "New").read_text(encoding="utf-8")
    assert problems(tmp_path, text) == []
    (one,) = problems(tmp_path, text.replace("draft: true\n", ""))
    assert one.startswith("1: no description")


def notebook(*cells, **metadata):
    """Return a notebook of Markdown cells, one string of JSON a line."""
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": cell.splitlines(keepends=True)}
        for cell in cells
    ]
    data = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 4}
    return json.dumps(data, indent=1)


def test_the_prose_of_a_notebook_has_the_same_rules(tmp_path):
    """Its description is in its metadata, its lines are those of the file."""
    text = notebook("# T\n\n[x](gone.md)", "#### Deep\n\n![](a.png)\n\n<http://a.b>")
    (tmp_path / "a.png").touch()
    (tmp_path / "a.ipynb").write_text(text, encoding="utf-8")
    found = lint({"a.ipynb": tmp_path / "a.ipynb"}, tmp_path, [tmp_path])
    at = {one.message.partition(": ")[0]: one.line for one in found}
    lines = text.split("\n")
    assert at.pop("no description") == 1
    assert {
        said: lines[line - 1].strip(' ",').removesuffix("\\n") for said, line in at.items()
    } == {
        "gone.md": "[x](gone.md)",
        "heading of level 4 below one of level 1": "#### Deep",
        "picture a.png without words": "![](a.png)",
        "http://a.b": "<http://a.b>",
    }


def test_a_notebook_that_keeps_the_rules(tmp_path):
    """The addresses of its headings are another program's."""
    text = notebook("# T\n\n[x](other.md) [y](#A-Part)", "## A Part", description="D.")
    files = {"other.md": OTHER, "a.ipynb": text, "empty.ipynb": notebook(description="D.")}
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    names = ("a.ipynb", "empty.ipynb")
    assert lint({name: tmp_path / name for name in names}, tmp_path, [tmp_path]) == []


def test_what_cannot_be_read_is_told_and_the_rest_goes_on(tmp_path):
    """At the link that leads there: the page itself has its own line."""
    (tmp_path / "docs" / "folder.md").mkdir(parents=True)
    (tmp_path / "docs" / "dangling.md").symlink_to("nothing.md")
    links = "[a](latin.md#x)\n[b](folder.md)\n[c](folder.md#x)\n[d](dangling.md#x)\n[e](gone.md)\n"
    found = problems(tmp_path, f"{HEAD}# T\n\n{links}", **{"latin.md": b"# \xe9\n"})
    said = [
        "6: latin.md#x: cannot read it as UTF-8 text: ",
        "7: folder.md: folder.md is a folder, not a page",
        "8: folder.md#x: folder.md is a folder, not a page",
        "9: dangling.md#x: there is no dangling.md",
        "10: gone.md: there is no gone.md",
    ]
    assert len(found) == len(said)
    assert all(one.startswith(start) for one, start in zip(found, said, strict=True)), found


def test_front_matter_without_meaning_is_told(tmp_path):
    """YAML itself knows no 30th of February."""
    (one,) = problems(tmp_path, "---\ndate: 2026-02-30\n---\n")
    assert one.startswith("1: front matter: day is out of range")


def test_a_page_that_is_a_symbolic_link_is_where_the_link_is(tmp_path):
    """It may lead out of the folder of the pages."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "real.md").write_text(HEAD, encoding="utf-8")
    (tmp_path / "docs" / "linked.md").symlink_to("../real.md")
    assert problems(tmp_path, f"{HEAD}[x](linked.md)\n") == []


def test_the_folder_of_the_pages_may_be_a_symbolic_link(tmp_path):
    """What lies in it lies in it."""
    (tmp_path / "real").mkdir()
    (tmp_path / "docs").symlink_to("real")
    assert problems(tmp_path, f"{HEAD}[x](other.md#a-part)\n") == []
    (one,) = problems(tmp_path, f"{HEAD}[x](gone.md)\n")
    assert "there is no gone.md" in one
