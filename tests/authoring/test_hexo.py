"""`import-hexo`: posts move over, what does not is told, nothing is lost."""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path

import pytest
import yaml

from site_plugins.__main__ import main
from site_plugins.authoring.hexo.body import article_text, with_more
from site_plugins.authoring.hexo.importing import import_hexo
from tests.building import build_here

POST = """---
title: 隐马尔可夫
date: 2019-03-04 05:06:07
updated: 2020-01-02 03:04:05
tags: [hmm, "c++"]
categories:
  - Notes
  - [Models, Notes]
mathjax: true
sticky: 3
---
First paragraph,
two lines.

Second.
{% post_link other %}

![a](pic.png) and {% asset_img pic.png A picture %}

{% codeblock lang:python %}
x = 1
{% endcodeblock %}
"""


@pytest.fixture
def blog(tmp_path):
    posts = tmp_path / "blog/source/_posts"
    posts.mkdir(parents=True)
    (posts / "hmm.md").write_text(POST, encoding="utf-8")
    (posts / "hmm").mkdir()
    (posts / "hmm/pic.png").write_bytes(b"png")
    (tmp_path / "blog/source/_drafts").mkdir()
    (tmp_path / "blog/source/_drafts/idea.md").write_text("title: Idea\n---\nJust this.\n")
    return tmp_path / "blog"


def read(path):
    _, head, body = path.read_text("utf-8").split("---\n", 2)
    return yaml.safe_load(head), body


def test_a_post_is_understood(blog, tmp_path):
    """Its front matter, its pictures, its code, and where its excerpt ends."""
    imported = import_hexo(blog, tmp_path / "posts")
    assert [path.name for path in imported.written] == ["hmm.md", "idea.md"]
    matter, body = read(tmp_path / "posts/hmm.md")
    assert matter == {
        "date": {
            "created": datetime(2019, 3, 4, 5, 6, 7),
            "updated": datetime(2020, 1, 2, 3, 4, 5),
        },
        "title": "隐马尔可夫",
        "tags": ["hmm", "c++"],
        "categories": ["Notes", "Models"],
    }
    assert body.startswith("First paragraph,\ntwo lines.\n\n<!-- more -->\n\nSecond.")
    assert "![a](hmm/pic.png) and ![A picture](hmm/pic.png)" in body
    assert "```python\nx = 1\n```" in body
    assert (tmp_path / "posts/hmm/pic.png").read_bytes() == b"png"


def test_what_is_left_to_do_is_told_at_its_line(blog, tmp_path):
    """Keys without a meaning here, tags of Hexo, what is missing."""
    notes = [str(note) for note in import_hexo(blog, tmp_path / "posts").notes]
    line = POST.split("\n").index("{% post_link other %}") + 1
    assert notes == [
        "_posts/hmm.md:1: no description: say in a sentence what the post is about",
        "_posts/hmm.md:1: sticky: a key that means nothing here; left out",
        f"_posts/hmm.md:{line}: {{% post_link other %}}: a tag of Hexo; write it anew",
        "_drafts/idea.md:1: no date that can be read; its day of import is taken",
        "_drafts/idea.md:1: no description: say in a sentence what the post is about",
    ]


def test_a_draft_stays_one(blog, tmp_path):
    """Without the line above its front matter, as Hexo allows it."""
    import_hexo(blog, tmp_path / "posts")
    matter, body = read(tmp_path / "posts/idea.md")
    assert (matter["title"], matter["draft"], matter["date"]) == ("Idea", True, date.today())
    assert body == "Just this.\n\n<!-- more -->\n"


def test_nothing_is_written_over_and_what_cannot_be_read_is_told(blog, tmp_path):
    """A second run leaves all as it is; a bad file does not stop the others."""
    posts = tmp_path / "posts"
    (blog / "source/_posts/bad.md").write_bytes(b"\xff\xfe\x00")
    (blog / "source/_posts/worse.md").write_text("---\na: [\n---\nx\n")
    assert len(import_hexo(blog, posts).written) == 2
    (posts / "hmm.md").write_text("mine")
    again = import_hexo(blog / "source", posts)
    assert again.written == []
    assert (posts / "hmm.md").read_text() == "mine"
    left_out = [str(note) for note in again.notes if "left out" in note.message]
    assert len(left_out) == 4
    assert any("is there already" in one for one in left_out)


