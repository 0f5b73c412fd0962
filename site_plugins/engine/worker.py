"""Stage 2, in the child: run the cells of one page and tell what happens as it happens.

    Job --run_page--> ("cell", k), ("ran", CellRun), ..., ("done", Inputs)

The child is a fresh process, forked from a template that has only imported libraries, or
spawned. It is told nothing about the page but its code. Cells run in a real `__main__`
module, so pickling, dataclasses and `inspect` work, and no event loop runs, so
`asyncio.run` does. Whatever a cell breaks (descriptors, working directory, environment,
signal handlers, builtins) dies with the process.
"""

from __future__ import annotations

import ast
import atexit
import builtins
import linecache
import os
import sys
import time
import tokenize
import traceback
import types
import warnings
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from site_plugins.engine.backend import Listener
from site_plugins.engine.cells import Cell
from site_plugins.engine.display import bundle, method_of, rich_of
from site_plugins.engine.figures import Figures, is_drawing, is_figure
from site_plugins.engine.fonts import find_chinese
from site_plugins.engine.notebook import stand_in
from site_plugins.engine.outputs import (
    CellRun,
    Output,
    Raised,
    Text,
    cell_name,
    complaint,
    storable,
)
from site_plugins.engine.sources import Recorder
from site_plugins.engine.streams import Streams
from site_plugins.engine.template import BARE

MAX_OUTPUT = 1 << 20  # characters a cell may print before the rest is cut

Event = tuple[Any, ...]
_ENGINE = os.path.dirname(__file__) + os.sep


@dataclass(frozen=True, slots=True)
class Job:
    """One page to run: picklable, and all that a worker on any machine needs."""

    cells: tuple[Cell, ...]
    root: str
    max_output: int = MAX_OUTPUT
    checkpoints: str = ""  # the folder in which they wait; "" leaves none


def run_page(
    job: Job,
    send: Callable[[Event], None],
    before_cell: Callable[[int, Job], Job] = lambda index, job: job,
) -> None:
    """Run the cells in order until one fails that should not, or should and does not.

    `before_cell` may leave a checkpoint, and return another job to go on with (`standby`).
    """
    find_chinese()
    _settle(job.root)
    recorder = Recorder(Path(job.root), BARE)
    outputs = _Outputs(job.max_output)
    known = stand_in(outputs)
    sessions: dict[str, types.ModuleType] = {}
    index = 0
    while index < len(job.cells):
        job = before_cell(index, job)
        cell = job.cells[index]
        send(("cell", index))
        main = sessions.setdefault(cell.session, _fresh_main(known))
        sys.modules["__main__"] = main
        run = _run_cell(cell, main, outputs)
        send(("ran", run))
        if complaint(cell, run):
            break
        index += 1
    recorder.stop()
    deps = [dep for cell in job.cells for dep in cell.options.deps]
    send(("done", recorder.files(deps), recorder.installed_modules()))
    if not job.checkpoints:  # or they would lose what the exit handlers put away
        _say_goodbye()


def _settle(root: str) -> None:
    """Make this process look like a fresh interpreter started in the project's root."""
    os.chdir(root)
    sys.path[:] = [root, *(path for path in sys.path if path not in ("", root))]
    _prefer_the_projects_own(root)
    sys.dont_write_bytecode = True  # a __pycache__ in a watched folder would rebuild the site
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)  # input() in a cell ends at once and cannot hang the build
    os.close(null)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.argv = [""]
    warnings.formatwarning = _format_warning
    atexit._clear()  # what the template registered is the template's
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)  # before any operation; pool.py says why


def _prefer_the_projects_own(root: str) -> None:
    """Let a project that is this package's own source import the rest of it from its root.

    The engine is loaded, perhaps from an installed copy, before any cell runs: without this
    its siblings would come from there too, and not be seen as files of the project.
    """
    package = sys.modules[__name__.partition(".")[0]]
    own = os.path.join(root, package.__name__)
    if os.path.isdir(own):
        package.__path__ = [own, *(path for path in package.__path__ if path != own)]


