"""content.json has the schema and the flags of hexo-generator-json-content."""

from __future__ import annotations

import doctest
import json
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mkdocs.exceptions import PluginError

from site_plugins.search import content_settings as settings_module
from site_plugins.search.content import SiteMeta, content_entry, content_json
from site_plugins.search.content_dates import moment
from site_plugins.search.content_settings import ContentError, content_settings
from tests.building import build_loaded

from . import sites

SITE = SiteMeta(
    title="Test", url="https://blog.example/sub/path/", description="Words", author="Ann"
)
ONE_FLAG = {"meta": False, "pages": False, "posts": {"title": True}}


def post(url="hmm/", **meta):
    """Return the entry of a post with an excerpt."""
    return content_entry(
        {"date": date(2026, 11, 21), **meta},
        url=url,
        title="Markov <b>models</b>",
        excerpt="About a < b.",
        text="About a < b. The rest.",
        raw="About `a < b`.\n\n<!-- more -->\n\nThe rest.\n",
        content="<p>About <code>a &lt; b</code>.</p><!-- more --><p>The rest.</p>",
        categories={"Sequence models": "category/sequence-models/"},
        tags={"hmm": "tags/#tag:hmm", "c++": "tags/#tag:c"},
    )


def published(said, *, pages=(), posts=(), site=SITE):
    return json.loads(content_json(content_settings(said), site, pages=pages, posts=posts))


def only(flag, entry, **said):
    """Return what a file says of one post under one flag; KeyError if it says nothing."""
    return published({**ONE_FLAG, "posts": {flag: True}, **said}, posts=[entry])[0][flag]


def test_all_that_is_on_by_default():
    """What the peer, run under Hexo 8.1.2, writes of such a site, but for the addresses."""
    about = content_entry(
        {"date": date(2026, 1, 1)},
        url="about/",
        title="About",
        excerpt="",
        text="About this.",
        raw="About this.",
        content="<p>About this.</p>",
    )
    of_post = post(tags=["hmm", "c++"], categories=["Sequence models"], comments=True)
    found = published({}, pages=[about], posts=[of_post])
    category = {
        "name": "Sequence models",
        "slug": "sequence-models",
        "permalink": "https://blog.example/sub/path/category/sequence-models/",
    }
    tags = [
        {
            "name": "hmm",
            "slug": "hmm",
            "permalink": "https://blog.example/sub/path/tags/#tag:hmm",
        },
        {"name": "c++", "slug": "c", "permalink": "https://blog.example/sub/path/tags/#tag:c"},
    ]
    assert found == {
        "meta": {
            "title": "Test",
            "subtitle": "",
            "description": "Words",
            "author": "Ann",
            "url": "https://blog.example/sub/path",
            "root": "/sub/path/",
        },
        "pages": [
            {
                "title": "About",
                "slug": "about",
                "date": "2026-01-01T00:00:00.000Z",
                "updated": "2026-01-01T00:00:00.000Z",
                "comments": False,
                "path": "about/",
                "permalink": "https://blog.example/sub/path/about/",
                "excerpt": "",
                "text": "About this.",
            }
        ],
        "posts": [
            {
                "title": "Markov <b>models</b>",
                "slug": "hmm",
                "date": "2026-11-21T00:00:00.000Z",
                "updated": "2026-11-21T00:00:00.000Z",
                "comments": True,
                "path": "hmm/",
                "permalink": "https://blog.example/sub/path/hmm/",
                "excerpt": "About a < b.",
                "text": "About a < b. The rest.",
                "categories": [category],
                "tags": tags,
            }
        ],
        "categories": [category],
        "tags": tags,
    }
    assert list(found) == ["meta", "pages", "posts", "categories", "tags"]


