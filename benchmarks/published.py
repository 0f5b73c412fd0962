"""The published site in Lighthouse, on a phone as slow as it makes one, beside a stock blog.

    python -m benchmarks.published [--rounds 5] [--json benchmarks/results/published.json]

Both are built from the same Markdown, served packed, and visited in turn; medians are told.
The stock blog is Material as its documentation sets a blog up, with two kindnesses: it asks no
font host, and loads no MathJax, so that its formulas stay TeX. Its cells are code; nothing ran.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import program
from benchmarks.report import Page, Part, table
from tests.browsing import CHROMIUM, FLAGS, Gzipping, served

ROOT = Path(__file__).parents[1]
LIGHTHOUSE = "lighthouse@12.8.2"  # the last that Node 20 runs
PAGES = {"front page": "", "article": "hmm-evaluation/", "archive": "archive/2026/"}
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
STOCK = """
site_name: Trellis
site_description: Articles about algorithms that run what they explain.
site_url: !ENV SITE_URL
theme: {name: material, font: false, language: en}
plugins: [search, {blog: {blog_dir: ., post_url_format: "{file}"}}, tags]
markdown_extensions:
  - attr_list
  - tables
  - toc: {permalink: true}
  - pymdownx.highlight
  - pymdownx.superfences
  - pymdownx.arithmatex: {generic: true}
"""
PAGE = Page(
    "The published site",
    "Written by `python -m benchmarks.published`. Lighthouse, mobile; medians of visits in turn.\n"
    "Shift: cumulative layout shift. KiB: over the wire, packed. The stock blog is Material\n"
    "with the same Markdown, without outputs, figures and formulas.",
    ("mkdocs", "mkdocs-material"),
)


@contextmanager
def sites() -> Iterator[dict[str, str]]:
    """Build both blogs, and give their addresses."""
    with TemporaryDirectory() as folder:
        stock = Path(folder, "stock")
        shutil.copytree(ROOT / "docs/en/posts", stock / "docs/posts")
        (stock / "docs/index.md").write_text("# Blog\n", encoding="utf-8")
        (stock / "mkdocs.yml").write_text(STOCK, encoding="utf-8")
        ours = Path(folder, "ours")
        with served(ours, Gzipping) as here, served(stock / "site", Gzipping) as there:
            _build(ROOT, here, "--strict", "--site-dir", str(ours))
            _build(stock, there, "--quiet")
            yield {"Trellis": here, "stock Material": there}


def _build(root: Path, address: str, *options: str) -> None:
    environment = {**os.environ, "SITE_URL": address, "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", *options]
    subprocess.run(command, cwd=root, env=environment, check=True, capture_output=True)


def visit(address: str, *, tries: int = 3) -> dict[str, float]:
    """Return what Lighthouse says of a page: scores of 100, layout shift, KiB over the wire.

    What fails, as when a browser does not start, gets another try.
    """
    done = subprocess.run(
        [
            *("npm", "exec", "--yes", LIGHTHOUSE, "--", address, "--quiet", "--output=json"),
            f"--only-categories={','.join(CATEGORIES)}",
            f"--chrome-flags={FLAGS}",
        ],
        env={**os.environ, "CHROME_PATH": str(CHROMIUM)},
        capture_output=True,
        text=True,
    )
    said: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
    if not said or said.get("runtimeError"):
        if tries == 1:
            raise RuntimeError(
                f"Lighthouse at {address}: {said.get('runtimeError') or done.stderr}"
            )
        return visit(address, tries=tries - 1)
    audits = said["audits"]
    return {
        **{name: 100 * said["categories"][name]["score"] for name in CATEGORIES},
        "shift": audits["cumulative-layout-shift"]["numericValue"],
        "KiB": audits["total-byte-weight"]["numericValue"] / 1024,
    }


def lighthouse(rounds: int) -> Part:
    found: dict[str, dict[str, list[dict[str, float]]]] = {}
    with sites() as addresses:
        for _ in range(rounds):
            for page, path in PAGES.items():
                for name, address in addresses.items():
                    visits = found.setdefault(page, {}).setdefault(name, [])
                    visits.append(visit(address + path))
    rows = []
    for page, by_site in found.items():
        for name, visits in by_site.items():
            middle = {key: median(one[key] for one in visits) for key in visits[0]}
            scores = [f"{middle[key]:.0f}" for key in CATEGORIES]
            rows.append(
                [f"{page}, {name}", *scores, f"{middle['shift']:.3f}", f"{middle['KiB']:.0f}"]
            )
    header = ("", "performance", "accessibility", "best practices", "SEO", "shift", "KiB")
    return Part("lighthouse", "Lighthouse", table(header, rows), found)


PARTS = {"lighthouse": lighthouse}


def main(argv: Sequence[str] | None = None) -> int:
    parser = program.parser("published", PARTS)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(argv)
    if not (CHROMIUM and shutil.which("npm")):
        parser.error("Lighthouse needs Chromium and npm")
    return program.measure("published", PAGE, PARTS, options, argv, options.rounds)


if __name__ == "__main__":
    raise SystemExit(main())
