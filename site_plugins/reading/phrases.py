"""What is said around articles, in the language of the theme.

A language that is not here is answered in English; to add one, add its `Phrases` below.
"""

from __future__ import annotations

from typing import NamedTuple

from site_plugins.language import said_in


class Phrases(NamedTuple):
    """Texts that readers see; words in braces are filled in."""

    updated: str
    minutes: str  # of reading
    contents: str
    path: str  # the name of a learning path for a screen reader
    place: str
    before: str
    after: str
    related: str
    comma: str
    cite: str
    parts: str  # of a path
    one_part: str
    absent: str  # the 404 page, up to `home`
    absent_why: str
    search: str
    home: str


PHRASES = {
    "en": Phrases(
        updated="{created}, updated {updated}",
        minutes="{minutes} min read",
        contents="On this page",
        path="Learning path: {path}",
        place="Learning path {path}, {number} of {of}",
        before="Before: {article}",
        after="Next: {article}",
        related="Related: {listed}",
        comma=", ",
        cite="Cite this article",
        parts="{path}, {count} parts",
        one_part="{path}, 1 part",
        absent="There is nothing at this address",
        absent_why="The page may have moved, or the link may be wrong. The search may know it:",
        search="Search",
        home="To the front page",
    ),
    "zh": Phrases(
        updated="{created}，更新于 {updated}",
        minutes="阅读约 {minutes} 分钟",
        contents="本页内容",
        path="学习路径：{path}",
        place="学习路径 {path}，第 {number} 篇，共 {of} 篇",
        before="上一篇：{article}",
        after="下一篇：{article}",
        related="相关：{listed}",
        comma="、",
        cite="引用本文",
        parts="{path}，共 {count} 篇",
        one_part="{path}，共 1 篇",
        absent="这个地址没有内容",
        absent_why="页面可能已移动，或者链接有误。可以搜索：",
        search="搜索",
        home="回到首页",
    ),
}


def phrases(language: str) -> Phrases:
    """Return the phrases of a language: `en`, `zh`, `zh-CN`; English where there are none."""
    return said_in(PHRASES, language)
