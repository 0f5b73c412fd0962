"""What is wrong with a page is told under every host, at its line, and never published."""

from __future__ import annotations

import shutil

import pytest

from tests.conftest import Project
from tests.hosts.small import AS_TEXT, CONFIG, PAGE, POST, edit, fails, run, succeeds


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A front page, a page with a cell that uses a module, and a post; the cell has run."""
    made = Project(tmp_path_factory.mktemp("made"))
    made.write("mkdocs.yml", CONFIG)
    made.write("docs/index.md", "# Front\n")
    made.write("docs/page.md", PAGE)
    made.write("docs/posts/post.md", POST)
    made.write("lib.py", "def answer():\n    return 41\n")
    succeeds(made, "site_plugins", "run")
    return made


@pytest.fixture
def site(made, tmp_path):
    """The same in a folder of its own."""
    return Project(shutil.copytree(made.root, tmp_path / "site").resolve())


def published(site):
    return (site.root / "site" / "page" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("answer()\n```", "answer(1)\n```", "docs/page.md:11: TypeError"),
        ("$x^2$", r"$\fracc12$", "docs/page.md:7: formula"),
        ("squared", "[squared](gone.md)", "gone.md"),
    ],
    ids=["cell", "formula", "link"],
)
def test_under_properdocs_the_published_site_stays(site, old, new, told):
    """A cell, a formula or, in a strict build, a mere warning: exit code 1, nothing replaced."""
    succeeds(site, "properdocs", "build", "--strict", "-f", "mkdocs.yml")
    before = published(site)
    assert ">41<" in before
    edit(site, "docs/page.md", old, new)
    assert told in fails(site, "properdocs", "build", "--strict", "-f", "mkdocs.yml")
    assert published(site) == before
    assert [path.name for path in site.root.glob(".site-*")] == []


def by_zensical(site):
    """Build as the manual says, the cells having run; return what the index command says."""
    succeeds(site, "zensical", "build", "--strict")
    return succeeds(site, "site_plugins", "index")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("answer()\n```", "answer() + 1\n```", "docs/page.md:10: no run of this page is stored"),
        ("$x^2$", r"$\fracc12$", "docs/page.md:7: formula"),
        ("from lib", "#| hidden: true\nfrom lib", "docs/page.md:10: unknown option"),
        ("# Page", '# Page\n\n```python src="lib.py:gone"\n```', "docs/page.md:7: "),
    ],
    ids=["not run", "formula", "option", "listing"],
)
def test_zensical_is_told_what_is_wrong_with_a_page(site, old, new, told):
    """Our Markdown extensions end the conversion, so that Zensical fails and says why."""
    edit(site, "docs/page.md", old, new)
    output = fails(site, "zensical", "build")
    assert told in output, output


def test_an_output_that_is_not_as_expected_ends_a_build_by_zensical(site):
    """What `text expect` says holds there too."""
    edit(site, "docs/page.md", "answer()\n```\n", "answer()\n```\n\n```text expect\n42\n```\n")
    assert "docs/page.md:15: " in fails(site, "site_plugins", "run")
    output = fails(site, "zensical", "build")
    assert "docs/page.md:15: the cell above says something else" in output, output


def test_stale_pages_of_zensical_are_not_indexed(site):
    """It keeps pages by their text and knows of no module; the index command sees that."""
    by_zensical(site)
    assert ">41<" in published(site)
    edit(site, "lib.py", "41", "42")
    succeeds(site, "site_plugins", "run")
    succeeds(site, "zensical", "build")
    assert ">41<" in published(site)  # if this fails, Zensical has learned it: rejoice
    assert "docs/page.md:1: outputs of an earlier run" in fails(site, "site_plugins", "index")
    for kept in (site.root / ".cache").glob("[0-9]*"):
        kept.unlink() if kept.is_file() else shutil.rmtree(kept)
    assert "site: 3 sections of 3 pages indexed" in by_zensical(site)
    assert ">42<" in published(site)


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        (
            "docs/page.md",
            "\n```\n",
            f"\n```\n\n{AS_TEXT}",
            "docs/page.md:15: this cell is not shown",
        ),
        ("mkdocs.yml", "assets/trellis/cells.css, ", "", "list assets/trellis/cells.css under"),
        ("mkdocs.yml", '"{file}"', '"{slug}"', "post_url_format: expected '{file}'"),
    ],
    ids=["hidden cell", "style", "addresses"],
)
def test_the_index_command_tells_what_a_site_lacks(site, name, old, new, told):
    """A cell as text, a style sheet that no page names, posts that cannot be found."""
    edit(site, name, old, new)
    succeeds(site, "site_plugins", "run")
    succeeds(site, "zensical", "build")
    code, output = run(site, "site_plugins", "index")
    assert code
    assert told in output
    assert not (site.root / "site" / "search").exists()


def test_the_index_command_says_which_pages_are_not_built(site):
    """And leaves drafts alone."""
    by_zensical(site)
    site.write("docs/new.md", "# New\n")
    site.write("docs/posts/later.md", "---\ndate: 2026-01-03\ndraft: true\n---\n# Later\n")
    output = fails(site, "site_plugins", "index")
    assert output == "docs/new.md:1: not built: no site/new/index.html\n"
