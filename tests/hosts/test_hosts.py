"""One `mkdocs.yml`, three hosts: what each makes of this very site, counted and compared.

    python -m pytest tests/hosts -s      # prints the counts side by side

Each host passes over in silence what it does not know. So what must be the same is asserted page
by page, and so is what is known to be missing: a host that has learned something is noticed too.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.hosts.counting import Counts, counted, formulas, said, table
from tests.this_site import ENVIRONMENT, built_project


def begin(root: Path, *command: str) -> subprocess.Popen[str]:
    """Start a module's command in a project."""
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=root,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> str:
    """Wait for a command that must succeed; return what it said."""
    output, _ = process.communicate()
    assert process.returncode == 0, output
    return output


class Sites(NamedTuple):
    mkdocs: Path
    properdocs: Path
    zensical: Path


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Sites:
    """This site as each of the hosts builds it, from the same runs of its cells."""
    first = built_project(tmp_path_factory)
    roots = [first, *(tmp_path_factory.mktemp(name) / "p" for name in Sites._fields[1:])]
    for root in roots[1:]:
        shutil.copytree(first, root, ignore=shutil.ignore_patterns("site"))
    said = end(begin(roots[1], "properdocs", "build", "--strict", "-f", "mkdocs.yml"))
    assert "Cells run: 0 of" in said, said
    end(begin(roots[2], "zensical", "build", "--strict"))
    end(begin(roots[2], "site_plugins", "index"))
    return Sites(*(root / "site" for root in roots))


@pytest.fixture(scope="module")
def counts(sites: Sites) -> dict[str, Counts]:
    found = {name: counted(site) for name, site in zip(Sites._fields, sites, strict=True)}
    sections = [
        sum(len(page["sections"]) for page in index(site).values()) for site in (sites[0], sites[2])
    ]
    print(f"\n{table(found)}\nsections in the index, with MkDocs and Zensical: {sections}")
    return found


def files(site: Path) -> set[str]:
    return {str(file.relative_to(site)) for file in site.rglob("*") if file.is_file()}


def read(site: Path, name: str) -> str:
    return (site / name).read_text(encoding="utf-8")


def test_properdocs_builds_the_same_site_byte_for_byte(sites):
    """But for the name of the generator, and what holds the time of the build."""
    assert files(sites.properdocs) == files(sites.mkdocs)
    generator = re.compile(rb'<meta name="generator" content="[^"]*">')
    differing = [
        name
        for name in sorted(files(sites.mkdocs))
        if generator.sub(b"", (sites.mkdocs / name).read_bytes())
        != generator.sub(b"", (sites.properdocs / name).read_bytes())
    ]
    assert differing in ([], ["sitemap.xml.gz"])


LIST = re.compile(r"(page/\d+/|archive/.*|category/.*)?index\.html")
"""Lists of posts: of beginnings that `trellis-front` ends sooner."""


def articles(counts: dict[str, Counts]) -> list[str]:
    """Return the pages that Zensical has built, but for lists of posts."""
    return [name for name in counts["zensical"] if not LIST.fullmatch(name)]


def test_zensical_builds_every_page_but_notebooks_reference_and_other_editions(counts):
    """All are made by plugins, which it does not run; it makes lists of posts by itself."""
    by_plugins = re.compile(r"(notebooks|reference|zh)/")
    expected = {name for name in counts["mkdocs"] if not by_plugins.match(name)}
    assert set(counts["zensical"]) == expected
    assert len(expected) > 40


def test_zensical_shows_on_each_page_what_mkdocs_shows(counts):
    """Cells, outputs, figures, listings, formulas, equations and their numbers, tables."""
    ours, theirs = counts["mkdocs"], counts["zensical"]
    pages = articles(counts)
    assert len(pages) > 30
    assert {name: ours[name] for name in pages} == {name: theirs[name] for name in pages}
    for sign in ("cells", "outputs", "figures", "listings", "numbered equations"):
        assert sum(page[sign] for page in theirs.values()) > 20, sign
    assert not any(page["problems"] for page in theirs.values())