def test_the_example_of_the_issue_is_a_bare_array():
    """With `meta` off and posts alone, the file is the list of posts, with the keys asked for."""
    said = {
        "meta": False,
        "pages": False,
        "posts": {"title": True, "date": True, "path": True, "tags": True},
    }
    assert published(said, pages=[post()], posts=[post()]) == [
        {
            "title": "Markov <b>models</b>",
            "date": "2026-11-21T00:00:00.000Z",
            "path": "hmm/",
            "tags": [],
        }
    ]


@pytest.mark.parametrize(
    ("said", "keys"),
    [
        ({}, ["meta", "pages", "posts", "categories", "tags"]),
        ({"meta": False}, ["pages", "posts", "categories", "tags"]),
        ({"pages": False}, ["meta", "posts", "categories", "tags"]),
        ({"pages": False, "posts": False}, ["meta", "categories", "tags"]),
        ({"meta": False, "posts": False}, None),
        ({"meta": False, "pages": False}, None),
    ],
)
def test_the_outer_shape(said, keys):
    """An array, if one section is all there is; else an object with an index of the terms."""
    found = published(said, pages=[post()], posts=[post()])
    assert (list(found) if keys else len(found)) == (keys or 1)


def test_a_section_that_is_on_has_the_flags_it_has_without_a_word():
    """`posts: true` is the default: neither raw nor content nor description."""
    assert content_settings({"posts": True}) == content_settings({})
    assert {"raw", "content", "description"}.isdisjoint(content_settings({}).posts)


def test_a_flag_that_is_not_named_is_off_and_keys_keep_their_order():
    """As in the peer, a mapping says all; what it does not name is not written."""
    said = {**ONE_FLAG, "posts": {"tags": True, "slug": True, "date": False, "title": True}}
    assert list(published(said, posts=[post()])[0]) == ["tags", "slug", "title"]


def test_flags_that_are_off_by_default():
    """`raw` is the source, `content` the HTML, `description` what the front matter says."""
    entry = post(description="Two\nlines", link="https://x.example/", author="Bo")
    assert only("raw", entry) == entry.raw
    assert only("content", entry) == entry.content
    assert only("description", entry) == "Two lines"
    assert only("description", post()) == ""
    assert only("link", entry) == "https://x.example/"
    assert only("author", entry) == "Bo"


def test_what_has_no_value_is_left_out():
    """As JSON.stringify leaves out what is undefined."""
    flags = dict.fromkeys(("title", "link", "author", "date", "updated"), True)
    entry = post(date=None)
    assert list(published({**ONE_FLAG, "posts": flags}, posts=[entry])[0]) == ["title"]


def test_posts_are_newest_first():
    """By the moment, not by what is written; those of one moment by their addresses."""
    east, west = timezone(timedelta(hours=8)), timezone(timedelta(hours=-8))
    posts = [
        post("undated/", date="soon"),
        post("b/", date=datetime(2026, 1, 1, 12, tzinfo=UTC)),
        post("west/", date=datetime(2026, 1, 1, 11, tzinfo=west)),
        post("a/", date=datetime(2026, 1, 1, 12)),
        post("east/", date=datetime(2026, 1, 1, 13, tzinfo=east)),
    ]
    found = published({**ONE_FLAG, "posts": {"path": True}}, posts=posts)
    assert [one["path"] for one in found] == ["west/", "a/", "b/", "east/", "undated/"]


def test_pages_stay_in_their_order():
    """They are not dated."""
    said = {"meta": False, "posts": False, "pages": {"path": True}}
    found = published(said, pages=[post("b/"), post("a/")])
    assert [one["path"] for one in found] == ["b/", "a/"]