def test_a_marker_of_another_form_is_kept_in_its_place(blog, tmp_path):
    """`<!--more-->` is what Hexo also takes."""
    (blog / "source/_posts/m.md").write_text(
        "---\ndate: 2020-01-01\n---\nA.\n\nB.\n<!--MORE-->\nC.\n"
    )
    import_hexo(blog, tmp_path / "posts")
    assert read(tmp_path / "posts/m.md")[1] == "A.\n\nB.\n<!-- more -->\nC.\n"


def test_the_program(blog, project, monkeypatch, capsys):
    """Where the site's posts are; exit code 1 while something is left to do, 2 for no blog."""
    project.write("mkdocs.yml", "docs_dir: docs\nplugins: {blog: {blog_dir: .}, trellis: {}}\n")
    monkeypatch.chdir(project.root)
    assert main(["import-hexo", str(blog)]) == 1
    said = capsys.readouterr()
    assert said.out == "2 posts written, 5 notes\n"
    assert (project.root / "docs/posts/hmm.md").is_file()
    assert main(["import-hexo", str(project.root)]) == 2
    assert "no _posts/*.md here" in capsys.readouterr().err


CONFIG = """
site_name: T
docs_dir: docs
theme: {name: material, font: false}
plugins:
  blog: {blog_dir: ., post_url_format: "{file}", post_excerpt: required}
  trellis: {}
markdown_extensions: [pymdownx.highlight, pymdownx.superfences, trellis.cells, trellis.formulas]
"""
HEAD = "---\ntitle: T\ndate: 2020-01-01\ndescription: D.\n---\n"
SHOWN = """{% codeblock lang:py %}
{% tabs %} {% asset_img pic.png %} ![](pic.png) [a](/b)
# no heading
<!--more-->
{% endcodeblock %}"""


@pytest.fixture
def add(blog):
    """Write a post of the blog."""

    def write(name, text, encoding="utf-8"):
        file = blog / "source/_posts" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return file

    return write


def notes_of(imported, name):
    return [str(note) for note in imported.notes if note.path == f"_posts/{name}"]


@pytest.mark.parametrize("mark", ["```", "~~~", "````", "> ```", "- ~~~"])
def test_code_stays_as_it_is(blog, add, tmp_path, mark):
    """Pictures, tags, headings and marks in a fence or in a span are what the post shows."""
    close = mark.strip("> -")
    end = f"> {close}" if mark[0] == ">" else close
    text = f"{mark}md\n{SHOWN}\n{end}\n\nA `{{% asset_img a.png %}}` span.\n"
    add("code.md", HEAD + text)
    add("code/pic.png", b"p")
    imported = import_hexo(blog, tmp_path / "posts")
    body = read(tmp_path / "posts/code.md")[1]
    assert body.replace("<!-- more -->\n\n", "").strip() == text.strip()
    assert body.count("<!-- more -->") == 1
    assert notes_of(imported, "code.md") == []


def test_an_unclosed_fence_goes_on_to_the_end(blog, add, tmp_path):
    """As Hexo has it, and it is told where it begins."""
    add("open.md", HEAD + "A.\n\n```md\n{% tabs %}\n")
    notes = notes_of(import_hexo(blog, tmp_path / "posts"), "open.md")
    assert notes == ["_posts/open.md:8: this fence goes on to the end of the post; close it"]
    assert "{% tabs %}" in read(tmp_path / "posts/open.md")[1]


def test_a_mark_in_code_that_ends_the_beginning_too_early_is_told():
    """Material cuts a post at the first one, wherever it stands."""
    _, (note,) = article_text("A `<!-- more -->`.\n\nB.\n\n<!--more-->\n", None, {})
    assert note.place == 3
    assert note.message.startswith("<!-- more --> in code: ")


