"""Links of a page that leaves its site: `Document --led_home--> Document` with full addresses.

A notebook or script lies wherever its reader has put it, and `hmm.md` is not beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from site_plugins.markup.formulas import CODE
from site_plugins.notebooks.documents import Document, Prose

Address = Callable[[str], str | None]  # of a relative link; None where it leads to no page

_TARGET = re.compile(
    rf"(?P<code>{CODE.pattern})"
    r"|(?P<before>\]\(<?|^ {0,3}\[[^\]\n]+\]:[ \t]+<?)(?P<to>[^\s()<>#:?]+)(?=[\s)>#?]|\Z)",
    re.DOTALL | re.MULTILINE,
)
# Also within a notebook's JSON, and more than links: these are only asked where they lead.
_NAMED = re.compile(r"\](?:\(|:\s)\s*<?([^\s()<>#:?\"\\]+)")


def named_addresses(text: str, address_of: Address) -> dict[str, str]:
    """Return what the links of a page's file depend on: where each of them leads."""
    found = {to: address_of(to) for to in sorted(set(_NAMED.findall(text)))}
    return {to: address for to, address in found.items() if address}


def led_home(document: Document, address_of: Address) -> Document:
    """Return a document whose links and pictures have the addresses that these have on the site."""

    def lead(found: re.Match[str]) -> str:
        to = None if found["code"] else address_of(found["to"])
        return f"{found['before']}{to}" if to else found[0]

    parts = (
        replace(one, text=_TARGET.sub(lead, one.text)) if isinstance(one, Prose) else one
        for one in document.parts
    )
    return replace(document, parts=tuple(parts))