@pytest.mark.parametrize(
    ("meta", "said", "shown"),
    [
        ({}, {}, True),
        ({"draft": True}, {}, False),
        ({"draft": True}, {"drafts": True}, True),
        ({"draft": False}, {}, True),
        ({"hidden": True}, {}, False),
        ({"password": "x"}, {}, False),
        ({"password": "x", "hidden": False}, {}, True),
        ({}, {"ignore": {"paths": ["HM"]}}, False),
        ({}, {"ignore": {"paths": ["hm/x"]}}, True),
        ({"tags": ["Foo"]}, {"ignore": {"tags": ["#foo"]}}, False),
        ({"tags": ["food"]}, {"ignore": {"tags": ["foo"]}}, True),
        ({"tags": ["foo"], "hidden": False}, {"ignore": {"tags": ["foo"]}}, True),
        ({"draft": True, "hidden": False}, {}, False),
    ],
)
def test_what_is_left_out(meta, said, shown):
    """Drafts, what is hidden or locked, and what is ignored unless `hidden: false`."""
    assert len(published({**ONE_FLAG, **said}, posts=[post(**meta)])) == shown


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (date(2026, 11, 21), "2026-11-21T00:00:00.000Z"),
        (datetime(2026, 11, 21, 9, 8, 7, 6999), "2026-11-21T09:08:07.006Z"),
        (
            datetime(2026, 11, 21, 1, 30, tzinfo=timezone(timedelta(hours=8))),
            "2026-11-20T17:30:00.000Z",
        ),
        ("2026-11-21T10:00:00+01:00", "2026-11-21T09:00:00.000Z"),
        ("2026-11-21", "2026-11-21T00:00:00.000Z"),
        ({"created": date(2026, 11, 21), "updated": date(2026, 12, 1)}, "2026-11-21T00:00:00.000Z"),
    ],
)
def test_dates_are_moments_in_utc(written, read):
    """As JSON.stringify writes them: ISO 8601, three digits of a second, and Z."""
    assert only("date", post(date=written)) == read


@pytest.mark.parametrize(
    "written", ["soon", "", 2026, None, [], {"made": 1}, "0001-01-01T00:00:00+08:00"]
)
def test_dates_that_make_no_sense(written):
    """They are no dates; nothing raises."""
    assert post(date=written).date is None


def test_updated():
    """From Material's mapping, else from Hexo's key, else the day of publication."""
    mapped = {"created": date(2026, 1, 1), "updated": date(2026, 1, 2)}
    assert only("updated", post(date=mapped, updated=date(2026, 1, 3)))[:10] == "2026-01-02"
    assert only("updated", post(updated=date(2026, 1, 3)))[:10] == "2026-01-03"
    assert only("updated", post())[:10] == "2026-11-21"


@pytest.mark.parametrize(
    ("date_format", "written"),
    [
        ("DD/MM/YYYY", "05/02/2026"),
        ("D.M.YY H:m:s", "5.2.26 0:7:9"),
        ("dddd, MMMM DD [at] hh:mm A", "Thursday, February 05 at 12:07 AM"),
        ("ddd MMM h a", "Thu Feb 12 am"),
        ("YYYY-MM-DDTHH:mm:ss.SSSZ", "2026-02-05T00:07:09.045+08:00"),
        ("[D]ZZ []", "D+0800 "),
        ("日期 YYYY年M月", "日期 2026年2月"),
    ],
)
def test_a_date_format_is_that_of_moment(date_format, written):
    """What moment 2.31 writes; in the author's own offset, not in UTC."""
    at = datetime(2026, 2, 5, 0, 7, 9, 45678, tzinfo=timezone(timedelta(hours=8)))
    assert only("date", post(date=at), dateFormat=date_format) == written


@pytest.mark.parametrize(
    ("url", "path", "slug", "permalink"),
    [
        ("", "", "index", ""),
        ("index.html", "index.html", "index", "index.html"),
        ("a/b/", "a/b/", "b", "a/b/"),
        ("a/b.html", "a/b.html", "b", "a/b.html"),
        ("v1.2/", "v1.2/", "v1.2", "v1.2/"),
        ("%E5%89%8D%20x/", "前 x/", "前 x", "%E5%89%8D%20x/"),
    ],
)
def test_addresses(url, path, slug, permalink):
    """`path` is from the root of the site and readable, `permalink` whole and a URL."""
    assert only("path", post(url)) == path
    assert only("slug", post(url)) == slug
    assert only("permalink", post(url)) == f"https://blog.example/sub/path/{permalink}"