@pytest.mark.parametrize(
    ("block", "made"),
    [
        ("{% codeblock %}\nx\n{% endcodeblock %}", "```\nx\n```"),
        ("{% code lang:c++ %}\nx\n{% endcode %}", "```c++\nx\n```"),
        (
            "{% codeblock A_b.py lang:py http://x.y/z its source %}\nx\n{% endcodeblock %}",
            "**A\\_b.py** [its source](http://x.y/z)\n\n```py\nx\n```",
        ),
        (
            "{% codeblock %}\n```\n````x\n```\n{% endcodeblock %}",
            "`````\n```\n````x\n```\n`````",
        ),
        ("{% code %}\nx\n{% endcode %} tail", "```\nx\n```\n\n tail"),
        (
            "- a\n\n  {% codeblock T %}\n  x\n  {% endcodeblock %}",
            "- a\n\n  **T**\n\n  ```\n  x\n  ```",
        ),
    ],
)
def test_a_block_of_code_is_a_fence(block, made):
    """Long enough for the fences that it shows, below its title."""
    text, notes = article_text(f"{block}\n\n<!-- more -->\n", None, {})
    assert text == f"{made}\n\n<!-- more -->\n"
    assert notes == []


def test_options_of_a_block_of_code_that_are_lost_are_told():
    """They number and mark lines."""
    _, (note,) = article_text("{% codeblock mark:1,3 %}\nx\n{% endcodeblock %}", None, {})
    assert note == (0, "codeblock: mark:1,3: left out")


def test_a_fence_with_a_title_is_told():
    """It would be shown as prose."""
    _, notes = article_text("```js A title\nx\n```\n```js\ny\n```", None, {})
    (note,) = notes
    assert "```js A title: expected a language, found 'A title' too" in note.message


@pytest.mark.parametrize(
    "first",
    [
        "Two\nlines.",
        "```\na\n\nb\n```",
        "Text:\n~~~\na\n\nb\n~~~",
        "$$\na\n\nb\n$$",
        "- a\n\n  more of a\n\n- b\n* c",
        "1. a\n\n2. b",
        "Text:\n- a\n\n- b",
        "| a |\n|---|\n| b |",
        "# Heading\n\nText.",
        "Heading\n===\n\nText.",
        "<div>\n\ntext\n\n</div>",
        "{% tabs %}\na\n\nb\n{% endtabs %}",
        "!!! note\n\n    text",
    ],
)
def test_the_beginning_is_one_whole_block(first):
    """What goes on after a blank line is not cut."""
    assert with_more(f"\n{first}\n\nRest.\n\nEnd.\n") == (
        f"{first}\n\n<!-- more -->\n\nRest.\n\nEnd.\n"
    )
    assert with_more(first) == f"{first}\n\n<!-- more -->\n"
    assert with_more("") == "<!-- more -->\n"


def test_headings_make_room_for_the_title():
    """The first heading of the first level would be taken for it."""
    text = "# A\n\n###### F\n\nB `b`\n===\n\nC\n---\n\n```\n# c\n```\n\n<!-- more -->\n"
    lower = text.replace("# A", "## A").replace("B `b`\n===", "## B `b`")
    lower = lower.replace("C\n---", "### C")
    assert article_text(text, "T", {})[0] == lower
    assert article_text(text, "A", {})[0] == text
    assert article_text(text, None, {})[0] == text
    assert article_text("`c`\n===\n\n<!-- more -->\n", "T", {})[0].startswith("## `c`\n\n")
    ruled = "# A\n\n```\na\n\n```\n---\n\n<!-- more -->\n"
    assert article_text(ruled, "T", {})[0] == f"#{ruled}"
    for untouched in ("## A\n\n<!-- more -->\n", "- a\n---\n\n<!-- more -->\n"):
        assert article_text(untouched, "T", {})[0] == untouched