def _format_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    line: str | None = None,
) -> str:
    """Say where a warning came from without what is only true of this machine."""
    code = (linecache.getline(filename, lineno) if line is None else line).strip()
    place = f"{_short(filename)}:{lineno}: {category.__name__}: {message}\n"
    return f"{place}  {code}\n" if code else place


def _say_goodbye() -> None:
    """Let temporary folders and the like clean up after themselves."""
    atexit._run_exitfuncs()


class _Outputs:
    """The outputs of the cell that is running, in order."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._streams = Streams(self._print)
        self._taken: list[Output] = []
        self._printed = 0
        self._clear_next = False
        self._figures = Figures()
        Listener.show_open, Listener.show_one = self.show_figures, self.show_value

    def take(self) -> tuple[Output, ...]:
        """Return what has come since the last time."""
        self._streams.finish()
        taken = tuple(self._taken)
        self._figures = Figures()
        self._drop()
        return taken

    def show(self, output: Output) -> None:
        self._streams.collect()
        if self._clear_next:
            self._drop()
        self._taken.append(output)

    def show_figures(self) -> None:
        """Show the figures that are open, and close them."""
        for figure in self._figures.take():
            self.show(figure)

    def show_value(
        self,
        value: object,
        include: Container[str] | None = None,
        exclude: Container[str] | None = None,
    ) -> None:
        """Show a value as the last expression of a cell is shown."""
        if is_figure(value):
            for figure in self._figures.draw(value):
                self.show(figure)
            return
        if shows_itself := method_of(value, "_ipython_display_"):
            try:
                shows_itself()
                return
            except NotImplementedError:  # the protocol's way to say: not this time
                pass
        offered = bundle(value, self._limit, self._complain, include=include, exclude=exclude)
        self.show(offered)

    def show_data(self, data: Mapping[str, object], metadata: Mapping[str, Any]) -> None:
        """Show what a library has put into forms itself."""
        self.show(rich_of(data, metadata, self._limit, self._complain))

    def clear(self, *, wait: bool) -> None:
        """Forget what the cell has shown, now or when it shows something else."""
        self._streams.collect()
        if wait:
            self._clear_next = True
        else:
            self._drop()

    def _drop(self) -> None:
        self._taken, self._printed, self._clear_next = [], 0, False

    def _complain(self, error: BaseException) -> None:
        """Print what a value's own method raised while it was to be shown."""
        told = traceback.TracebackException.from_exception(error)
        for link in _chain(told):
            ours = [frame.filename.startswith(_ENGINE) for frame in link.stack]
            del link.stack[: len(ours) - ours[::-1].index(True) if True in ours else 0]
            _shorten(link)
        self._streams.collect()
        self._print("stderr", storable("".join(told.format())))

    def _print(self, stream: str, text: str) -> None:
        if self._clear_next:
            self._drop()
        room = self._limit - self._printed
        if room < 0:
            return
        self._printed += len(text)
        if len(text) > room:
            cut = f"... truncated: this cell printed more than {self._limit} characters"
            text = f"{text[:room]}\n{cut}"
            self._printed = self._limit + 1
        last = self._taken[-1] if self._taken else None
        if isinstance(last, Text) and last.stream == stream:
            self._taken[-1] = Text(stream, last.text + text)
        else:
            self._taken.append(Text(stream, text))


def _fresh_main(known: Mapping[str, object]) -> types.ModuleType:
    main = types.ModuleType("__main__")
    main.__dict__.update(__builtins__=builtins, **known)
    return main


def _run_cell(cell: Cell, main: types.ModuleType, outputs: _Outputs) -> CellRun:
    began = time.perf_counter()
    try:
        value = _execute(cell, main.__dict__)
        outputs.show_figures()
        if value is not None and (is_figure(value) or not is_drawing(value)):
            outputs.show_value(value)
    except BaseException as error:  # SystemExit and KeyboardInterrupt too: it is only a cell
        seconds = time.perf_counter() - began
        outputs.show(_raised(error, cell))
        return CellRun(outputs.take(), seconds)
    return CellRun(outputs.take(), time.perf_counter() - began)


