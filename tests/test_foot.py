"""How pages ran, on the pages: the same from build to build, and commands that run."""

import hashlib
import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.test_mkdocs_plugin import CONFIG, build, html, post

FULL = CONFIG + "validation: {nav: {omitted_files: ignore}}\n"
MODULE = """def answer():
    return 41


if __name__ == "__main__":
    print("the answer is", answer())
"""
CELLS = """```python exec
#| provenance: true
from lib.part import answer
```

```python exec
answer()
```"""


@pytest.fixture
def site(project, monkeypatch):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    project.write("mkdocs.yml", FULL)
    project.write("docs/index.md", "# Blog\n")
    project.write("docs/reference/part.md", "# lib.part\n")
    project.write("lib/part.py", MODULE)
    post(project, "uses", CELLS)
    return project


def everything(site):
    return {
        path.relative_to(site.root / "site"): path.read_bytes()
        for path in (site.root / "site").rglob("*")
        if path.is_file() and path.suffix not in (".gz",)  # the site map has a clock of its own
    }


def test_a_cell_says_when_and_with_what_it_ran(site):
    """Below the block that asks for it, with a link to the page of its module; no other block."""
    build(site, "--strict")
    page = html(site, "uses")
    [line] = re.findall(r'<p class="trellis-provenance.*?</p>', page)
    assert '<a href="../reference/part/">lib.part</a>' in line
    assert re.search(r'<time datetime="20\d\d-\d\d-\d\d">', line)


def test_a_link_in_an_excerpt_leads_from_the_list(site):
    """The front page shows the beginning of a post: seen from there, the module is elsewhere."""
    post(site, "uses", "").write_text(
        f"---\ndate: 2026-01-02\n---\n# T\n\n{CELLS}\n\n<!-- more -->\n\nRest.\n"
    )
    build(site, "--strict")
    front = (site.root / "site/index.html").read_text(encoding="utf-8")
    assert '<a href="reference/part/">lib.part</a>' in front
    assert "trellis-foot" not in front


def test_building_again_changes_nothing(site):
    """The day is that of the run, not that of the build: the cache keeps it."""
    build(site)
    before = everything(site)
    [entry] = (site.root / ".cache/trellis").glob("??/*.json")
    build(site)
    assert everything(site) == before
    _, body = entry.read_bytes().split(b"\n", 1)
    day = re.search(rb'"day": "([\d-]+)"', body)[1]
    older = body.replace(day, b"2020-02-02")

    entry.write_bytes(hashlib.sha256(older).hexdigest().encode() + b"\n" + older)
    build(site)
    assert html(site, "uses").count('datetime="2020-02-02"') == 2


def test_two_reproducible_builds_from_nothing_are_equal(site, monkeypatch):
    """SOURCE_DATE_EPOCH is the day, and seconds are left out."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    built = []
    for _ in range(2):
        shutil.rmtree(site.root / ".cache", ignore_errors=True)
        build(site)
        built.append(everything(site))
    assert built[0] == built[1]
    assert 'Ran on <time datetime="2001-09-09">2001-09-09</time> with' in html(site, "uses")


def test_the_commands_at_the_foot_run(site):
    """Each, as it stands, in the project's folder; the script was downloaded there."""
    build(site, "--strict")
    shutil.copy(site.root / "site/uses/uses.py", site.root)
    code = re.search(r"trellis-foot.*?<code>(.*?)</code>", html(site, "uses"), re.DOTALL)[1]
    commands = [line for line in code.split("\n") if not line.startswith("#")]
    said = []
    for command in commands:
        name, *rest = command.split()
        assert name == "python"
        done = subprocess.run(
            [sys.executable, *rest], cwd=site.root, env=os.environ, capture_output=True, text=True
        )
        assert done.returncode == 0, (command, done.stderr)
        said.append(done.stdout)
    assert commands == [
        "python -m site_plugins run docs/posts/uses.md --force",
        "python uses.py",
        "python -m lib.part",
    ]
    assert "docs/posts/uses.md: 2 cells" in said[0]
    assert said[2] == "the answer is 41\n"


def test_a_page_without_cells_has_no_foot(site):
    """Nor has any page of a site that does not want it; the option of all cells holds for all."""
    build(site)
    assert "trellis-foot" not in html(site, "reference/part")
    assert html(site, "uses").count("trellis-foot") == 1
    said = "  - trellis: {foot: false, cells: {provenance: true}}"
    site.write("mkdocs.yml", FULL.replace("  - trellis\n", said + "\n", 1))
    build(site)
    assert "trellis-foot" not in html(site, "uses")
    assert html(site, "uses").count("trellis-provenance") == 2


def test_a_slip_in_the_option_is_told(site):
    """With the option that was meant."""
    post(site, "uses", CELLS.replace("provenance", "provenence"))
    done = build(site, check=False)
    assert "unknown option 'provenence'; did you mean 'provenance'?" in done.stderr


def test_a_chinese_site_speaks_chinese(site):
    """All that the plugin says, by the language of the theme; the script too."""
    site.write("mkdocs.yml", FULL.replace("font: false", "font: false, language: zh"))
    build(site, "--strict")
    page = html(site, "uses")
    for said in ("自己运行", "本页如何运行", "运行于", "下载：", 'aria-label="第 2 个单元的输出"'):
        assert said in page
    assert "放大图片" in (site.root / "site/assets/trellis/figures.js").read_text(encoding="utf-8")