@pytest.mark.parametrize(
    ("said", "made"),
    [
        ("{% asset_img a.png %}", "![](p/a.png)"),
        ("{% asset_img a.png Two words %}", "![Two words](p/a.png)"),
        ('{% asset_img a.png "T t" %}', "![T t](p/a.png)"),
        ("""{% asset_img a.png "T" 'A a' %}""", '![A a](p/a.png "T")'),
        ("""{% asset_img a.png '"T" "A a"' %}""", '![A a](p/a.png "T")'),
        ('{% asset_img "b c.png" "[T]" %}', "![\\[T\\]](p/b%20c.png)"),
        ("{% asset_img sub/d.png %}", "![](p/sub/d.png)"),
        ("![x](sub/d.png 'T')", "![x](p/sub/d.png 'T')"),
        ("![x](./b%20c.png)", "![x](p/b%20c.png)"),
        ("[x](a.png#f)", "[x](p/a.png#f)"),
        ("![x](p/a.png)", "![x](p/a.png)"),
        ("[x]: a.png", "[x]: p/a.png"),
    ],
)
def test_files_of_a_post_are_found(said, made):
    """In Hexo's words or in Markdown."""
    lie = {"a.png": "p/a.png", "b c.png": "p/b c.png", "sub/d.png": "p/sub/d.png"}
    lie["p/a.png"] = "p/a.png"
    text, notes = article_text(f"{said}\n\n<!-- more -->\n", None, lie)
    assert text == f"{made}\n\n<!-- more -->\n"
    assert notes == []


def test_the_size_of_a_picture_is_told():
    """Of the documented `[class names] slug [width] [height] [title text [alt text]]`."""
    said = '{% asset_img left a.png 500 400 "title" "alt text" %}'
    text, (note,) = article_text(said, None, {"a.png": "p/a.png"})
    assert text.startswith('![alt text](p/a.png "title")\n')
    assert note == (0, f"{said}: left, 500, 400 left out, it means nothing here")
    text, (note,) = article_text("{% asset_img v1.x a.png %}", None, {"a.png": "p/a.png"})
    assert text.startswith("![](p/a.png)\n")
    assert "v1.x left out" in note.message


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("![](/images/x.png)", "/images/x.png: leads to the old site's root; copy the file"),
        ("[a](/2019/a/)", "/2019/a/: leads to the old site's root; link the article's .md"),
        ("[a]: /2019/a/", "/2019/a/: leads to the old site's root"),
        ('<a href="/2019/a/">a</a>', "/2019/a/: leads to the old site's root"),
        ("<img alt='' src='/x.png'>", "/x.png: leads to the old site's root; copy the file"),
        ('<img src="a.png">', '<img src="a.png">: links in HTML stay as they are'),
        ('<img src="no.png">', "no.png: no such file in the post's folder"),
        ("![](no.png)", "no.png: no such file in the post's folder"),
        ("{% asset_img no.png %}", "{% asset_img no.png %}: no such file in the post's folder"),
        ("{% img /x.png 50% %}", "{% img /x.png 50% %}: a tag of Hexo"),
    ],
)
def test_what_leads_nowhere_is_told(said, told):
    """At its place."""
    _, (note,) = article_text(f"A\n\n{said}", None, {"a.png": "p/a.png"})
    assert note.place in (3, 3 + said.find("/"), 3 + said.find("no.png"))
    assert note.message.startswith(told)
    outside = "![](//x.y/z.png) ![](https://x.y/z.png) [a](#b) <!-- {% x %} -->"
    assert article_text(outside, None, {})[1] == []


@pytest.mark.parametrize(
    "text",
    [
        '"title": "Hello",\n"date": "2013/7/13"\n;;;\nText.\n',
        ';;;\n"title": "Hello",\n"date": "2013/7/13",\n;;;\nText.\n',
        "title: Hello\ndate: 2013-7-13\n---\nText.\n",
        "-----\ntitle: Hello\ndate: 2013/7/13\n----\nText.\n",
        "\ufeff---\r\ntitle: Hello\r\ndate: 2013-07-13\r\n---\r\nText.\r\n",
        "---\ntitle:\tHello\ndate: 2013-07-13\n---   \nText.",
    ],
)
def test_front_matter_of_every_form(blog, add, tmp_path, text):
    """JSON or YAML, with or without a line above, with lines of several lengths."""
    add("form.md", text)
    import_hexo(blog, tmp_path / "posts")
    matter, body = read(tmp_path / "posts/form.md")
    assert (matter["title"], matter["date"]) == ("Hello", date(2013, 7, 13))
    assert body == "Text.\n\n<!-- more -->\n"


