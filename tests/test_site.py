"""The site itself, built as it is published: what a reader gets, and what an edit costs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.browsing import SUB_PATH, Reader, needs_chromium, served, sync_api
from tests.this_site import built_project, run

ARTICLE = "docs/en/posts/hmm-evaluation.md"
NOTEBOOK = "docs/en/notebooks/dog-simulated.ipynb"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project to edit, with what has run already, and its site."""
    root = tmp_path_factory.mktemp("project") / "copy"
    return Path(shutil.copytree(built_project(tmp_path_factory), root))


@pytest.fixture(scope="module")
def site(project: Path) -> Path:
    """The site, built with every warning an error."""
    return project / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, str]:
    """The HTML of every page by its path."""
    files = site.rglob("*.html")
    return {str(file.relative_to(site)): file.read_text(encoding="utf-8") for file in files}


class Elements(HTMLParser):
    """Every element of a page, with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_article_shows_the_published_numbers(pages):
    """The likelihood of the dog's diary, computed by the page, is the one in the literature."""
    article = pages["hmm-evaluation/index.html"]
    outputs = " ".join(re.findall(r"<samp>(.*?)</samp>", article, re.DOTALL))
    assert "-16.623939530178" in outputs
    assert "6.0299650444029" in outputs
    assert "32,768" in outputs


