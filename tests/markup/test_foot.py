"""What is said of a run below a cell and at the foot of a page."""

import pytest

from site_plugins.engine.provenance import Used
from site_plugins.markup.foot import Run, page_foot, provenance_line, resolve
from site_plugins.markup.phrases import PHRASES, phrases

USED = Used(("snippets.hmm",), {"numpy": "2.0"})
RUN = Run(
    day="2026-03-01",
    seconds=12.34,
    used=USED,
    downloads={"ipynb": "p.ipynb", "py": "p.py"},
    command="python -m site_plugins run docs/p.md --force",
    programs=["snippets.hmm"],
)
EN = PHRASES["en"]


@pytest.fixture(autouse=True)
def _not_reproducible(monkeypatch):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.003, "&lt; 0.1 s"), (0.25, "0.2 s"), (9.96, "10.0 s"), (75, "75 s")]
)
def test_a_line_below_a_cell(seconds, said):
    """When, how long, with what; the module as a link that is still to be resolved."""
    assert provenance_line("2026-03-01", seconds, USED, EN) == (
        '<p class="trellis-provenance" data-search-exclude>Ran on <time datetime="2026-03-01">'
        f'2026-03-01</time> in {said} with numpy 2.0, <a href="trellis:snippets.hmm">'
        "snippets.hmm</a></p>"
    )
    assert provenance_line("2026-03-01", seconds, Used(), EN).endswith(f"{said}</p>")


def test_a_reproducible_build_says_no_seconds(monkeypatch):
    """Two builds of the same would differ in them."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    assert "</time> with numpy" in provenance_line("2026-03-01", 0.2, USED, EN)


def test_a_link_leads_to_the_page_of_a_module_or_nowhere():
    """Where there is no such page, its name stands there alone."""
    line = provenance_line("2026-03-01", 1, USED, EN)
    assert '<a href="../hmm/">snippets.hmm</a>' in resolve(line, lambda name: "../hmm/")
    assert ", snippets.hmm</p>" in resolve(line, lambda name: None)


def test_the_foot_of_a_page():
    """Commands line by line, what ran it, downloads; search and feeds pass it over."""
    html = page_foot(RUN, EN)
    assert html.startswith('<div class="trellis-foot" data-search-exclude>')
    code = html.split("<code>")[1].split("</code>")[0]
    assert [line for line in code.split("\n") if not line.startswith("#")] == [
        "python -m site_plugins run docs/p.md --force",
        "python p.py",
        "python -m snippets.hmm",
    ]
    assert "in 12 s with Python 3." in html
    assert 'Download: <a href="p.ipynb" download>notebook with outputs</a>, <a href="p.py"' in html


def test_a_foot_without_downloads_or_programs():
    """What is not there is not mentioned."""
    html = page_foot(Run("2026-03-01", 1.0, Used(), {}, "run it", []), EN)
    assert "Download" not in html
    assert "Snippets" not in html
    assert html.count("\n#") == 0


def test_phrases_by_language():
    """A theme's language with or without a region; English for those that are not there."""
    assert phrases("zh-CN") is phrases("zh") is PHRASES["zh"]
    assert phrases("xx") is phrases("") is EN
    for one in PHRASES.values():  # a translation fills in what the original fills in
        for mine, theirs in zip(one, EN, strict=True):
            for word in ("{number}", "{day}", "{took}", "{seconds}", "{listed}"):
                assert (word in mine) == (word in theirs), mine