def test_outputs_and_formulas_are_the_same_to_the_letter(sites, counts):
    """Zensical rewrites HTML on its way; neither a number nor a formula changes in it."""
    for name in articles(counts):
        ours, theirs = read(sites.mkdocs, name), read(sites.zensical, name)
        assert said(theirs) == said(ours), name
        assert formulas(theirs) == formulas(ours), name


def test_the_index_of_a_site_by_zensical_has_the_same_sections(sites, counts):
    """Made from built HTML, it holds what the plugin takes from pages before they are built."""
    ours, theirs = index(sites.mkdocs), index(sites.zensical)
    assert theirs.keys() == {url for url in ours if not re.match(r"(notebooks|reference)/", url)}
    for url in theirs.keys() - {"tags/"}:  # Material leaves a mark there, to be filled in later
        assert theirs[url] == ours[url], url
    found = subprocess.run(
        [sys.executable, "-m", "site_plugins", "search", "tag:hmm", "viterbi", "--json"],
        cwd=sites.zensical.parent,
        capture_output=True,
        check=True,
    )
    assert json.loads(found.stdout)[0]["location"].startswith("viterbi/")


def index(site: Path) -> dict[str, Any]:
    """Return the pages of a site's search index by their address."""
    (file,) = (site / "search").glob("index.*.json")
    return {page["url"]: page for page in json.loads(file.read_text(encoding="utf-8"))["pages"]}


IGNORED = {
    "our worker behind the search box": "search/worker.*.js",
    "feeds": "feed.*",
    "articles as scripts": "viterbi/*.py",
    "articles as notebooks": "viterbi/*.ipynb",
    "pages of modules": "reference",
    "notebooks as pages": "notebooks/*/index.html",
    "tags as JSON": "tags.json",
    "figures beside articles in lists": "assets/figures/*",
    "other editions": "zh/index.html",
}
IGNORED_IN_PAGES = {
    "where an article stands on its path": 'class="trellis-path"',
    "related articles": 'class="trellis-related"',
    "how to cite, how it ran, downloads": 'class="trellis-foot"',
    "a card for links to it": 'property="og:image"',
    "its twin in another language": 'hreflang="zh"',
    "figures that open large": "figures.js",
}


@pytest.mark.parametrize("what", IGNORED)
def test_zensical_leaves_out_without_a_word(sites, what):
    """What plugins of ours, or of others, write into the site."""
    assert list(sites.mkdocs.glob(IGNORED[what]))
    assert list(sites.properdocs.glob(IGNORED[what]))
    assert not list(sites.zensical.glob(IGNORED[what]))


@pytest.mark.parametrize("what", IGNORED_IN_PAGES)
def test_zensical_leaves_out_of_pages_without_a_word(sites, what):
    """What plugins of ours add below an article."""
    page = "viterbi/index.html"
    assert IGNORED_IN_PAGES[what] in read(sites.mkdocs, page)
    assert IGNORED_IN_PAGES[what] in read(sites.properdocs, page)
    assert IGNORED_IN_PAGES[what] not in read(sites.zensical, page)


def test_pages_by_zensical_find_the_style_and_the_font(sites):
    """The style sheets that `mkdocs.yml` names are there, and the font that one of them names."""
    page = read(sites.zensical, "viterbi/index.html")
    for sheet in ("assets/trellis/cells.css", "assets/math/formulas.css"):
        assert f'href="../{sheet}' in page
        whole = (sites.mkdocs / sheet).read_bytes()  # with rules of plugins at its end
        assert whole.startswith((sites.zensical / sheet).read_bytes())
        assert (sites.zensical / sheet).stat().st_size > len(whole) / 2
    (font,) = (sites.zensical / "assets/math").glob("*.woff2")
    assert font.read_bytes() == next((sites.mkdocs / "assets/math").glob("*.woff2")).read_bytes()
