r"""A page's Markdown as its author sees it: front matter, prose without code, headings, links.

    text --read--> Text(matter, source, headings, links, ids, labels, lines)

Code and comments are blotted out with spaces, so that lines and columns stay, and nothing in
them is taken for a heading or a link. What these are the site's own Markdown says (`rendered`);
it forgets the lines, which are looked up again in the source.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import yaml
from pymdownx.slugs import slugify

from site_plugins.authoring.rendered import Heading, Link, rendered
from site_plugins.markup.formulas import CODE, FRONT_MATTER
from site_plugins.notebooks.reading import Notebook
from site_plugins.pages import front_matter, notebook_matter

_slugify: Callable[[str, str], str] = slugify(case="lower")

_FIGURE = re.compile(r"^ *#\| *label: *(\S+)", re.MULTILINE)
_NO_ALT = r"(?<!\\)!\[\s*\]"
_BEGIN, _END = r"(?:\]\([\s>]*<?|\]:\s*<?|<|=\s*[\"']?)", r"(?=[\s)>\"'])"  # around a link's target


@dataclass(frozen=True)
class Text:
    """What stands in a page."""

    matter: dict[str, Any]
    source: str  # without code and comments; the same number of lines
    headings: tuple[Heading, ...]
    links: tuple[Link, ...]
    ids: frozenset[str]  # whatever has an address, headings too
    labels: tuple[str, ...]  # of figures that cells draw
    lines: Sequence[int]  # of the file, for each of the source's: a notebook's are not 1, 2, 3

    def line_of(self, place: int) -> int:
        """Return the line of the file of a place in the source."""
        return self.lines[line_of(self.source, place) - 1]


def slug(title: str) -> str:
    """Return a title as an address: lower case, hyphens between words of any script."""
    return _slugify(title, "-")


def written(matter: Mapping[str, Any]) -> str:
    """Return front matter as YAML in its own order: a key a line, lists on one line."""
    return str(
        yaml.dump(
            dict(matter),
            Dumper=_Written,
            sort_keys=False,
            allow_unicode=True,
            default_flow_style=False,
            width=float("inf"),
        )
    )


class _Written(yaml.SafeDumper):
    """YAML as authors write it by hand."""

    def represent_sequence(
        self, tag: str, sequence: Any, flow_style: bool | None = None
    ) -> yaml.SequenceNode:
        # Within brackets a moment would need a tag before it, and a mapping braces.
        plain = all(isinstance(one, str | int | float) for one in sequence)
        return super().represent_sequence(tag, sequence, flow_style=plain)

    def represent_str(self, data: str) -> yaml.ScalarNode:
        # Ends of lines that nobody sees, but YAML 1.1: only these quotes keep them.
        style = '"' if re.search("[\x85\u2028\u2029]", data) else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)

    def ignore_aliases(self, data: Any) -> bool:
        """No `&id001` where a post was made and changed at the same moment."""
        return True


_Written.add_representer(str, _Written.represent_str)


def read(text: str) -> Text:
    """Return what stands in a page. ValueError where its front matter has no meaning."""
    prose = FRONT_MATTER.sub(_blot, text)
    lines = range(1, text.count("\n") + 2)
    return _text(front_matter(text), prose, lines, _FIGURE.findall(text))


def read_prose(notebook: Notebook) -> Text:
    """Return what stands in the Markdown cells of a notebook, as if they were one page."""
    prose, lines = "", list[int]()
    for block in notebook.blocks:
        if block.kind == "markdown":
            prose += f"{block.source}\n\n"
            lines += [*block.lines, block.lines[-1]]
    return _text(notebook_matter(notebook), prose, [*lines, lines[-1] if lines else 1], ())


def line_of(text: str, place: int) -> int:
    """Return the line of a place in a text, from 1."""
    return text.count("\n", 0, place) + 1


def _text(matter: dict[str, Any], prose: str, lines: Sequence[int], labels: Sequence[str]) -> Text:
    # Code spans are words of a heading, and so of its address: here they stay.
    prose = CODE.sub(lambda found: found[0] if found["ticks"] else _blot_code(found), prose)
    source = CODE.sub(_blot_code, prose)
    found = rendered(prose)
    return Text(
        matter,
        source,
        tuple(_placed_headings(found.headings, prose, lines)),
        tuple(_placed_links(found.links, source, lines)),
        frozenset(found.ids),
        tuple(labels),
        lines,
    )


def _blot(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def _blot_code(found: re.Match[str]) -> str:
    """Blot code and comments out, but no fence that nothing closes: it is none."""
    last = found[0].rpartition("\n")[2].strip(" \t>")
    return found[0] if found["marks"] not in (None, last) else _blot(found)


def _placed_headings(
    headings: Sequence[Heading], prose: str, lines: Sequence[int]
) -> Iterator[Heading]:
    """Yield headings with their lines, each looked for below the one before."""
    below = 0
    for heading in headings:
        words = [re.escape(word) for word in re.findall(r"[^\W_]+", heading.title)[:1]]
        # Without the word where it is written in another way: `**D**raw`, `&lt;`, a formula.
        found = (_heading(heading.level, word).search(prose, below) for word in (*words, ""))
        place = next((one for one in found if one), None)
        below = place.end() if place else below
        yield heading._replace(line=lines[line_of(prose, place.start()) - 1] if place else lines[0])


def _heading(level: int, word: str) -> re.Pattern[str]:
    """Return what finds a heading with this word: after `#`, above a rule, in HTML."""
    forms = [rf"^[ \t>]*(?:[-*+] +|\d+[.] +)?#{{{level}}}(?!#)[^\n]*?{word}"]
    if level < 3:
        forms.append(rf"^(?=[^\n]*\S)[^\n]*?{word}[^\n]*\n[ \t>]*{'=-'[level - 1]}+[ \t]*$")
    forms.append(rf"<h{level}\b[^>]*>[^<]*{word}")
    return re.compile("|".join(forms), re.MULTILINE | re.IGNORECASE)


def _placed_links(links: Sequence[Link], source: str, lines: Sequence[int]) -> Iterator[Link]:
    """Yield links with their lines: the nth of a target stands where the source has its nth."""
    seen = Counter[str]()
    for link in links:
        pattern = _link(link)
        starts = [found.start("to") for found in re.finditer(pattern, source)]
        nth = min(seen[pattern], len(starts) - 1)
        seen[pattern] += 1
        yield link._replace(line=lines[line_of(source, starts[nth]) - 1] if starts else lines[0])


def _link(link: Link) -> str:
    if link.is_image and link.alt == "" and not link.is_html:
        return rf"(?P<to>{_NO_ALT})"  # where it is used, not where its target may be defined
    target, quoted = re.escape(link.target), re.escape(escape(link.target))
    return rf"{_BEGIN}(?P<to>{target}|{quoted}){_END}"
