"""The peers: an environment for them, and a project of the same articles for each tool.

    python -m benchmarks.peers        # makes .venv-bench, a few seconds

Peers live in an environment of their own on top of the site's, whose packages it sees and
cannot change: what they pull in never reaches the site's pins, and torch is not installed
twice. `TRELLIS_BENCH_VENV` names another place for it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from benchmarks import syntaxes
from benchmarks.corpus import MODULES, Article
from benchmarks.measure import Command

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements-bench.txt"
PEERS = ("markdown-exec", "myst-nb")  # mkdocs-jupyter is among the site's own packages

EXTENSIONS: list[Any] = [
    "admonition",
    "attr_list",
    "def_list",
    "footnotes",
    "md_in_html",
    "tables",
    {"toc": {"permalink": True}},
    "pymdownx.details",
    {"pymdownx.highlight": {"anchor_linenums": True, "line_spans": "__span"}},
    "pymdownx.inlinehilite",
    "pymdownx.superfences",
    {"pymdownx.tabbed": {"alternate_style": True}},
]
OUR_EXTENSIONS = [*EXTENSIONS, "trellis.cells", "trellis.formulas"]
BLOG = {"blog": {"blog_dir": ".", "post_url_format": "{file}"}}


@dataclass(frozen=True, slots=True)
class Project:
    """A folder that one tool builds; `caches` is what it keeps between builds."""

    folder: Path
    argv: Sequence[str]
    caches: Sequence[str]
    output: str

    def command(self, *, cold: bool) -> Command:
        """Return the build as a command; `cold` removes what is kept before each start."""
        return Command(
            self.argv, self.folder, environment(self.folder), self.clear if cold else lambda: None
        )

    def clear(self) -> None:
        for name in (*self.caches, self.output):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def page(self, slug: str) -> str:
        """Return the HTML of one article as built."""
        found = sorted((self.folder / self.output).rglob(f"{slug}*/index.html")) or sorted(
            (self.folder / self.output).rglob(f"{slug}*.html")
        )
        return found[0].read_text(encoding="utf-8")


def environment(folder: Path) -> dict[str, str]:
    """Return what each tool finds set: the project on the path, and no other settings of ours."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {
        **inherited,
        "PYTHONPATH": os.pathsep.join((str(folder), str(ROOT))),
        "NO_MKDOCS_2_WARNING": "1",
        "MPLBACKEND": "agg",
    }


# Projects


def ours(folder: Path, pages: Sequence[Article], hooks: Sequence[str] = ()) -> Project:
    texts = {f"{one.slug}.md": syntaxes.ours(one) for one in pages}
    plugins = ["search", "trellis", "trellis-search"]
    return _mkdocs(folder, texts, plugins, OUR_EXTENSIONS, hooks=hooks)


def our_posts(folder: Path, pages: Sequence[Article]) -> Project:
    """The articles as blog posts, which the theme converts once more for each list of posts."""
    texts = _as_posts({one.slug: syntaxes.ours(one) for one in pages})
    plugins = ["search", BLOG, "trellis", "trellis-search"]
    return _mkdocs(folder, texts, plugins, OUR_EXTENSIONS)


def static(folder: Path, pages: Sequence[Article], outputs: Mapping[str, Sequence[str]]) -> Project:
    """The same pages with the same outputs pasted in: `trellis` is not even loaded."""
    texts = {f"{one.slug}.md": syntaxes.static(one, outputs[one.slug]) for one in pages}
    return _mkdocs(folder, texts, ["search", "trellis-search"], EXTENSIONS)


def static_posts(
    folder: Path, pages: Sequence[Article], outputs: Mapping[str, Sequence[str]]
) -> Project:
    texts = _as_posts({one.slug: syntaxes.static(one, outputs[one.slug]) for one in pages})
    return _mkdocs(folder, texts, ["search", BLOG, "trellis-search"], EXTENSIONS)


def mkdocs_jupyter(folder: Path, pages: Sequence[Article]) -> Project:
    texts = {f"{one.slug}.ipynb": syntaxes.notebook(one) for one in pages}
    plugins = ["search", {"mkdocs-jupyter": {"execute": True}}]
    return _mkdocs(folder, texts, plugins, EXTENSIONS)


def markdown_exec(folder: Path, pages: Sequence[Article]) -> Project:
    texts = {f"{one.slug}.md": syntaxes.markdown_exec(one) for one in pages}
    return _mkdocs(folder, texts, ["search", "markdown-exec"], EXTENSIONS, python=peer_python())


def myst_nb(folder: Path, pages: Sequence[Article]) -> Project:
    """MyST-NB with its cache and the theme that Sphinx takes by itself."""
    return _sphinx(folder, pages, mode="cache", options=())


