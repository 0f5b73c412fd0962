"""Two editions of a site, built in one run."""

import re

import pytest

from site_plugins.search.shell import found as found_in_shell
from tests.search.node import ask_site, needs_node
from tests.test_mkdocs_plugin import build

MAIN = """
site_name: T
site_url: https://t.test/sub/
docs_dir: docs/en
theme: {name: material, font: false}
plugins:
  search: {}
  blog: {blog_dir: ., post_url_format: "{file}"}
  trellis: {}
  trellis-editions:
    editions:
      - {language: en, name: English, config: mkdocs.yml}
      - {language: zh, name: 中文, config: mkdocs.zh.yml}
  trellis-search: {}
markdown_extensions: [pymdownx.highlight, pymdownx.superfences, trellis.cells, trellis.formulas]
"""
OTHER = "INHERIT: mkdocs.yml\ndocs_dir: docs/zh\ntheme: {language: zh}\n"
POST = "---\ndate: 2026-01-02\n{matter}---\n# {title}\n\nOpening [link](hmm.md#top).\n\n{more}\n"
CELL = "<!-- more -->\n\n```python exec\nprint(6 * 7)\n```"


@pytest.fixture
def site(project):
    project.write("mkdocs.yml", MAIN)
    project.write("mkdocs.zh.yml", OTHER)
    for language, title in (("en", "Walks"), ("zh", "游走")):
        project.write(f"docs/{language}/index.md", "# Blog\n")
        post(project, language, "walks", title)
    post(project, "en", "hmm", "Hidden")
    return project


def post(site, language, name, title, matter="", more=CELL):
    text = POST.format(title=title, matter=matter, more=more)
    return site.write(f"docs/{language}/posts/{name}.md", text)


def html(site, path):
    return (site.root / "site" / path / "index.html").read_text(encoding="utf-8")


def switch(text):
    """Return where the language switch of a page leads, by language."""
    found = re.findall(r'<a href="([^"]*)" hreflang="(\w+)" class="md-select__link">', text)
    return {language: link for link, language in found}


def alternates(text):
    return re.findall(r'<link rel="alternate " href="([^"]*)" hreflang="([\w-]+)">', text)


def test_one_build_makes_both_and_runs_nothing_twice(site):
    """The outputs of a cell are those of its twin."""
    done = build(site, "--strict")
    assert re.findall(r"Cells run: (\d+) of (\d+)", done.stderr) == [("1", "2"), ("0", "1")]
    assert "42" in html(site, "walks")
    assert "42" in html(site, "zh/walks")
    assert '<html lang="zh"' in html(site, "zh/walks")


def test_the_switch_stays_on_the_article(site):
    """By relative links, and for machines by full addresses; else it leads to the front page."""
    build(site, "--strict")
    both = [
        ("https://t.test/sub/walks/", "en"),
        ("https://t.test/sub/walks/", "x-default"),
        ("https://t.test/sub/zh/walks/", "zh"),
    ]
    assert alternates(html(site, "walks")) == alternates(html(site, "zh/walks")) == both
    assert switch(html(site, "walks"))["zh"] == "../zh/walks/"
    assert switch(html(site, "zh/walks"))["en"] == "../../walks/"
    assert switch(html(site, "hmm"))["zh"] == "../zh/"
    assert alternates(html(site, "hmm")) == []
    assert switch(html(site, "."))["zh"] == "zh/"
    assert switch(html(site, "zh"))["en"] == "../"
    canonical = '<link rel="canonical" href="https://t.test/sub/zh/walks/">'
    assert canonical in html(site, "zh/walks")


def test_a_link_to_what_is_not_translated_leads_to_the_original(site):
    """In the article, and in the excerpt of it on the front page."""
    build(site, "--strict")
    assert '<a href="../../hmm/#top" hreflang="en">' in html(site, "zh/walks")
    assert '<a href="../hmm/#top" hreflang="en">' in html(site, "zh")
    assert not (site.root / "site" / "zh" / "hmm").exists()
    files = (one for one in (site.root / "site").rglob("*") if one.suffix in (".html", ".json"))
    assert all("@elsewhere" not in one.read_text("utf-8") for one in files)
    post(site, "zh", "hmm", "隐")
    build(site, "--strict")
    assert '<a href="../hmm/#top">' in html(site, "zh/walks")


def test_links_to_modules_lead_to_the_one_reference(site):
    """Which the main edition has; and what readers take away leads to the site."""
    site.write("snippets/part.py", '"""Part."""\n\n\ndef f():\n    """Say 1."""\n    return 1\n')
    site.write("mkdocs.zh.yml", f"{OTHER}plugins: {{trellis-reference: {{elsewhere: true}}}}\n")
    cell = "```python exec\nfrom snippets.part import f\n\nf()\n```"
    post(site, "zh", "parts", "Parts", more=f"<!-- more -->\n\n{cell}")
    build(site, "--strict")
    link = '<a href="../../reference/part/" hreflang="en">snippets.part</a>'
    assert link in html(site, "zh/parts")
    assert not (site.root / "site/zh/reference").exists()
    for name in ("parts.ipynb", "parts.py"):
        text = (site.root / "site/zh/parts" / name).read_text("utf-8")
        assert "[link](https://t.test/sub/hmm/#top)" in text