def test_front_matter_may_end_the_file(blog, add, tmp_path):
    """Without an end of the line."""
    add("end.md", "---\ntitle: E\n---")
    import_hexo(blog, tmp_path / "posts")
    assert read(tmp_path / "posts/end.md")[0]["title"] == "E"


@pytest.mark.parametrize(
    "text", ["A: b: c\n\n---\n\nE.\n", "A: b\n\n---\n\nE.\n", "A.\n\n---\n\nE.\n"]
)
def test_prose_with_a_rule_is_imported_whole(blog, add, tmp_path, text):
    """What stands above the rule may look like YAML, or like bad YAML."""
    add("prose.md", text)
    imported = import_hexo(blog, tmp_path / "posts")
    body = (tmp_path / "posts/prose.md").read_text().split("---\n", 2)[2]
    assert body == text.replace("\n\n---", "\n\n<!-- more -->\n\n---")
    assert notes_of(imported, "prose.md")[0].startswith("_posts/prose.md:1: no front matter: ")


@pytest.mark.parametrize(
    "text", ['"title": "Hello\n;;;\nText.\n', "---\ntags: &a [*a]\n---\n", "---\na: !x b\n---\n"]
)
def test_bad_front_matter_is_told(blog, add, tmp_path, text):
    """Nothing of the post is written."""
    add("json.md", text)
    (note,) = notes_of(import_hexo(blog, tmp_path / "posts"), "json.md")
    assert "left out, its front matter cannot be read: " in note
    assert not (tmp_path / "posts/json.md").exists()


@pytest.mark.parametrize(
    ("name", "said", "created", "told"),
    [
        ("2019-03-04-t.md", "", date(2019, 3, 4), None),
        ("2019-3-4-t.md", "date: 2018/1/2", date(2018, 1, 2), None),
        ("2019-03-04-t.md", "date: soon", date(2019, 3, 4), "date: 'soon' cannot be read as a day"),
        ("t.md", "date: 2019-02-30", date.today(), "date: '2019-02-30' cannot be read as a day"),
        ("t.md", "date: 5", date.today(), "date: 5 cannot be read as a day"),
        ("t.md", "updated: soon\ndate: 2019-1-1", date(2019, 1, 1), "updated: 'soon' cannot be"),
    ],
)
def test_the_day_of_a_post(blog, add, tmp_path, name, said, created, told):
    """As it says, as its file is called, or today; what cannot be read is quoted."""
    add(name, f"---\ntitle: T\ndescription: D.\n{said}\n---\nText.\n")
    imported = import_hexo(blog, tmp_path / "posts")
    assert read(tmp_path / "posts" / name)[0]["date"] == created
    notes = notes_of(imported, name)
    assert len(notes) == (told is not None)
    assert all(told in note for note in notes)


def test_old_addresses_are_told(blog, add, tmp_path):
    """Whoever linked to the post knows them."""
    add("a.md", HEAD.replace("---\nt", "---\nabbrlink: 1f2e\npermalink: /x/y\nt"))
    first, second = notes_of(import_hexo(blog, tmp_path / "posts"), "a.md")
    assert "abbrlink: its old address, with '1f2e', is gone" in first
    assert "permalink: its old address, with '/x/y', is gone" in second


def test_a_draft_may_say_so_itself(blog, add, tmp_path):
    """Nothing is published that was not."""
    for name, said in [("a", "draft: true"), ("b", "published: false"), ("_c", "title: C")]:
        add(f"{name}.md", f"---\n{said}\n---\n")
    import_hexo(blog, tmp_path / "posts")
    assert all(read(tmp_path / f"posts/{name}.md")[0]["draft"] for name in ("a", "b", "_c"))