def test_an_address_with_and_without_its_last_slash():
    """They are one."""
    bare = SiteMeta(title="Test", url="https://blog.example/sub/path", description="Words")
    slashed = SiteMeta(title="Test", url="https://blog.example/sub/path/", description="Words")
    assert published({}, posts=[post()], site=bare) == published({}, posts=[post()], site=slashed)


def test_a_site_without_an_address():
    """Its permalinks are from the root of whatever host it comes to."""
    found = published({}, posts=[post()], site=SiteMeta(title="Test", url=""))
    assert found["posts"][0]["permalink"] == "/hmm/"
    assert (found["meta"]["url"], found["meta"]["root"]) == ("", "/")


@pytest.mark.parametrize(
    ("url", "slug", "permalink"),
    [
        ("tags/#tag:hmm", "hmm", "https://blog.example/sub/path/tags/#tag:hmm"),
        ("./#tag:hmm", "hmm", "https://blog.example/sub/path/#tag:hmm"),
        ("tags.html#tag:前向", "前向", "https://blog.example/sub/path/tags.html#tag:前向"),
        ("category/a-b.html", "a-b", "https://blog.example/sub/path/category/a-b.html"),
        ("https://x.example/t/#hmm", "hmm", "https://x.example/t/#hmm"),
        ("tags/#tag:", "hmm", "https://blog.example/sub/path/tags/#tag:"),
    ],
)
def test_tags_lead_to_where_they_are_listed(url, slug, permalink):
    """Name, slug and permalink, each once, as Material addresses listings and categories."""
    entry = content_entry(
        {"tags": ["HMM", "HMM"]}, url="x/", title="", excerpt="", text="", raw="", content="",
        tags={"HMM": url},
    )  # fmt: skip
    assert only("tags", entry) == [{"name": "HMM", "slug": slug, "permalink": permalink}]


def test_tags_that_nothing_lists_have_no_permalink():
    """Nor do they get a false one."""
    assert only("tags", post(tags=["Deep Nets"])) == [{"name": "Deep Nets", "slug": "deep-nets"}]


def test_terms_are_listed_once_and_only_if_shown():
    """The index holds what entries show, pages first."""
    posts = [post("a/", tags=["c++", "hmm", "hmm"]), post("b/", tags=["hmm"], draft=True)]
    said = {"pages": {"tags": True}}
    found = published(said, pages=[post(tags=["hmm"])], posts=posts)
    assert [one["name"] for one in found["tags"]] == ["hmm", "c++"]
    assert published({"posts": {"title": True}}, posts=posts)["tags"] == []


def test_keywords_are_the_words_of_the_excerpt():
    """Lower case, each once, without those that every text has; off unless a language is set."""
    entry = content_entry(
        {}, url="x/", title="", text="", raw="", content="",
        excerpt="The Viterbi path isn't the 2nd path: it's a well-known, viterbi 12 PATH.",
    )  # fmt: skip
    assert only("keywords", entry, keywords="english") == "viterbi path well-known"
    with pytest.raises(KeyError):
        only("keywords", entry)


@given(st.text(alphabet=st.characters(codec=None)), st.text())
def test_any_text_is_valid_json(title, excerpt):
    """Control characters, half surrogate pairs, quotes: what is written is read back."""
    entry = content_entry({}, url="x/", title=title, excerpt=excerpt, text="", raw="", content="")
    said = {**ONE_FLAG, "keywords": "english", "posts": {"title": True, "keywords": True}}
    assert published(said, posts=[entry])[0]["title"] == title


