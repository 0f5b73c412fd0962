"""Under serve: what was converted, filled in or run before is used again, and nobody can tell."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config

from site_plugins.alike import all_known

ROOT = Path(__file__).parents[1]
CONFIG = """
site_name: T
site_url: https://t.test/sub/
docs_dir: docs
theme: {name: material, font: false, custom_dir: theme, features: [navigation.footer]}
plugins:
  - search
  - blog: {blog_dir: ., post_url_format: "{file}", pagination_per_page: 2, blog_toc: true}
  - tags
  - trellis
  - trellis-search
markdown_extensions:
  - attr_list
  - md_in_html
  - footnotes
  - toc: {permalink: true}
  - pymdownx.highlight
  - pymdownx.superfences
  - pymdownx.tabbed: {alternate_style: true}
  - trellis.cells
  - trellis.formulas
nav: [index.md, a.md, Folder: [b.md, c.md], tags.md]
"""
BODY = """
Opening with $x^2$, a [link](../a.md#first), `code` and a note[^1].

<!-- more -->

## First

$$\\begin{equation}\\label{eq:a} y = x \\end{equation}$$

See $\\eqref{eq:a}$ and <b id="raw">raw</b>.

```python exec
from part import X
X
```

```python src="part.py:f"
```

[^1]: The note, with $z$.
"""
FILES = {
    "mkdocs.yml": CONFIG,
    "part.py": "X = 41\n\n\ndef f():\n    return X\n",
    "theme/partials/copyright.html": "<p>Mine</p>",
    "docs/index.md": "# Blog\n",
    "docs/tags.md": "# Tags\n\n<!-- material/tags -->\n",
    "docs/a.md": "---\ntags: [one]\n---\n# A\n\n## First\n\nText with $\\alpha$.\n",
    "docs/b.md": "# B\n\n[to A](a.md) and [to C](c.md#deep)\n",
    "docs/c.md": '# C\n\n## Deep\n\n=== "Tab"\n\n    In a tab.\n',
    "docs/posts/named.md": "---\ndate: 2026-01-09\ntitle: Named\n---\n"
    "So[^1].\n\n<!-- more -->\n\n[^1]: N\n",
    **{
        f"docs/posts/p{n}.md": f"---\ndate: 2026-01-0{n}\ntags: [one]\ncategories: [C{n % 2}]\n"
        f"---\n# Post {n}\n{BODY.replace('x^2', f'x^{n}')}"
        for n in range(1, 6)
    },
}

# What an author does, one after the other: file, what is replaced (all of it if None), by what;
# or what it is renamed to.
EDITS = {
    "nothing": ("docs/a.md", "Text", "Text"),
    "prose of a post": ("docs/posts/p3.md", "Opening", "An opening"),
    "prose of a page": ("docs/a.md", "Text", "New text"),
    "a title in the navigation": ("docs/b.md", "# B", "# Bee"),
    "a title of a post": ("docs/posts/p2.md", "# Post 2", "# Second post"),
    "a title in the front matter": ("docs/posts/named.md", "title: Named", "title: Called"),
    "a formula": ("docs/a.md", "\\alpha", "\\beta"),
    "a heading that is linked to": ("docs/c.md", "## Deep", "## Deep {#deep}"),
    "a module": ("part.py", "41", "42"),
    "a listing": ("part.py", "return X", "return X + 1"),
    "a cell": ("docs/posts/p1.md", "X\n```", "X + 1\n```"),
    "a tag": ("docs/posts/p4.md", "tags: [one]", "tags: [one, two]"),
    "a category": ("docs/posts/p4.md", "C0", "C7"),
    "a date": ("docs/posts/p5.md", "2026-01-05", "2025-12-31"),
    "a template": ("theme/partials/copyright.html", "Mine", "Yours"),
    "a post added": ("docs/posts/new.md", None, "---\ndate: 2026-02-01\n---\n# New\n\nX\n"),
    "a post removed": ("docs/posts/p1.md", None, None),
    "a post renamed": ("docs/posts/p3.md", "->", "docs/posts/renamed.md"),
    "a page added": ("docs/d.md", None, "# D\n\nOut of the navigation.\n"),
    "the configuration": ("mkdocs.yml", "site_name: T", "site_name: U"),
}
CLEAN = """
import sys
from mkdocs.commands.build import build
from mkdocs.config import load_config
config = load_config("mkdocs.yml", site_dir=sys.argv[1])
config.plugins.on_startup(command="serve", dirty=False)
build(config, serve_url="http://localhost/")
"""


class Serve:
    """A server's rebuilds in this process, without the server."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.started = False

    def build(self) -> dict[str, str]:
        config = load_config(str(self.root / "mkdocs.yml"), site_dir=str(self.root / "served"))
        if not self.started:
            config.plugins.on_startup(command="serve", dirty=False)
            self.started = True
        build(config, serve_url="http://localhost/")
        return pages(self.root / "served")

    def clean_build(self) -> dict[str, str]:
        """What a new process makes of the same files."""
        environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
        command = [sys.executable, "-c", CLEAN, str(self.root / "clean")]
        done = subprocess.run(
            command, cwd=self.root, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return pages(self.root / "clean")


def pages(site: Path) -> dict[str, str]:
    found = [*site.rglob("*.html"), *site.glob("search/*.json"), *site.glob("assets/math/*")]
    return {
        str(file.relative_to(site)): file.read_text(encoding="utf-8", errors="replace")
        for file in found
    }


@pytest.fixture
def served(project, monkeypatch):
    for name, text in FILES.items():
        project.write(name, text)
    monkeypatch.chdir(project.root)
    monkeypatch.setenv("NO_MKDOCS_2_WARNING", "1")
    # The cache of plugins that MkDocs keeps between rebuilds is its class's: start afresh.
    from mkdocs.config.defaults import MkDocsConfig

    monkeypatch.setattr(MkDocsConfig.plugins, "plugin_cache", {})
    return Serve(project.root)


def test_a_rebuild_makes_what_a_clean_build_makes(served, project):
    """After every kind of edit, every page, the search index and the font are the same bytes."""
    served.build()
    for edit, (name, before, after) in EDITS.items():
        path = project.root / name
        if before == "->":
            path.rename(project.root / after)
        elif after is None:
            path.unlink()
        elif before is None:
            project.write(name, after)
        else:
            text = path.read_text(encoding="utf-8")
            assert before in text, edit
            path.write_text(text.replace(before, after), encoding="utf-8")
        rebuilt, clean = served.build(), served.clean_build()
        assert rebuilt.keys() == clean.keys(), edit
        different = [name for name, html in clean.items() if rebuilt[name] != html]
        assert different == [], edit


def test_a_prose_edit_converts_one_page(served, project, monkeypatch):
    """Of all conversions after it, only those of the edited post are made anew."""
    from site_plugins.markup import memo

    made = []
    remember = memo._Late._remember

    def watch(self, root):
        made.append(memo.page_path(self.md).name)
        remember(self, root)

    monkeypatch.setattr(memo._Late, "_remember", watch)
    served.build()
    assert {"p1.md", "a.md"} <= set(made)
    made.clear()
    path = project.root / "docs/posts/p3.md"
    path.write_text(path.read_text(encoding="utf-8") + "\nMore.\n", encoding="utf-8")
    served.build()
    assert set(made) == {"p3.md"}


def test_what_is_known_is_converted_with_what_acts_late(served, project, monkeypatch):
    """After a prose edit only the edited post, and its excerpt, are given every extension."""
    from markdown import Markdown

    made = []
    prepare = Markdown.registerExtensions

    def watch(self, extensions, configs):
        made.append([one for one in extensions if isinstance(one, str)])
        return prepare(self, extensions, configs)

    served.build()
    path = project.root / "docs/posts/p3.md"
    path.write_text(path.read_text(encoding="utf-8").replace("Opening", "Words"), encoding="utf-8")
    monkeypatch.setattr(Markdown, "registerExtensions", watch)
    served.build()
    spare = [names for names in made if names == ["md_in_html", "footnotes"]]
    # a, b, c, tags, the post "named" and its excerpt; of the other posts the links to equations
    # depend on the list that shows them
    assert len(spare) == 6, made


def test_a_failing_cell_is_a_red_panel_in_its_own_page(served, project, caplog):
    """Everything else stays live; the log has the line; mending it mends the page."""
    served.build()
    path = project.root / "docs/posts/p1.md"
    good = path.read_text(encoding="utf-8")
    path.write_text(good.replace("X\n```", "X\n1 / 0\n```"), encoding="utf-8")
    with caplog.at_level(logging.ERROR):
        broken = served.build()
    assert "docs/posts/p1.md:21: ZeroDivisionError" in caplog.text
    assert "trellis-failure" in broken["p1/index.html"]
    assert "File &quot;docs/posts/p1.md&quot;, line 21" in broken["p1/index.html"].replace(
        '"', "&quot;"
    )
    assert "trellis-failure" not in broken["p2/index.html"]
    caplog.clear()
    again = served.build()
    assert "docs/posts/p1.md:21: ZeroDivisionError" in caplog.text, "it is told until it is mended"
    assert "trellis-failure" in again["p1/index.html"]
    path.write_text(good, encoding="utf-8")
    assert "trellis-failure" not in served.build()["p1/index.html"]


def test_only_what_changed_runs(served, project, caplog):
    """A prose edit runs no cell; an edit of a module runs the pages that import it."""
    caplog.set_level(logging.INFO)
    served.build()
    for name, before, after, said in (
        ("docs/posts/p1.md", "Opening", "Words", "Cells run: 0 of 5"),
        ("part.py", "41", "43", "Cells run: 1 of 5"),  # those of all pages are the same
        ("docs/posts/p1.md", "X\n```", "X * 2\n```", "Cells run: 1 of 5"),
    ):
        caplog.clear()
        path = project.root / name
        path.write_text(path.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
        served.build()
        assert said in caplog.text


def test_an_edit_of_a_page_does_not_wait_for_one_that_reads_it(served, project, caplog):
    """Under serve it is shown as it was, and said to be; a change of its data runs it still."""
    caplog.set_level(logging.INFO)
    project.write("data.txt", "data")
    reads = "open('docs/c.md').read()[2], open('data.txt').read()"
    project.write("docs/b.md", f"# B\n\n```python exec\n{reads}\n```\n")
    assert "('C', 'data')" in served.build()["b/index.html"]
    project.write("docs/c.md", "# Deep\n\n## Deep\n")
    caplog.clear()
    site = served.build()
    assert "('C', 'data')" in site["b/index.html"]
    assert '<h1 id="deep">' in site["c/index.html"]
    assert "b.md is shown as it last ran; since then: docs/c.md changed." in caplog.text
    project.write("data.txt", "news")
    assert "('D', 'news')" in served.build()["b/index.html"]


def test_what_is_not_known_to_be_pure_is_not_remembered():
    """An extension that reads other files, or keeps books of its own, is converted each time."""
    from site_plugins.markup.memo import is_pure

    assert is_pure(["toc", "markdown.extensions.tables", "pymdownx.superfences", "trellis.cells"])
    assert not is_pure(["toc", "pymdownx.snippets"])


def test_the_server_rebuilds_once_for_one_edit(served, project):
    """`mkdocs serve` itself: the new output reaches the browser, and no rebuild follows another."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = project.root / "mkdocs.yml"
    config.write_text(CONFIG + "watch: [lib]\n", encoding="utf-8")
    project.write("lib/deep.py", "Y = 5\n")
    project.write("docs/a.md", "# A\n\n```python exec\nfrom lib.deep import Y\nY * 11\n```\n")
    command = [sys.executable, "-m", "mkdocs", "serve", "-a", f"127.0.0.1:{port}"]
    log = project.root / "log"
    with log.open("w") as out, subprocess.Popen(command, cwd=project.root, stderr=out) as server:
        try:
            _until(lambda: "<samp>55</samp>" in _fetch(port))
            time.sleep(1)
            project.write("lib/deep.py", "Y = 6\n")
            _until(lambda: "<samp>66</samp>" in _fetch(port))
            time.sleep(2)
        finally:
            server.terminate()
    said = log.read_text(encoding="utf-8")
    assert said.count("Detected file changes") == 1
    assert "Ran docs/a.md: 1 cells" in said
    assert not list(project.root.glob("lib/__pycache__"))


def _fetch(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/sub/a/", timeout=10) as answer:
            return answer.read().decode()
    except OSError:
        return ""


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_rebuilds_of_this_site_are_quick(monkeypatch):
    """`make serve` loads no plugin for which every page would be made anew at each edit."""
    monkeypatch.setenv("REFERENCE", "false")
    for name in ("mkdocs.yml", "mkdocs.zh.yml"):
        assert all_known(load_config(str(ROOT / name)).plugins)