def myst_nb_parallel(folder: Path, pages: Sequence[Article]) -> Project:
    """MyST-NB on all cores, without its cache: its processes fail at making its tables."""
    return _sphinx(folder, pages, mode="force", options=("-j", "auto"))


def _sphinx(
    folder: Path, pages: Sequence[Article], *, mode: str, options: Sequence[str]
) -> Project:
    texts = {f"docs/{one.slug}.md": syntaxes.myst(one) for one in pages}
    names = "\n".join(one.slug for one in pages)
    index = f"# Corpus\n\n```{{toctree}}\n{names}\n```\n"
    settings = f'extensions = ["myst_nb"]\nproject = "Corpus"\nnb_execution_mode = "{mode}"\n'
    _write(folder, {**MODULES, **texts, "docs/index.md": index, "docs/conf.py": settings})
    argv = [peer_python(), "-m", "sphinx", *options, "docs", "site"]
    return Project(folder, argv, (".jupyter_cache",), "site")


def prose(folder: Path, texts: Mapping[str, str], *, stock: bool) -> Project:
    """A site without cells, with our plugins or as Material alone builds it."""
    blog = [BLOG] if any(name.startswith("posts/") for name in texts) else []
    plugins = ["search", *blog, *([] if stock else ["trellis", "trellis-search"])]
    return _mkdocs(folder, texts, plugins, EXTENSIONS if stock else OUR_EXTENSIONS)


def _mkdocs(
    folder: Path,
    texts: Mapping[str, str],
    plugins: Sequence[Any],
    extensions: Sequence[Any],
    python: str = sys.executable,
    hooks: Sequence[str] = (),
) -> Project:
    settings = {
        "hooks": list(hooks),
        "site_name": "Corpus",
        "site_url": "https://corpus.example/",
        "theme": {"name": "material", "font": False},
        "plugins": list(plugins),
        "markdown_extensions": list(extensions),
    }
    docs = {f"docs/{name}": text for name, text in texts.items()}
    index = {"docs/index.md": "# Corpus\n\nThe front page.\n"}
    _write(folder, {**MODULES, **index, **docs, "mkdocs.yml": json.dumps(settings, indent=1)})
    return Project(folder, [python, "-m", "mkdocs", "build"], (".cache",), "site")


def _as_posts(texts: Mapping[str, str]) -> dict[str, str]:
    """Return pages as posts: a date, and a mark below the first section, cells included."""
    posts = {}
    for day, (slug, text) in enumerate(texts.items(), start=1):
        opening, step, rest = text.partition("## Step 3")
        matter = f"---\ndate: 2026-01-{day:02}\n---\n"
        posts[f"posts/{slug}.md"] = f"{matter}{opening}<!-- more -->\n\n{step}{rest}"
    return posts


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


# The peers' environment


def peer_python() -> str:
    """Return the interpreter of the peers' environment, be it there or not."""
    folder = Path(os.environ.get("TRELLIS_BENCH_VENV", ROOT / ".venv-bench"))
    return str(folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))


def missing(names: Sequence[str] = PEERS) -> list[str]:
    """Return which peers are not installed in their environment."""
    if not Path(peer_python()).exists():
        return list(names)
    code = "from importlib.metadata import distributions as d; print([x.name for x in d()])"
    said = subprocess.run([peer_python(), "-c", code], capture_output=True, text=True, check=False)
    return [name for name in names if f"'{name}'" not in said.stdout]


def set_up(tell: Callable[[str], None] = print) -> None:
    """Make the peers' environment on top of this one, if it is not there."""
    if not missing():
        return
    folder = Path(peer_python()).parent.parent
    tell(f"installing peers into {folder}")
    if not Path(peer_python()).exists():
        venv.create(folder, with_pip=True)
    ask = [peer_python(), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    own = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    # A path in a .pth file comes after the environment's own packages: peers' versions win there.
    (Path(own) / "site_environment.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [peer_python(), "-m", "pip", "install", "--quiet", "-r", str(REQUIREMENTS)]
    subprocess.run(pip, check=True)


def versions(names: Sequence[str]) -> dict[str, str]:
    """Return the versions of these distributions here, peers included where they are there."""
    found = {one.name.lower(): one.version for one in distributions()}
    if not missing(()) and Path(peer_python()).exists():
        code = (
            "import json; from importlib.metadata import distributions as d;"
            " print(json.dumps({x.name.lower(): x.version for x in d()}))"
        )
        asked = subprocess.run([peer_python(), "-c", code], capture_output=True, text=True)
        found = {**json.loads(asked.stdout or "{}"), **found}
    return {name: found[name.lower()] for name in names if name.lower() in found}


if __name__ == "__main__":
    set_up()
