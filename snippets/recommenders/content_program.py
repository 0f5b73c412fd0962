"""What `python -m snippets.recommenders.content` does: read tags, recommend, and say why.

    movies.csv --read_catalogue--> Catalogue
    Ratings, Catalogue --joined--> the same with one numbering of the items, rated or not

A line of tags is `item,tags` or `item,title,...,tags`, tags joined by |. Without a file a small
world is read, which has tags of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from snippets.program import Parser, opened, run
from snippets.recommenders import program, reading
from snippets.recommenders.content import Reason, because, content, tf_idf
from snippets.recommenders.ratings import Ratings
from snippets.recommenders.reading import TOLD
from snippets.recommenders.top import recommend

REASONS = 3  # that are told of an item
NO_TAGS = "(no genres listed)"  # as MovieLens says it
ROLES = {  # names of columns, in lower case, without spaces and underscores
    "item": ("id", *reading.NAMES["item"]),
    "title": ("title", "name"),
    "tags": ("tags", "tag", "genres", "genre", "keywords", "categories", "topics"),
}

# Tags in a file -------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Catalogue:
    """What items there are, and what is known about them."""

    item_names: tuple[str, ...]
    titles: tuple[str, ...]  # the name of an item that has none
    tag_names: tuple[str, ...]
    tags: csr_array  # (I, G) ones


def read_catalogue(
    path: str | Path, *, skip_bad: Callable[[str], object] | None = None
) -> Catalogue:
    """Return the items of a file, plain or .gz; - is standard input.

    A line is an item, its title if there are more than two columns, and last its tags, joined
    by |; a header may name them in another order. An item on several lines has the tags of all.

    skip_bad: is told of each line that cannot be read, which is then left out

    Raises ValueError, beginning with path:line, for lines that cannot be read, and for none.
    """
    bad, found, titles = list[str](), dict[str, set[str]](), dict[str, str]()
    with opened(path) as (lines, name):
        rows, at = _below_header(reading.rows_of(lines), name)
        for number, cells in rows:
            try:
                item, title, tags = _entry(cells, at)
            except ValueError as error:
                bad.append(f"{name}:{number}: {error}")
                if skip_bad is not None:
                    skip_bad(bad.pop())
                continue
            found.setdefault(item, set()).update(tags)
            titles.setdefault(item, title or item)
    if bad:
        more = [f"and {len(bad) - TOLD} more lines like these"] if len(bad) > TOLD else []
        raise ValueError("\n".join(bad[:TOLD] + more))
    if not found:
        raise ValueError(f"{name}: expected lines item,tags, found none")
    return catalogue(found, titles)


def catalogue(
    tags: Mapping[str, Sequence[str] | set[str]], titles: Mapping[str, str] | None = None
) -> Catalogue:
    """Return a catalogue of items with their tags; items and tags are put in order."""
    items = _ordered(tags)
    names = tuple(sorted({tag for some in tags.values() for tag in some}))
    place = {tag: n for n, tag in enumerate(names)}
    rows = [sorted(place[tag] for tag in set(tags[item])) for item in items]
    starts = np.cumsum([0, *map(len, rows)])
    codes = np.array([code for row in rows for code in row], dtype=np.int64)
    table = csr_array((np.ones(len(codes)), codes, starts), shape=(len(items), len(names)))
    return Catalogue(items, tuple((titles or {}).get(i, i) for i in items), names, table)


def joined(ratings: Ratings, described: Catalogue) -> tuple[Ratings, Catalogue]:
    """Return both with the same codes for items: those of either, rated or not, in order.

    So what nobody has rated yet can be recommended; what the catalogue leaves out has no tags.
    """
    items = _ordered({*ratings.item_names, *described.item_names})
    code = {item: n for n, item in enumerate(items)}
    moved = np.array([code[item] for item in ratings.item_names], dtype=np.int64)
    events = ratings.users, moved[ratings.items], ratings.values, ratings.times
    row = {item: n for n, item in enumerate(described.item_names)}
    chosen = [row[item] for item in items if item in row]
    sizes = np.zeros(len(items), dtype=np.int64)
    sizes[[code[described.item_names[n]] for n in chosen]] = np.diff(described.tags.indptr)[chosen]
    kept = described.tags[chosen]
    starts = np.append(0, sizes.cumsum())
    table = csr_array((kept.data, kept.indices, starts), shape=(len(items), kept.shape[1]))
    titles = tuple(described.titles[row[item]] if item in row else item for item in items)
    return (
        Ratings(*events, ratings.user_names, items),
        Catalogue(items, titles, described.tag_names, table),
    )


def _ordered(items: Mapping[str, object] | set[str]) -> tuple[str, ...]:
    """Return names in the order that Ratings gives them."""
    return Ratings.of(np.zeros(len(items), dtype=np.int64), list(items)).item_names


def _below_header(
    rows: Iterator[reading.Row], name: str
) -> tuple[Iterator[reading.Row], dict[str, int]]:
    """Return the rows below the header, if there is one, and in which cell each role stands."""
    first = next(rows, None)
    if first is None:
        return rows, {}
    number, cells = first
    try:
        at = _columns([cell.strip() for cell in cells])
    except ValueError as error:
        raise ValueError(f"{name}:{number}: {error}") from None
    return (rows, at) if at else (chain([first], rows), _by_order(cells))


def _columns(cells: Sequence[str]) -> dict[str, int] | None:
    """Return in which cell each role stands, if these cells are a header."""
    heads = [cell.lower().replace("_", "").replace(" ", "") for cell in cells]
    at = {
        role: heads.index(found)
        for role, words in ROLES.items()
        if (found := next((word for word in words if word in heads), None)) is not None
    }
    if "tags" not in at and heads[0] not in ROLES["item"]:
        return None
    for role in ("item", "tags"):
        if role not in at:
            raise ValueError(f"expected a column {role!r}, found {', '.join(cells)}")
    return at


def _by_order(cells: Sequence[str]) -> dict[str, int]:
    """Return in which cell each role stands without a header: item[, title, ...], tags."""
    return {"item": 0, "tags": max(1, len(cells) - 1)} | ({"title": 1} if len(cells) > 2 else {})


def _entry(cells: Sequence[str], at: Mapping[str, int]) -> tuple[str, str, list[str]]:
    """Return the name of an item, its title or "", and its tags."""
    cells = [cell.strip() for cell in cells]
    if len(cells) <= max(at.values()):
        raise ValueError(f"expected {max(at.values()) + 1} columns, found {len(cells)}")
    if not cells[at["item"]]:
        raise ValueError("item: expected a name, found nothing")
    tags = [tag.strip() for tag in cells[at["tags"]].split("|")]
    title = cells[at["title"]] if "title" in at else ""
    return cells[at["item"]], title, [tag for tag in tags if tag not in ("", NO_TAGS)]


# The program ----------------------------------------------------------------------------


def main(argv: Sequence[str] | None = None) -> int:
    about = "What resembles what somebody liked, by tags, and because of what."
    parser = Parser(prog="python -m snippets.recommenders.content", description=about)
    program.add_reading(parser)
    parser.add_argument("--tags", help="item,tags or item,title,...,tags lines; tags joined by |")
    parser.add_argument("--user", help="for whom; the one with most ratings if not said")
    parser.add_argument("-k", type=int, default=10, help="how many (10)")
    parser.add_argument(
        "--centred", action="store_true", help="ratings below the user's mean count against"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return run(parser, argv, _lines)


def _lines(options: argparse.Namespace) -> Iterator[str]:
    if options.k < 1:
        raise ValueError(f"-k: expected at least 1, found {options.k}")
    ratings, described = _read(options)
    name = options.user or ratings.user_names[int(np.diff(ratings.seen.indptr).argmax())]
    known = name in ratings.user_names
    model = content(ratings, tf_idf(described.tags), centred=options.centred)
    if known:
        user = ratings.user(name)
        scores, seen = model.scores(np.array([user]))[0], ratings.user_items(user)
        silent = not model.profiles(np.array([user])).any()
    else:
        scores, seen, silent = ratings.counts, np.zeros(0, dtype=np.int64), True
    items = recommend(scores, seen, options.k)
    reasons = [[] if silent else because(model, user, int(item))[:REASONS] for item in items]
    rows = [
        Row(described, int(item), float(scores[item]), [r for r in some if r.share > 0])
        for item, some in zip(items, reasons, strict=True)
    ]
    untagged, total = len(model.untagged), ratings.shape[1]
    if options.json:
        found = {"user": name, "known": known, "profile": not silent, "untagged": untagged}
        yield json.dumps(found | {"items": [row.as_json() for row in rows]}, ensure_ascii=False)
        return
    if options.file is None:
        yield f"no file: a small world of {ratings.shape[0]} users and {total} items"
    why = "" if not silent else f"{'has no profile' if known else 'is new'}, so counts are shown; "
    yield f"user {name}: {why}{len(seen)} items seen, the best of {total - len(seen)}"
    width = max((len(row.title) for row in rows), default=0)
    yield from (row.as_line(rank, width) for rank, row in enumerate(rows, 1))
    if untagged:
        yield f"{untagged} of {total} items have no tags: their cosine is 0 with everything"


@dataclass(frozen=True)
class Row:
    """An item of the list, and because of which items it is there."""

    described: Catalogue
    item: int
    score: float
    reasons: list[Reason]

    @property
    def title(self) -> str:
        return self.described.titles[self.item]

    def as_line(self, rank: int, width: int) -> str:
        liked = ", ".join(f"{self.described.titles[r.item]} ({r.share:.3f})" for r in self.reasons)
        because = f"because you liked {liked}" if liked else ""
        return f"{rank:3}  {self.title:<{width}}  {self.score:10.4g}  {because}".rstrip()

    def as_json(self) -> dict[str, object]:
        def named(item: int) -> dict[str, object]:
            return {"item": self.described.item_names[item], "title": self.described.titles[item]}

        reasons = [named(reason.item) | {"share": reason.share} for reason in self.reasons]
        return named(self.item) | {"score": self.score, "because": reasons}


def _read(options: argparse.Namespace) -> tuple[Ratings, Catalogue]:
    """Return the ratings and tags that the options ask for, or those of the small world."""
    if options.file is None and options.tags is None:
        from snippets.recommenders.small_world import small_world

        world = small_world(seed=7)
        names = world.ratings.item_names
        return world.ratings, Catalogue(names, names, world.tag_names, world.tags)
    for argument, given in (("file", options.file), ("--tags", options.tags)):
        if given is None:
            raise ValueError(f"{argument}: expected a file beside the other, found none")
    if options.file == options.tags == "-":
        raise ValueError("--tags: expected a file, as - is where the ratings come from")
    told = _tell if options.skip_bad else None
    ratings = program.ratings_of(options)
    return joined(ratings, read_catalogue(options.tags, skip_bad=told))


def _tell(problem: str) -> None:
    print(f"left out: {problem}", file=sys.stderr)
