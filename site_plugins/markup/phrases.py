"""What the pages of a site say by themselves, in the language of its theme.

A language that is not here is answered in English; to add one, add its `Phrases` below.
"""

from __future__ import annotations

from typing import NamedTuple

from site_plugins.language import said_in


class Phrases(NamedTuple):
    """Texts that readers see; words in braces are filled in."""

    code: str
    output: str  # the name of an area for a screen reader
    ran: str  # when and in what time; {took} is empty or `took`
    took: str
    used: str  # of a list of packages or snippets
    comma: str
    download: str
    notebook: str
    script: str
    how_it_ran: str
    snippets: str
    run_it: str
    in_a_clone: str
    this_page: str  # comments in a shell, up to `programs`
    this_script: str
    programs: str
    enlarge: str
    close: str
    figure: str
    table: str
    permalink: str


PHRASES = {
    "en": Phrases(
        code="Code",
        output="Output of cell {number}",
        ran="Ran on {day}{took}",
        took=" in {seconds} s",
        used=" with {listed}",
        comma=", ",
        download="Download: {listed}",
        notebook="notebook with outputs",
        script="Python script",
        how_it_ran="How this page ran",
        snippets="Snippets: {listed}",
        run_it="Run it yourself",
        in_a_clone="In a clone of the site, with its requirements installed:",
        this_page="the cells of this page",
        this_script="the same, as the script to download",
        programs="what its snippets do by themselves",
        enlarge="Enlarge figure",
        close="Close",
        figure="Figure",
        table="Table",
        permalink="Link to this section",
    ),
    "zh": Phrases(
        code="代码",
        output="第 {number} 个单元的输出",
        ran="运行于 {day}{took}",
        took="，用时 {seconds} 秒",
        used="，使用 {listed}",
        comma="、",
        download="下载：{listed}",
        notebook="带输出的笔记本",
        script="Python 脚本",
        how_it_ran="本页如何运行",
        snippets="代码片段：{listed}",
        run_it="自己运行",
        in_a_clone="在本站的克隆中，安装依赖之后：",
        this_page="本页的所有单元",
        this_script="同样的内容，用可下载的脚本",
        programs="所用代码片段自带的程序",
        enlarge="放大图片",
        close="关闭",
        figure="图",
        table="表格",
        permalink="本节链接",
    ),
}


def phrases(language: str) -> Phrases:
    """Return the phrases of a language: `en`, `zh`, `zh-CN`; English where there are none."""
    return said_in(PHRASES, language)