@pytest.mark.parametrize("suffix", [".markdown", ".mkd", ".mdown", ".mkdn", ".MD"])
def test_posts_end_as_hexo_has_it(blog, add, tmp_path, suffix):
    """Each is one article and no file of another."""
    add(f"hmm/other{suffix}", HEAD)
    import_hexo(blog, tmp_path / "posts")
    assert (tmp_path / "posts/other.md").is_file()
    assert [file.name for file in (tmp_path / "posts/hmm").iterdir()] == ["pic.png"]


def test_posts_of_one_name(blog, add, tmp_path):
    """The one nearest to the top has it, the others are called after their folders, each time."""
    for name in ("a/hmm.md", "a/b/hmm.md", "hmm.mkd", "foo/index.md", "c/foo.md"):
        add(name, HEAD + "![](pic.png)\n")
    add("a/hmm/pic.png", b"another")
    add("foo/pic.png", b"foo's")
    posts = tmp_path / "posts"
    imported = import_hexo(blog, posts)
    names = sorted(path.name for path in imported.written)
    assert names == [
        *("a-hmm.md", "b-hmm.md", "foo.md", "hmm.md", "idea.md", "posts-foo.md", "posts-hmm.md")
    ]
    assert "](posts-foo/pic.png)" in (posts / "posts-foo.md").read_text()
    assert (posts / "a-hmm/pic.png").read_bytes() == b"another"
    assert "](a-hmm/pic.png)" in (posts / "a-hmm.md").read_text()
    assert (posts / "hmm/pic.png").read_bytes() == b"png"
    told = [note for note in map(str, imported.notes) if "this one becomes" in note]
    assert "_posts/a/hmm.md:1: hmm.md is _posts/hmm.md; this one becomes a-hmm.md" in told
    assert len(told) == 4
    assert import_hexo(blog, posts).written == []


def test_no_page_is_replaced(blog, add, tmp_path):
    """Neither the front page nor another page of the site."""
    for name in ("index.md", "README.md", "tags.md", "about.md"):
        add(name, HEAD)
    (tmp_path / "about").mkdir()
    (tmp_path / "about/index.md").write_text("mine")
    (tmp_path / "tags.md").write_text("mine")
    imported = import_hexo(blog, tmp_path / "posts")
    assert [path.name for path in imported.written] == ["hmm.md", "idea.md"]
    front = "left out, an article of this name would be the front page; rename it"
    assert notes_of(imported, "index.md") == [f"_posts/index.md:1: {front}"]
    assert notes_of(imported, "README.md") == [f"_posts/README.md:1: {front}"]
    for name, page in (("tags.md", "tags.md"), ("about.md", "about/index.md")):
        (note,) = notes_of(imported, name)
        assert note.endswith(f"would be that of {tmp_path / page}; rename one")


def test_no_file_is_written_over(blog, add, tmp_path):
    """A file beside the article that was there stays; one that is the same is not told."""
    add("hmm/same.png", b"same")
    beside = tmp_path / "posts/hmm"
    beside.mkdir(parents=True)
    (beside / "pic.png").write_bytes(b"mine")
    (beside / "same.png").write_bytes(b"same")
    imported = import_hexo(blog, tmp_path / "posts")
    assert (beside / "pic.png").read_bytes() == b"mine"
    told = [note for note in notes_of(imported, "hmm.md") if "png" in note and "left out" in note]
    there = f"{beside / 'pic.png'} is there already, and another; rename one"
    assert told == [f"_posts/hmm.md:1: pic.png: left out, {there}"]


