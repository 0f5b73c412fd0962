"""Chinese in figures: the glyphs that Matplotlib's own font lacks, from a package.

The file of Noto Sans SC (SIL Open Font License) comes with the package zhplot, which is not
imported: it would change how all figures look. Matplotlib asks a second family only for the
glyphs that the first does not have, so that figures without Chinese stay as they are.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

CJK_FAMILY = "Noto Sans SC"


def cjk_font() -> Path:
    """Return the file of Noto Sans SC. Raises FileNotFoundError where zhplot is not installed."""
    return packaged("zhplot", "zhplot/fonts/NotoSansSC-Regular.ttf")


@cache
def packaged(package: str, name: str) -> Path:
    """Return a file of an installed package. Raises FileNotFoundError, which says what to do."""
    try:
        file = Path(str(distribution(package).locate_file(name)))
    except PackageNotFoundError:
        file = Path(name)
    if not file.is_file():
        what = f"there is no {file.name}; it comes with {package}: see requirements.txt"
        raise FileNotFoundError(what)
    return file


def find_chinese() -> None:
    """Look the file up, if it is there, before it is recorded where a page looks."""
    with suppress(FileNotFoundError):
        cjk_font()


def lend_chinese() -> None:
    """Let Matplotlib find Chinese glyphs, if there are any: a missing one is told when drawing."""
    from matplotlib import font_manager, rcParams

    fonts = font_manager.fontManager
    try:
        fonts.addfont(cjk_font())
    except FileNotFoundError:
        return
    # It is there in one weight. A bold label would be told so, Chinese or not.
    fonts.ttflist += [replace(fonts.ttflist[-1], weight=700)]
    if CJK_FAMILY not in rcParams["font.family"]:
        rcParams["font.family"] = [*rcParams["font.family"], CJK_FAMILY]
