"""The wires between MkDocs and the engine: a Config and hooks, nothing else.

When a build has its pages, run those whose stored run does not stand; let the Markdown
extensions look outputs up while MkDocs renders; when everything is written, either put the
new site in the place of the old one or print every problem, a line each, and fail.
"""

from __future__ import annotations

import atexit
import gc
import logging
import re
import shutil
import sys
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemBytecodeCache
from material.plugins.blog.structure import Post
from mkdocs.config import config_options as option
from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import Abort, PluginError
from mkdocs.plugins import BasePlugin, CombinedEvent, event_priority, get_plugin_logger
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page as SitePage
from mkdocs.utils import CountHandler, get_relative_url
from mkdocs.utils.templates import TemplateContext

from site_plugins.addresses import taken
from site_plugins.alike import Alike, all_known
from site_plugins.aside import aside_of, swap, sweep
from site_plugins.asked import Asked
from site_plugins.dress import add_script, lend_templates
from site_plugins.engine.cache import Entry, Store
from site_plugins.engine.cells import Page
from site_plugins.engine.checkpoints import Checkpoints
from site_plugins.engine.outputs import PageRun
from site_plugins.engine.pool import Limits
from site_plugins.engine.problems import Problem
from site_plugins.engine.runs import HEAVY, PageResult, run_pages
from site_plugins.engine.worker import MAX_OUTPUT
from site_plugins.markup.accessible import mended
from site_plugins.markup.assets import (
    FORMULAS_STYLE,
    SCRIPT,
    STEPS_SCRIPT,
    STYLE,
    TEMPLATES,
    page_assets,
)
from site_plugins.markup.cells import MARK, Shown, shown_token
from site_plugins.markup.foot import resolve
from site_plugins.markup.lean import lean
from site_plugins.markup.mathfont import math_font_path, preloading, write_math_assets
from site_plugins.markup.memo import Memo, MemoExtension, is_pure, lasting
from site_plugins.markup.pages import shown_path
from site_plugins.markup.phrases import phrases
from site_plugins.markup.steps import CLASS as STEPS
from site_plugins.notebooks.mkdocs_downloads import add_downloads
from site_plugins.notebooks.mkdocs_foot import foot, module_address
from site_plugins.notebooks.mkdocs_pages import NotebookPages, tame_jupyter
from site_plugins.pages import read_page
from site_plugins.progress import Progress
from site_plugins.settings import cell_options, run_settings

log = get_plugin_logger("trellis")

FIGURE = re.compile(r'<figure class="trellis-figure" id="([^"]+)"')


class ExecuteConfig(Config):
    """How articles are run. Seconds and counts; `jobs: 0` is one process a core, or as many
    as the cluster has threads."""

    jobs = option.Type(int, default=0)
    timeout = option.Type((int, float), default=Limits().page)
    cell_timeout = option.Type((int, float), default=Limits().cell)
    max_output = option.Type(int, default=MAX_OUTPUT)
    preload = option.ListOfItems(option.Type(str), default=list(HEAVY))
    scheduler = option.Optional(option.Type(str))  # of a Dask cluster, tcp://host:port


class ArticlesConfig(Config):
    """Options of the plugin `trellis`."""

    execute = option.SubConfig(ExecuteConfig)
    cells = option.Type(dict, default={})  # options of cells, for the whole site
    cache = option.Type(str, default=".cache/trellis")
    downloads = option.Type(bool, default=True)  # each article as a notebook and as a script
    foot = option.Type(bool, default=True)  # below each article how it ran, and how to run it