def test_the_file_is_compact_and_utf8():
    """As JSON.stringify writes it."""
    entry = content_entry({}, url="", title="前\ud800\n", excerpt="", text="", raw="", content="")
    written = content_json(content_settings(ONE_FLAG), SITE, pages=[], posts=[entry])
    assert written == '[{"title":"前\\ud800\\n"}]'.encode()


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"post": True}, "content: expected one of meta, .*, found 'post'; did you mean 'posts'?"),
        ({"meta": 1}, "content.meta: expected true or false, found 1"),
        ({"posts": None}, "content.posts: expected true, false or a mapping of flags, found None"),
        ({"posts": ["title"]}, r"content.posts: .*, found \['title'\]"),
        ({"posts": {"tilte": True}}, "content.posts: .*, found 'tilte'; did you mean 'title'?"),
        ({"posts": {1: True}}, "content.posts: expected one of title, .*, found 1"),
        ({"pages": {"title": "yes"}}, "content.pages.title: expected true or false, found 'yes'"),
        ({"pages": {}}, "content.pages: expected at least one flag that is on, or false, found {}"),
        ({"pages": {"title": False}}, "content.pages: expected at least one flag"),
        ({"meta": False, "pages": False, "posts": False}, "content: .* found all off; to write no"),
        ({"file": 1}, "content.file: expected a file name, found 1"),
        ({"file": ""}, "content.file: expected a file below .*, found ''"),
        ({"file": "../x.json"}, "content.file: expected a file below .*, found '../x.json'"),
        ({"file": "/etc/x.json"}, "content.file: expected a file below .*, found '/etc/x.json'"),
        ({"drafts": "no"}, "content.drafts: expected true or false, found 'no'"),
        ({"keywords": "french"}, "content.keywords: expected 'english' or false, found 'french'"),
        ({"dateFormat": True}, "content.dateFormat: expected a format of moment.js, found True"),
        ({"dateFormat": "YYYY w"}, r"content.dateFormat: expected YYYY .*, found 'w' in 'YYYY w'"),
        ({"dateFormat": "DDD"}, "content.dateFormat: expected YYYY .*, found 'DDD' in 'DDD'"),
        ({"ignore": []}, r"content.ignore: expected a mapping, found \[\]"),
        ({"ignore": {"path": []}}, "content.ignore: .*, found 'path'; did you mean 'paths'?"),
        ({"ignore": {"tags": "x"}}, "content.ignore.tags: expected a list of strings, .*'x'"),
        ({"ignore": {"paths": [""]}}, r"content.ignore.paths: .*, found \[''\]"),
    ],
)
def test_a_slip_is_told(said, error):
    """An error names the key, what it expects and what it found."""
    with pytest.raises(ContentError, match=f"^{error}"):
        content_settings(said)


def test_the_file_may_have_another_name():
    """`file` is below the root of the site, in a folder if so wished."""
    assert content_settings({}).file == "content.json"
    assert content_settings({"file": "api/all.json"}).file == "api/all.json"


def test_moments_keep_their_offset():
    """A date format shows the hour that the author wrote."""
    assert moment("2026-11-21T10:00:00+01:00").hour == 10


def test_the_example_in_the_docstring():
    """It does what it says."""
    assert doctest.testmod(settings_module).failed == 0


def configured(root, said):
    """Write the small blog with options for the plugin."""
    sites.write(root)
    ours = f"  - trellis-search: {json.dumps(said)}\n"
    text = sites.CONFIG.replace("  - trellis-search\n", ours)
    (root / "mkdocs.yml").write_text(text, encoding="utf-8")


def site_with(root, said, **posts):
    """Build the small blog with options for the plugin and further posts."""
    configured(root, said)
    for name, text in posts.items():
        (root / f"docs/posts/{name}.md").write_text(text, encoding="utf-8")
    sites.build_site(root)
    return root / "site"


def test_without_the_option_there_is_no_file(site):
    """It is off until an author asks for it."""
    assert not (site / "content.json").exists()