def test_the_commands_at_the_foot_of_an_article_run(project, site, pages):
    """The page itself, the script that was downloaded, the programs of its snippets."""
    foot = pages["hmm/index.html"].partition('class="trellis-foot"')[2]
    code = re.findall(r"<code>(.*?)</code>", foot, re.DOTALL)[0]
    commands = [line.split() for line in code.split("\n") if not line.startswith("#")]
    assert [" ".join(command) for command in commands] == [
        "python -m site_plugins run docs/en/posts/hmm.md --force",
        "python hmm.py",
        "python -m snippets.hmm",
        "python -m snippets.markov",
    ]
    assert '<a href="../reference/hmm/">snippets.hmm</a>' in foot
    script = project / "hmm.py"
    shutil.copy(site / "hmm" / "hmm.py", script)
    try:
        for _, *rest in commands:
            done = subprocess.run(
                [sys.executable, *rest], cwd=project, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr
            assert done.stdout
    finally:
        script.unlink()


def test_an_article_has_everything_an_article_needs(pages):
    """Formulas are MathML, listings name their file, figures are drawn and say what they show."""
    article = pages["hmm-evaluation/index.html"]
    assert article.count("<math") > 50
    assert "$" not in re.sub(r"<(pre|script|style|code|math)\b.*?</\1>", "", article, flags=re.S)
    assert re.search(r"snippets/hmm\.py, lines \d+-\d+", article)
    drawings = [one for tag, one in Elements(article).found if tag == "svg" and "role" in one]
    assert len(drawings) >= 4
    assert all(len(one["aria-label"] or "") > 30 for one in drawings)
    assert all(one["width"] and one["height"] for one in drawings)
    assert "trellis-problem" not in article
    assert "trellis-failure" not in article


def test_ids_are_unique_on_every_page(pages):
    """Also where a list shows several posts, each with figures and equations of its own."""
    for name, html in pages.items():
        ids = [one["id"] for _, one in Elements(html).found if one.get("id")]
        twice = {one for one in ids if ids.count(one) > 1}
        assert not {one for one in twice if not one.startswith("__")}, name


def test_every_page_is_there(pages):
    """Front page, article, how it works, tags, archive, category, and a page for what is not."""
    expected = {"index.html", "hmm-evaluation/index.html", "how-it-works/index.html"}
    expected |= {"tags/index.html", "archive/2026/index.html", "404.html"}
    assert expected <= pages.keys()
    assert "category/sequence-models/index.html" in pages
    lists = [html for name, html in pages.items() if re.fullmatch(r"(page/\d+/)?index.html", name)]
    assert len(lists) > 1  # ten articles a list, the newest first
    assert any("hmm-evaluation/" in html for html in lists)


def test_nothing_is_fetched_from_another_host(pages):
    """No page names another host in anything that a browser loads by itself."""
    loads = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src"}
    for name, html in pages.items():
        for tag, attributes in Elements(html).found:
            target = attributes.get(loads.get(tag, "")) or ""
            names = {"canonical", "alternate", "prev", "next", "edit"}  # these load nothing
            named = names & set((attributes.get("rel") or "").split())
            assert named or not re.match(r"(https?:)?//", target), f"{name}: {target}"


def test_the_address_of_the_site_comes_from_the_environment(pages):
    """SITE_URL is where a reader finds it, and what canonical links say."""
    assert f'href="https://x.test{SUB_PATH}hmm-evaluation/"' in pages["hmm-evaluation/index.html"]


def test_the_index_has_every_section_of_the_article(site, pages):
    """Title, anchor, text, code, tags and date, section by section."""
    (file,) = (site / "search").glob("index.*.json")
    found = json.loads(file.read_text(encoding="utf-8"))["pages"]
    (page,) = [one for one in found if one["url"] == "hmm-evaluation/"]
    ours = {one["anchor"]: one for one in page["sections"]}
    headings = {
        one["id"]
        for tag, one in Elements(pages["hmm-evaluation/index.html"]).found
        if tag in ("h2", "h3") and one.get("id")
    }
    assert headings <= ours.keys()
    assert page["tags"]
    assert page["date"] == "2026-11-21"
    assert any("forward" in one["code"] for one in ours.values())
    assert any("alpha" in " ".join(one["formulas"]) for one in ours.values())


def needing(project, module):
    """Return the names of a snippet and of those that import it, directly or not."""
    texts = {file.stem: file.read_bytes() for file in (project / "snippets").glob("*.py")}
    found = {module}
    while True:
        names = "|".join(sorted(found)).encode()
        direct = re.compile(
            rb"^from snippets(\.(%s) import| import .*\b(%s)\b)" % (names, names), re.M
        )
        more = found | {name for name, text in texts.items() if direct.search(text)}
        if more == found:
            return sorted(name.encode() for name in found)
        found = more


def test_an_edit_costs_what_it_should(project, site):
    """For prose only pages whose cells read it, for a module those that use it, then nothing."""
    article = project / ARTICLE
    module = project / "snippets" / "perceptron_program.py"  # few use it: they all run again
    before = module.read_text(encoding="utf-8")
    prose = article.read_text(encoding="utf-8")
    runs = []
    for path, text in (
        (article, prose.replace("\n# ", "\n\n# ", 1)),
        (module, before + "\nUNUSED = 1\n"),
        (module, before),
    ):
        path.write_text(text, encoding="utf-8")
        said = run(project, "site_plugins", "run")
        runs.append([line.split(":")[0] for line in said.splitlines() if line.startswith("docs/")])
    pages = [path for path in (project / "docs" / "en").rglob("*") if path.is_file()]
    names = b"|".join(needing(project, module.stem))
    needed = re.compile(rb"^[ \"]*from snippets\.(%s) import" % names, re.MULTILINE)
    users = [str(page.relative_to(project)) for page in pages if needed.search(page.read_bytes())]
    assert 0 < len(users) < 4
    reading = re.compile(rb'= Path\("docs/en/posts"\).*"%s"' % article.stem.encode(), re.DOTALL)
    readers = [
        str(page.relative_to(project)) for page in pages if reading.search(page.read_bytes())
    ]
    assert len(readers) == 1  # a network learns from the site's own articles
    assert [sorted(paths) for paths in runs] == [readers, sorted(users), []]


@pytest.fixture(scope="module")
def base(site: Path) -> Iterator[str]:
    with served(site) as address:
        yield address


@needs_chromium
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["hmm-evaluation/", "viterbi/", "notebooks/dog-simulated/"])
def test_an_article_reads_well_from_a_sub_path(browser, base, path, width, scheme):
    """Outputs, formulas and figures are visible, nothing overflows, errs or leaves the host."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    reader = Reader(page, base)
    reader.open(path)
    page.wait_for_load_state("networkidle")
    for shown in ("math[display=block]", ".trellis-output samp", ".trellis-figure > svg"):
        for place in page.locator(f"{shown}:not(details:not([open]) *)").all():
            box = place.bounding_box()
            assert box is None or (box["width"] > 10 and box["height"] > 5), shown
        sync_api.expect(page.locator(shown).first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.fonts.check('16px \"Trellis Math\"')")
    assert [url for url in reader.requests if not url.startswith(base)] == []
    assert reader.complaints == []
    page.close()


@needs_chromium
def test_the_search_box_finds_the_article(browser, base):
    """By a word that only it has in its body; and opens it at the section."""
    page = browser.new_page()
    reader = Reader(page, base)
    reader.open("")
    reader.hits("subnormal").nth(1).click()
    page.wait_for_url("**/hmm-evaluation/*#*")
    assert [url for url in reader.requests if not url.startswith(base)] == []
    assert reader.complaints == []
    page.close()
