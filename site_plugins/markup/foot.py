"""How a page ran, and how to run it oneself: below a cell that asks for it, and at the page's foot.

    Entry + Used --provenance_line--> a line below a cell
    Run           --page_foot-->      downloads and two folds

A link to a module's own page is written as `trellis:NAME`, with an anchor as `trellis:NAME#PLACE`,
for whoever knows where pages are: `resolve` puts addresses in, or takes links away. The day is the
one that the store has kept, so that building again changes nothing; how long it took is left out of
a reproducible build.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from site_plugins.engine.provenance import Used
from site_plugins.markup.phrases import Phrases

_LINK = re.compile(r'<a href="trellis:([\w.]+)(#[\w.]+)?">(.*?)</a>')


@dataclass(frozen=True, slots=True)
class Run:
    """What the foot of a page tells."""

    day: str
    seconds: float
    used: Used
    downloads: Mapping[str, str]  # an address for each of `ipynb` and `py`, as far as offered
    command: str  # that runs the page
    programs: Sequence[str]  # modules that can be run


def provenance_line(day: str, seconds: float, used: Used, says: Phrases) -> str:
    """Return the line below a cell: when it ran, how long, with what."""
    listed = [*_packages(used.packages), *map(_module, used.modules)]
    line = _ran(day, seconds, says) + _used(listed, says)
    return f'<p class="trellis-provenance" data-search-exclude>{line}</p>'


def page_foot(run: Run, says: Phrases) -> str:
    """Return what stands at the foot of a page."""
    parts = [_fold(says.run_it, _commands(run, says)), _fold(says.how_it_ran, _how(run, says))]
    names = {"ipynb": says.notebook, "py": says.script}
    links = [
        f'<a href="{escape(address)}" download>{names[kind]}</a>'
        for kind, address in run.downloads.items()
    ]
    if links:
        parts.append(f"<p>{_filled(says.download, links, says)}</p>")
    return "\n".join(['<div class="trellis-foot" data-search-exclude>', *parts, "</div>"])


def listing_link(path: str, name: str, documented: bool, shown: str) -> str:
    """Return a link to where the reference tells of a piece of a module, or of the module.

    The reference shows what is documented and public.
    """
    module = path.removesuffix(".py").replace("/", ".")
    if not all(part.isidentifier() for part in module.split(".")):
        return shown
    public = documented and not any(part.startswith("_") for part in name.split("."))
    return _module(module, shown, f"#{module}.{name}" if public else "")


def resolve(html: str, address: Callable[[str], str | None]) -> str:
    """Return HTML with links to modules resolved; without a link where `address` knows none."""
    if "trellis:" not in html:
        return html

    def resolved(found: re.Match[str]) -> str:
        module, place, shown = found.groups("")
        to = address(module)
        return f'<a href="{escape(to + place)}">{shown}</a>' if to else shown

    return _LINK.sub(resolved, html)


def _how(run: Run, says: Phrases) -> str:
    packages = {"Python": platform.python_version(), **run.used.packages}
    line = _ran(run.day, run.seconds, says) + _used(_packages(packages), says)
    if run.used.modules:
        line += f"<br>{_filled(says.snippets, map(_module, run.used.modules), says)}"
    return f"<p>{line}</p>"


def _commands(run: Run, says: Phrases) -> str:
    lines = [f"# {says.this_page}", run.command]
    if script := run.downloads.get("py"):
        lines += [f"# {says.this_script}", f"python {script}"]
    if run.programs:
        lines += [f"# {says.programs}", *(f"python -m {name}" for name in run.programs)]
    code = escape("\n".join(lines))
    return f"<p>{says.in_a_clone}</p>\n<pre><code>{code}</code></pre>"


def _fold(summary: str, content: str) -> str:
    return f'<details class="trellis-fold"><summary>{summary}</summary>{content}</details>'


def _ran(day: str, seconds: float, says: Phrases) -> str:
    took = "" if "SOURCE_DATE_EPOCH" in os.environ else says.took.format(seconds=_rounded(seconds))
    return says.ran.format(day=f'<time datetime="{day}">{day}</time>', took=took)


def _rounded(seconds: float) -> str:
    if seconds < 0.1:
        return "&lt; 0.1"
    return f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.1f}"


def _packages(versions: Mapping[str, str]) -> list[str]:
    return [f"{escape(name)} {escape(version)}" for name, version in versions.items()]


def _module(name: str, shown: str = "", place: str = "") -> str:
    return f'<a href="trellis:{name}{place}">{shown or name}</a>'


def _used(listed: Sequence[str], says: Phrases) -> str:
    return _filled(says.used, listed, says) if listed else ""


def _filled(phrase: str, listed: Iterable[str], says: Phrases) -> str:
    return phrase.format(listed=says.comma.join(listed))