_NAMESPACE = vars(builtins)
_PRISTINE = dict(_NAMESPACE)
_CELLS_OWN = dict(_PRISTINE)  # what the cells so far have made of them


@contextmanager
def _the_cells_builtins() -> Iterator[None]:
    """Give builtins back to the cells as they left them, and ours to us when they are done."""
    _NAMESPACE.update(_CELLS_OWN)
    try:
        yield
    finally:
        _CELLS_OWN.update(_NAMESPACE)
        _NAMESPACE.update(_PRISTINE)


def _execute(cell: Cell, namespace: dict[str, Any]) -> object:
    """Run a cell; return the value of its last expression, None where it ends otherwise."""
    name = cell_name(cell.index)
    lines = cell.source.splitlines(keepends=True)
    linecache.cache[name] = (len(cell.source), None, lines, name)  # for tracebacks, inspect
    tree = ast.parse(cell.source, name)
    last = tree.body[-1] if tree.body else None
    value = None
    if isinstance(last, ast.Expr) and not _ends_in_semicolon(lines):
        tree.body.pop()
        value = compile(ast.Expression(last.value), name, "eval")
    body = compile(tree, name, "exec")
    with _the_cells_builtins():
        exec(body, namespace)
        return eval(value, namespace) if value else None


def _ends_in_semicolon(lines: list[str]) -> bool:
    """As in a notebook: `plot();` shows nothing, whatever comment follows."""
    tokens = tokenize.generate_tokens(iter(lines).__next__)
    said = [token.string for token in tokens if token.type not in _SILENT]
    return bool(said) and said[-1] == ";"


_SILENT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def _raised(error: BaseException, cell: Cell) -> Raised:
    """Return what to say of an exception, in frames of the cells and of what they called."""
    told = traceback.TracebackException.from_exception(error, lookup_lines=False)
    line = _line_in_cell(told, cell_name(cell.index))
    for link in _chain(told):
        inner = [frame.filename.startswith("<cell ") for frame in link.stack]
        if True in inner:
            del link.stack[: inner.index(True)]
        else:
            del link.stack[:]
        _shorten(link)
    kinds = tuple(kind.__name__ for kind in type(error).__mro__[:-1])
    return Raised(kinds, storable(_message(told)), storable("".join(told.format())), line)


def _message(told: traceback.TracebackException) -> str:
    """Return type and words of an exception; of a syntax error elsewhere also its place."""
    lines = [*told.format_exception_only()]
    file = getattr(told, "filename", None)
    if file is None:
        return "".join(lines).strip()
    place = "" if file.startswith("<cell ") else f" ({file}, line {told.lineno})"
    return lines[-1].strip() + place


def _shorten(link: traceback.TracebackException) -> None:
    if getattr(link, "filename", None):  # where a syntax error is
        link.filename = _short(link.filename)
    for frame in link.stack:
        _ = frame.line  # looked up by the file's name, which is about to change
        frame.filename = _short(frame.filename)


def _short(filename: str) -> str:
    """Return a path without what is only true of this machine."""
    above = [folder for folder in sys.path if folder and filename.startswith(folder + os.sep)]
    return filename[len(max(above, key=len)) + 1 :].replace(os.sep, "/") if above else filename


def _chain(told: traceback.TracebackException) -> list[traceback.TracebackException]:
    """Return an exception with those that it came of, the innermost last."""
    links = [told]
    for link in links:
        came_of = (link.__cause__, link.__context__, *(getattr(link, "exceptions", None) or ()))
        links += [one for one in came_of if one is not None]
    return links


def _line_in_cell(told: traceback.TracebackException, name: str) -> int:
    """Return the line of the cell from which the exception left it."""
    if getattr(told, "filename", None) == name and told.lineno:  # a SyntaxError of the cell
        return int(told.lineno)
    return next((frame.lineno or 0 for frame in told.stack if frame.filename == name), 0)
