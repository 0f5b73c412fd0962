"""What every snippet does as a program: print lines, and say in one line what is wrong.

    options --lines--> text on standard output, exit code 0
    bad input      --> one line on standard error, exit code 2

A reader that has seen enough (`| head`) ends a program quietly.
"""

from __future__ import annotations

import argparse
import gzip
import os
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TextIO


class Parser(argparse.ArgumentParser):
    """Raises ValueError where argparse would print its usage and leave."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)  # run() says it in one line


def run(
    parser: Parser,
    argv: Sequence[str] | None,
    lines: Callable[[argparse.Namespace], Iterable[str]],
    *,
    at_once: Callable[[argparse.Namespace], bool] = lambda options: False,
) -> int:
    """Print the lines that the options ask for; return the exit code.

    `at_once` says whether each line must be seen before the next one is made. An OSError or a
    ValueError of parsing or of `lines` is the user's to mend: its words are printed.
    """
    try:
        options = parser.parse_args(argv)
        for line in lines(options):
            print(line, flush=at_once(options))
        sys.stdout.flush()
        return 0
    except BrokenPipeError:  # `| head` has seen enough; what is left goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        problem = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    except ValueError as error:
        problem = str(error)
    sys.stdout.flush()  # what came before the mistake is told before it
    print(f"{parser.prog}: {problem}", file=sys.stderr)
    return 2


@contextmanager
def opened(path: str | Path) -> Iterator[tuple[TextIO, str]]:
    """Open text, plain or .gz, or standard input for -; yield it with its name.

    What cannot be decoded, and a terminal where text was expected, is a ValueError.
    """
    name = "stdin" if str(path) == "-" else str(path)
    try:
        if name == "stdin":
            if sys.stdin.isatty():
                raise ValueError("expected a file, or text on standard input")
            yield sys.stdin, name
            return
        open_text = gzip.open if name.endswith(".gz") else open
        with open_text(path, "rt", encoding="utf-8-sig") as lines:
            yield lines, name
    except (EOFError, zlib.error, gzip.BadGzipFile, UnicodeDecodeError) as error:
        raise ValueError(f"{name}: {error}") from error