def test_the_example_of_the_issue_built(tmp_path):
    """The posts of a blog as a bare array, newest first; drafts and what is excluded are not."""
    said = {
        "meta": False,
        "pages": False,
        "posts": {"title": True, "date": True, "path": True, "tags": True},
    }
    draft = "---\ndate: 2026-12-24\ndraft: true\n---\n# Draft\n\nSoon.\n"
    secret = "---\ndate: 2026-12-25\nsearch: {exclude: true}\n---\n# Secret\n"
    site = site_with(tmp_path, {"content": said}, draft=draft, secret=secret)
    assert json.loads((site / "content.json").read_bytes()) == [
        {
            "title": "Markov models",
            "date": "2026-11-21T00:00:00.000Z",
            "path": "hmm/",
            "tags": [
                {
                    "name": "hmm",
                    "slug": "hmm",
                    "permalink": "https://blog.example/sub/path/tags/#tag:hmm",
                },
                {
                    "name": "c++",
                    "slug": "c",
                    "permalink": "https://blog.example/sub/path/tags/#tag:c",
                },
            ],
        },
        {
            "title": sites.HOSTILE,
            "date": "2026-11-20T00:00:00.000Z",
            "path": "bad/",
            "tags": [
                {
                    "name": sites.HOSTILE,
                    "slug": "img-src-x-onerror-window-hacked-1",
                    "permalink": "https://blog.example/sub/path/tags/#tag:",
                }
            ],
        },
    ]


def test_all_of_a_site(tmp_path):
    """Pages are the author's own; every permalink leads to something that is there."""
    (tmp_path / "docs").mkdir()
    authors = "authors: {bo: {name: Bo, description: Author, avatar: a.png}}\n"
    (tmp_path / "docs/.authors.yml").write_text(authors)
    new = (
        "---\ndate: {created: 2026-12-24, updated: 2026-12-25}\nauthors: [bo]\n---\n"
        "# New `x`\n\nBefore\n$a$ &amp; **a**fter `<b>`:\n\n```python\nx = 1 < 2\n```\n\n"
        "<!-- more -->\n\n## Then\n\nThe rest.\n"
    )
    flags = dict.fromkeys(("path", "excerpt", "text", "raw", "content", "author", "updated"), True)
    said = {"posts": {**flags, "categories": True, "permalink": True}, "file": "api/all.json"}
    site = site_with(tmp_path, {"content": said}, new=new)
    found = json.loads((site / "api/all.json").read_bytes())
    assert found["meta"]["title"] == "Test"
    assert sorted(page["path"] for page in found["pages"]) == ["", "about/", "tags/"]
    assert "name" not in "".join(page["text"] for page in found["pages"])  # Material's marks
    newest, hmm, _ = found["posts"]
    assert newest["path"] == "new/"
    assert newest["updated"] == "2026-12-25T00:00:00.000Z"
    assert newest["author"] == "Bo"
    assert newest["excerpt"] == "Before $a$ & after <b>: x = 1 < 2"
    assert newest["text"] == "Before $a$ & after <b>: x = 1 < 2 Then The rest."
    assert newest["raw"] == new
    assert '<h2 id="then">' in newest["content"]
    assert hmm["excerpt"] == "An excerpt about gargoyles."
    assert [one["slug"] for one in found["categories"]] == ["sequence-models"]
    for one in (*found["pages"], *found["posts"], *found["categories"]):
        below = one["permalink"].removeprefix("https://blog.example/sub/path/")
        assert (site / below / "index.html").is_file()


def test_a_slip_in_the_configuration_stops_the_build(tmp_path):
    """Before any page is read, with the key, what it expects and what it found."""
    configured(tmp_path, {"content": {"posts": {"title": "yes"}}})
    config = sites.load(tmp_path)
    error = "trellis-search: content.posts.title: expected true or false, found 'yes'"
    with pytest.raises(PluginError, match=error):
        config.plugins.on_config(config)


def test_a_second_build_begins_empty(tmp_path):
    """Under serve one plugin sees many builds."""
    site_with(tmp_path, {"content": {}})
    config = sites.load(tmp_path)
    build_loaded(config)
    first = (tmp_path / "site/content.json").read_bytes()
    build_loaded(config)
    assert (tmp_path / "site/content.json").read_bytes() == first