class ArticlesPlugin(BasePlugin[ArticlesConfig]):
    """Runs articles before they are rendered, and publishes only what is whole."""

    def __init__(self) -> None:
        self.serving = False
        self.target: Path | None = None
        self.memo, self.memo_of = Memo(), ""
        self.lasting: list[str] | None = None  # the extensions that a known page needs
        self.asked, self.alike = Asked(), Alike()
        self.checkpoints: Checkpoints | None = None

    def on_startup(self, *, command: str, dirty: bool) -> None:
        # Defining this hook also makes MkDocs keep this object between rebuilds under serve.
        self.serving = command == "serve"

    @event_priority(100)
    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Give the Markdown extensions what they ask, and this build a directory of its own."""
        self.root = Path(config.config_file_path or "mkdocs.yml").resolve().parent
        self.cache = self.root / self.config.cache
        try:
            self.cells = cell_options(self.config.cells)
        except ValueError as error:
            raise PluginError(f"plugin trellis, {error}") from None
        self.shown: dict[Path, Shown] = {}
        self.problems: set[Problem] = set()
        self.characters: set[str] = set()
        language = str(config.theme.get("language") or "")
        self.notebooks = NotebookPages(self.cache, self.problems.add, self.characters, language)
        tame_jupyter(config, self.cache)
        _extend(
            config,
            "trellis.cells",
            look_up=self.shown.get,
            report=self.problems.add,
            root=str(self.root),
            characters=self.characters,
            language=language,
        )
        _extend(config, "trellis.formulas", report=self.problems.add, characters=self.characters)
        toc = config.mdx_configs.setdefault("toc", {})
        toc.setdefault("permalink_title", phrases(language).permalink)
        self._remember_conversions(config)
        config.extra_css += [one for one in (STYLE, FORMULAS_STYLE) if one not in config.extra_css]
        add_script(config, SCRIPT)
        lend_templates(config, TEMPLATES)
        if self.serving:
            gc.disable()  # a third of a rebuild went into looking through what stays anyway
            self.checkpoints = self.checkpoints or Checkpoints(self.root)
        else:
            self.target = Path(config.site_dir).resolve()
            sweep(self.target)
            config.site_dir = str(aside_of(self.target))
            atexit.register(shutil.rmtree, config.site_dir, ignore_errors=True)  # after Ctrl-C
        return config

    def _remember_conversions(self, config: MkDocsConfig) -> None:
        """Let no page be converted twice, as long as the configuration stays the same."""
        file = Path(config.config_file_path or "")
        configuration = file.read_text(encoding="utf-8") if file.is_file() else ""
        if configuration != self.memo_of:
            self.memo, self.memo_of = Memo(), configuration
            self.lasting = None
        names = [one for one in config.markdown_extensions if isinstance(one, str)]
        if is_pure(names):
            extension = MemoExtension(
                memo=self.memo,
                token=self._token,
                problems=self.problems,
                characters=self.characters,
                separator=_separator(config),
            )
            if self.serving and self.lasting is None and all_known(config.plugins):
                self.lasting = lasting(names, config.mdx_configs)
            config.markdown_extensions.append(extension)  # type: ignore[arg-type]

    def _spare_extensions(self, page: SitePage, markdown: str, config: MkDocsConfig) -> None:
        """Let a page that was converted before be converted with no more than it needs."""
        self.extensions = config.markdown_extensions
        if self.lasting is None or type(page) not in (SitePage, Post):
            return  # what is drawn otherwise is converted otherwise
        path = Path(page.file.abs_src_path or "")
        source = repr((markdown, page.meta, page.title, self._token(path)))
        linking = "ref{" in markdown  # a link that is resolved for each list it is shown in
        if self.memo.is_settled(path, source) and not linking:
            config.markdown_extensions = [*self.lasting, self.extensions[-1]]

    def _token(self, path: Path) -> str:
        """Name all that a page's HTML depends on beyond its text: outputs and listings."""
        return self.shown[path].token if path in self.shown else ""

    @event_priority(100)  # before others add to the style sheet
    def on_files(self, files: Files, config: MkDocsConfig) -> Files:
        for name, content in page_assets(str(config.theme.get("language") or "")).items():
            files.append(File.generated(config, name, content=content))
        return files

    @event_priority(-100)
    def on_nav(self, nav: Navigation, config: MkDocsConfig, files: Files) -> Navigation:
        """Run the pages: by now other plugins have settled which there are."""
        self.nav = nav
        self.problems.update(taken(files))
        self.asked.recall_titles(files)
        began = time.monotonic()
        if self.config.execute.scheduler:
            self._run_on_cluster(_sources(files), self.config.execute.scheduler)
        else:
            self._run(_sources(files))
        self.notebooks.prepare(self.shown)
        self.offered = set[str]()
        if self.config.downloads:
            self.offered = add_downloads(
                files, config, self.shown, self.root, self.cache / "downloads"
            )
        self._say_what_ran(time.monotonic() - began)
        return nav

    def _run_on_cluster(self, paths: Iterable[Path], scheduler: str) -> None:
        from site_plugins.cluster import workers  # most sites need neither
        from site_plugins.engine.remote import RemoteError

        try:
            with workers(scheduler) as executor:
                self._run(paths, executor)
        except RemoteError as error:
            if not self.serving:
                raise PluginError(str(error)) from None
            log.error(str(error))  # raising under serve would hang every page

    def _run(self, paths: Iterable[Path], executor: Executor | None = None) -> None:
        pages = {}
        for path in paths:
            page = read_page(path, shown_path(path), self.root, self.cells)
            pages[page.path] = path
            self.problems.update(page.problems)
            self.shown[path] = self._show(page, PageRun())
        store = Store(self.cache)
        settings = run_settings(self.config.execute)
        self.ran = dict[str, int]()
        wanted = [shown.page for shown in self.shown.values()]
        with Progress() as progress:
            for result in run_pages(
                wanted,
                store,
                self.root,
                settings,
                tell=progress.cell,
                executor=executor,
                checkpoints=self.checkpoints,
                spared=self._other_texts(pages.values()),
            ):
                progress.done(result.page)
                shown = self._show(result.page, result.run, result.entry)
                self.shown[pages[result.page.path]] = shown
                self._note(result)

    def _other_texts(self, paths: Iterable[Path]) -> set[str]:
        """Return the files of which an edit runs no page under serve: whoever edits the text of
        one page does not wait for another that reads it."""
        inside = (path.resolve() for path in paths if self.serving)
        return {
            path.relative_to(self.root).as_posix()
            for path in inside
            if path.is_relative_to(self.root)
        }

    def _show(self, page: Page, run: PageRun, entry: Entry | None = None) -> Shown:
        return Shown(page, run, shown_token(page, run, self.root, entry), entry)

    def _note(self, result: PageResult) -> None:
        self.problems.update(result.problems)
        if result.ran:
            self.ran[result.page.path] = result.ran
            log.info(f"Ran {result.page.path}: {result.ran} cells, {result.run.seconds:.2f} s")
        for warning in result.warnings:
            log.info(f"Warning: {warning}")  # not log.warning: --strict would fail on it

    def _say_what_ran(self, seconds: float) -> None:
        cells = sum(len(shown.page.cells) for shown in self.shown.values())
        ran = sum(self.ran.values())
        log.info(f"Cells run: {ran} of {cells}, in {len(self.ran)} pages, {seconds:.2f} s")

    @event_priority(100)  # before mkdocs-jupyter asks what to render
    def on_pre_page(self, page: SitePage, *, config: MkDocsConfig, files: Files) -> SitePage:
        self.notebooks.hand_over(page)
        return page

    @event_priority(100)  # before plugins that read tags and titles
    def on_page_markdown(
        self, markdown: str, *, page: SitePage, config: MkDocsConfig, files: Files
    ) -> str:
        self.notebooks.describe(page)
        self._spare_extensions(page, markdown, config)  # Material makes a post's excerpt next
        return markdown

    @event_priority(50)  # before the blog plugin counts the words
    def on_page_content(
        self, html: str, *, page: SitePage, config: MkDocsConfig, files: Files
    ) -> str:
        """Every cell that ran must be on the page: none may hide in a comment or as text."""
        config.markdown_extensions = self.extensions
        html = self.notebooks.take_back(html, page, files)
        self.asked.note(page, html, timed=_timed(config))
        shown = self.shown.get(Path(page.file.abs_src_path or ""))
        if shown is None or shown.page.problems:
            return html
        for cell in shown.page.cells:
            if f'{MARK}="{cell.index}"' not in html:
                message = "this cell is not shown: is it in an indented code block?"
                self.problems.add(Problem(shown.page.path, cell.line, message))
        if page.present_anchor_ids is not None:  # MkDocs does not look into what cells have drawn
            page.present_anchor_ids |= set(FIGURE.findall(html))
        if f'class="{STEPS}"' in html:
            html += f'<script src="{get_relative_url(STEPS_SCRIPT, page.url)}" defer></script>'
        return resolve(html, module_address(page, files))

    @event_priority(40)  # after `trellis-reading` and the feeds: the foot is for the page only
    def _add_feet(self, env: Environment, *, config: MkDocsConfig, files: Files) -> None:
        self.files = files
        for file in files.documentation_pages() if self.config.foot else ():
            shown = self.shown.get(Path(file.abs_src_path or ""))
            if shown is None or file.page is None:
                continue
            offered = file.src_uri in self.offered
            html = foot(file.page, shown, config, root=self.root, offered=offered)
            page = file.page
            page.content = (page.content or "") + resolve(html, module_address(page, files))

    @event_priority(-100)
    def _prepare_templates(
        self, env: Environment, *, config: MkDocsConfig, files: Files
    ) -> Environment:
        self.asked.keep_reading_times()
        self.font = math_font_path(self.characters, self.cache / "math")  # all are converted
        env.bytecode_cache = _bytecode(self.cache / "templates")
        if self.serving and all_known(config.plugins):
            self.alike.recall(env, self.nav, config, files, self.memo_of)
        return env

    on_env = CombinedEvent(_add_feet, _prepare_templates)

    def on_page_context(
        self, context: TemplateContext, *, page: SitePage, config: MkDocsConfig, nav: Navigation
    ) -> TemplateContext:
        self.alike.fill(context, page)
        return context

    @event_priority(100)  # before others change what the template made
    def on_post_page(self, output: str, *, page: SitePage, config: MkDocsConfig) -> str:
        output = resolve(output, module_address(page, self.files))  # of excerpts in lists
        self.alike.note(page, output)
        output = mended(lean(output))
        return preloading(output, get_relative_url(self.font, page.url)) if self.font else output

    @event_priority(-100)
    def on_post_build(self, *, config: MkDocsConfig) -> None:
        write_math_assets(Path(config.site_dir), self.characters, self.cache / "math")
        for problem in sorted(self.problems):
            if self.serving:
                log.error(str(problem))
            else:
                print(problem, file=sys.stderr)
        self.memo.sweep()
        if self.serving:
            _collect_soon()
        if self.serving or self.target is None:
            return
        if self.problems or _warned(config):
            what = f"{len(self.problems)} problems" if self.problems else "warnings in strict mode"
            raise Abort(f"Aborted with {what}; {self.target} is as it was")
        swap(Path(config.site_dir), self.target)
        config.site_dir = str(self.target)

    def on_build_error(self, *, error: Exception) -> None:
        gc.enable()
        if self.target is not None:
            shutil.rmtree(aside_of(self.target), ignore_errors=True)


