"""What a built site shows, counted from its HTML alone: the same for whatever built it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

SIGNS = {
    "cells": r"data-trellis-cell=",
    "outputs": r'class="trellis-output',
    "figures": r'<figure class="trellis-figure"',
    "listings": r'<div class="trellis-listing"',
    "code blocks": r'class="(?:[^"]* )?highlight(?: [^"]*)?"',
    "formulas": r"<math\b",
    "numbered equations": r"<mtext>\(\d+\)</mtext></mtd>",
    "tables": r"<table>",
    "problems": r"trellis-problem|formula-error",
}

Counts = Mapping[str, Counter[str]]


def counted(site: Path) -> Counts:
    """Return for each page of a site, by its path, how often each sign is in it."""
    return {
        str(file.relative_to(site)): _signs(file.read_text(encoding="utf-8"))
        for file in sorted(site.rglob("*.html"))
    }


def _signs(html: str) -> Counter[str]:
    return Counter({name: len(re.findall(sign, html)) for name, sign in SIGNS.items()})


def formulas(html: str) -> list[str]:
    return re.findall(r"<math\b.*?</math>", html, re.DOTALL)


def said(html: str) -> list[str]:
    """Return what the cells of a page have said."""
    return re.findall(r"<samp>.*?</samp>", html, re.DOTALL)


def table(sites: Mapping[str, Counts]) -> str:
    """Return the totals of several sites side by side, in Markdown."""
    lines = ["| | " + " | ".join(sites) + " |", "| --- |" + " ---: |" * len(sites)]
    pages = [f"{len(counts):,}" for counts in sites.values()]
    totals = [sum(counts.values(), Counter()) for counts in sites.values()]
    rows = {"pages": pages} | {name: [f"{each[name]:,}" for each in totals] for name in SIGNS}
    return "\n".join(
        [*lines, *(f"| {name} | " + " | ".join(row) + " |" for name, row in rows.items())]
    )
