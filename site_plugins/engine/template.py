"""The process that page processes are forked from: it has imported libraries, and run nothing.

Importing torch takes seconds; here it is paid once for all pages of a build. Never import
the project's own modules here: a child would get them as they stood when the template
started. And never run an operation: torch and BLAS start threads, threads do not survive a
fork, and the child would wait for them for ever.

What has been imported stays for good, so the garbage collector need not look at it: not while
importing, and not in the pages, where each full collection would walk through all of torch
and copy the memory that template and pages share.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys

VARIABLE = "TRELLIS_PRELOAD"  # names of modules, separated by commas
# What any interpreter here has loaded, start-up hooks of installed packages included: not
# something that a page has used.
BARE = frozenset(name.partition(".")[0] for name in sys.modules)


def preload(names: str) -> None:
    """Import each module; say so if one fails, and leave it to the page that needs it."""
    for name in filter(None, names.split(",")):
        try:
            importlib.import_module(name)
        except Exception as error:
            print(f"trellis: cannot preload {name}: {error!r}", file=sys.stderr)


def become_template(names: str) -> None:
    """Preload, and put what is there now out of the garbage collector's sight."""
    gc.disable()
    preload(names)
    gc.freeze()
    gc.enable()


if found := os.environ.pop(VARIABLE, ""):  # elsewhere this module is only asked what is BARE
    become_template(found)
