"""`import-hexo`: posts move over, what does not is told, nothing is lost."""

from __future__ import annotations

from datetime import date, datetime

import pytest
import yaml

from site_plugins.__main__ import main
from site_plugins.authoring.hexo import import_hexo

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