def test_links_to_the_main_reference_need_editions(site):
    """Nobody else would say where that is."""
    ours = "  trellis-reference: {elsewhere: true}\n"
    alone = re.sub(r"  trellis-editions:.*?(?=  trellis-search)", ours, MAIN, flags=re.DOTALL)
    site.write("mkdocs.yml", alone)
    site.write("snippets/part.py", '"""Part."""\n')
    assert "`elsewhere` needs the plugin trellis-editions" in build(site, check=False).stderr


def test_search_engines_find_the_sitemaps_of_all(site):
    """In one file, unless an author has written it."""
    build(site, "--strict")
    file = site.root / "site/robots.txt"
    found = re.findall("Sitemap: (.+)", file.read_text())
    assert found == [f"https://t.test/sub/{folder}sitemap.xml" for folder in ("", "zh/")]
    assert not (site.root / "site/zh/robots.txt").exists()
    site.write("docs/en/robots.txt", "User-agent: *\nDisallow: /\n")
    build(site, "--strict")
    assert "Disallow: /" in file.read_text()


def locations(answer):
    return [hits[0]["location"] for hits in answer["data"]["items"]]


@needs_node
def test_a_search_with_lang_reaches_into_the_other_edition(site):
    """Each has its own index; the box and the shell open the other's when a query asks."""
    build(site, "--strict")
    english, chinese = site.root / "site", site.root / "site" / "zh"
    said = ask_site(english, "lang:zh", "lang:zh 游走", "游走", "lang:fr", "lang:en walks")
    assert said["errors"] == []
    listed, found, *none, own = map(locations, said["results"])
    assert sorted(listed) == ["zh/", "zh/walks/"]
    assert found == ["zh/walks/"]
    assert none == [[], []]
    assert own[0] == "walks/"
    fetched = [path for path in said["fetched"] if path.endswith("search_index.json")]
    assert fetched == ["/sub/zh/search/search_index.json"]
    back = ask_site(chinese, "lang:en hidden", "lang:zh 游走")
    assert list(map(locations, back["results"])) == [["../hmm/"], ["walks/"]]
    for folder, query in (
        (english, "lang:zh 游走"),
        (chinese, "lang:en hidden"),
        (english, "游走"),
    ):
        shell = [one["location"].split("#")[0] for one in found_in_shell(folder, query)]
        assert list(dict.fromkeys(shell)) == locations(ask_site(folder, query)["results"][0])


@needs_node
def test_an_edition_whose_index_is_gone_is_told_in_the_box(site):
    """And the own one answers on."""
    build(site, "--strict")
    (site.root / "site/zh/search/search_index.json").unlink()
    said = ask_site(site.root / "site", "lang:zh x", "walks")
    assert said["results"][0]["data"]["items"][0][0]["title"] == (
        "The search index could not be read"
    )
    assert locations(said["results"][1]) == ["walks/"]


def test_what_hexo_does_not_publish_is_nobodys_twin(site):
    """`published: false` is a draft, whoever asks."""
    post(site, "zh", "walks", "游走", "published: false\n")
    build(site, "--strict")
    assert alternates(html(site, "walks")) == []
    assert switch(html(site, "walks"))["zh"] == "../zh/"


def test_a_draft_is_nobodys_twin(site):
    """The switch does not lead to what is not published."""
    post(site, "zh", "hmm", "隐", matter="draft: true\n")
    build(site, "--strict")
    assert switch(html(site, "hmm"))["zh"] == "../zh/"


def test_both_appear_or_none(site):
    """A cell that fails in one edition leaves the whole site as it was."""
    build(site, "--strict")
    before = html(site, "walks")
    post(site, "en", "walks", "New title")
    post(site, "zh", "walks", "新", more="<!-- more -->\n\n```python exec\n1 / 0\n```")
    done = build(site, "--strict", check=False)
    assert done.returncode == 1
    assert "docs/zh/posts/walks.md:11: ZeroDivisionError" in done.stderr
    assert html(site, "walks") == before
    assert [path.name for path in site.root.glob(".site*")] == []


def test_a_translation_that_has_drifted_is_told_and_built(site):
    """A warning: a slip mended in the original must not stop the site."""
    post(site, "zh", "walks", "游走", more=CELL.replace("6", "5"))
    done = build(site, "--strict")
    assert "docs/zh/posts/walks.md:1: which state of docs/en/posts/walks.md" in done.stderr
    assert "docs/zh/posts/walks.md:11: this cell does otherwise than" in done.stderr
    assert "35" in html(site, "zh/walks")


def test_one_edition_can_be_built_alone(site):
    """Into its own folder; the others stay."""
    build(site, "--strict")
    before = html(site, "walks")
    post(site, "en", "walks", "New title")
    build(site, "--strict", "-f", "mkdocs.zh.yml")
    assert html(site, "walks") == before
    assert switch(html(site, "zh/walks"))["en"] == "../../walks/"


def test_a_language_without_an_entry_is_told(site):
    """The theme's language says which edition a configuration is."""
    site.write("mkdocs.zh.yml", OTHER.replace("language: zh", "language: fr"))
    done = build(site, "-f", "mkdocs.zh.yml", check=False)
    assert done.returncode == 1
    assert "trellis-editions: no entry for the theme's language, 'fr'" in done.stderr