def test_what_cannot_be_read_stops_nothing(blog, add, tmp_path):
    """A link to nowhere, a folder called like a post, a link round in a circle, a lost file."""
    posts = blog / "source/_posts"
    os.symlink("nowhere", posts / "dangling.md")
    os.symlink("nowhere", posts / "hmm/gone.png")
    os.symlink("..", posts / "hmm/round")
    add("m.md/inner.md", HEAD)
    add("stray.png", b"s")
    add("index.md", HEAD)  # owns nothing of what lies beside it
    add(".hidden.md", HEAD)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "linked.md").write_text(HEAD)
    os.symlink(elsewhere, posts / "linked")
    imported = import_hexo(blog, tmp_path / "posts")
    names = [path.name for path in imported.written]
    assert sorted(names) == ["hmm.md", "idea.md", "inner.md", "linked.md"]
    notes = [str(note) for note in imported.notes]
    assert "_posts/dangling.md:1: left out, it cannot be read: No such file or directory" in notes
    assert any(note.startswith("_posts/hmm.md:1: gone.png: left out, it cannot") for note in notes)
    assert any(note.startswith("_posts/hmm/round:1: left out, this link leads") for note in notes)
    assert any(note.startswith("_posts/m.md:1: expected a post, found a folder") for note in notes)
    assert any(note.startswith("_posts/stray.png:1: left out, it lies in no") for note in notes)


def test_a_post_that_cannot_be_written_is_told(blog, tmp_path, monkeypatch):
    """Nothing half-written stays, and the next one is tried."""

    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("site_plugins.authoring.hexo.importing._write_new", full)
    imported = import_hexo(blog, tmp_path / "posts")
    assert imported.written == []
    told = [note.message for note in imported.notes if "cannot be written" in note.message]
    assert len(told) == 2
    assert told[0].endswith("hmm.md cannot be written: No space left on device")


@pytest.mark.parametrize("where", ["blog", "blog/source", "blog/source/_posts"])
def test_the_folder_may_be_the_working_directory(blog, tmp_path, monkeypatch, where):
    """`import-hexo .`, from wherever the blog lies."""
    monkeypatch.chdir(tmp_path / where)
    names = [path.name for path in import_hexo(Path(), tmp_path / "posts").written]
    assert names[0] == "hmm.md"


def test_where_nothing_can_go_on_one_line_says_why(blog, project, monkeypatch, capsys):
    """A file for a folder, a folder that is closed."""
    project.write("mkdocs.yml", "docs_dir: docs\nplugins: {blog: {blog_dir: .}, trellis: {}}\n")
    project.write("file", "mine")
    monkeypatch.chdir(project.root)
    for to in ("file", "file/posts"):
        assert main(["import-hexo", str(blog), "--to", to]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"{to}: expected a folder for posts, found: ")
        assert line.endswith("; name one with --to")
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert main(["import-hexo", str(blog), "--to", "closed"]) == 2
    assert "closed: this folder may not be written to" in capsys.readouterr().err
    assert (project.root / "file").read_text() == "mine"


def test_a_hostile_blog_builds(add, blog, project, monkeypatch, capsys):
    """Strictly, with the title of the front matter on the page."""
    project.write("mkdocs.yml", CONFIG)
    project.write("docs/index.md", "# Blog\n")
    add("fence.md", f"---\ntitle: Fence\ndate: 2019/3/4 1:02:03\n---\n```md\n{SHOWN}\n```\n")
    zone = "date: 2019-01-01 10:00:00 +08:00\nupdated: 2019-01-02"
    add("heads.md", f"---\ntitle: The title\n{zone}\n---\n# Part\n\nText.\n\nB\n===\n")
    add("formula.md", HEAD + "$$\nx\n$$\n\n- a\n\n- b\n")
    add("code.md", HEAD + "{% codeblock T lang:py %}\n```\n\n```\n{% endcodeblock %}\n")
    add("foo/index.md", HEAD + "![a](pic%20b.png)\n")
    add("foo/pic b.png", b"p")
    add("foo/index.html", b"<p>A demo</p>")
    monkeypatch.chdir(project.root)
    assert main(["import-hexo", str(blog)]) == 1
    told = "_posts/foo/index.md:1: index.html: left out, its address would be that of the article"
    assert told in capsys.readouterr().err
    root = build_here()
    assert "A demo" not in (root / "foo/index.html").read_text()
    heads = (root / "heads/index.html").read_text()
    assert "<h1>The title</h1>" in heads
    assert "{% codeblock lang:py %}" in (root / "fence/index.html").read_text()
    assert (root / "foo/pic b.png").is_file()