def _extend(config: MkDocsConfig, extension: str, **options: Any) -> None:
    """Load a Markdown extension, behind those of the configuration, with these options."""
    if extension not in config.markdown_extensions:
        config.markdown_extensions.append(extension)
    config.mdx_configs.setdefault(extension, {}).update(options)


def _bytecode(folder: Path) -> FileSystemBytecodeCache | None:
    """Return where compiled templates are kept: MkDocs compiles the theme's anew in each build."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return FileSystemBytecodeCache(str(folder))


def _collect_soon() -> None:
    """Collect what the last rebuild has left once the browser has its page."""
    later = threading.Timer(1.0, _collect)
    later.daemon = True
    later.start()


def _collect() -> None:
    gc.collect()
    gc.enable()  # not before: the first thing made would set it off


def _separator(config: MkDocsConfig) -> str:
    """Return what stands between a post's excerpt and the rest of it; "" where there is no blog."""
    blog = config.plugins.get("material/blog")
    return str(blog.config.post_excerpt_separator) if blog else ""


def _timed(config: MkDocsConfig) -> bool:
    """Does the blog show reading times?"""
    blog = config.plugins.get("material/blog")
    return bool(blog and blog.config.post_readtime)


def _sources(files: Files) -> list[Path]:
    pages = files.documentation_pages()
    return [Path(file.abs_src_path) for file in pages if file.abs_src_path]


def _warned(config: MkDocsConfig) -> bool:
    """Has MkDocs counted a warning that fails a strict build? It asks itself only after us."""
    host = BasePlugin.__module__.partition(".")[0]  # ProperDocs, under which MkDocs is its alias
    handlers = logging.getLogger(host).handlers
    return config.strict and any(
        one.get_counts() for one in handlers if isinstance(one, CountHandler)
    )
