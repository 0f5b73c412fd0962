"""In a page's process: leave checkpoints behind, from which later runs can go on.

    run 0 1 2 --fork--> the child runs 3 4 ...
                        the parent stands by before 3, and forks again when it is called

See `checkpoints`, which does the calling. Threads are not forked, so where one runs no
checkpoint is left.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from multiprocessing.connection import Connection

from site_plugins.engine.worker import Event, Job

WORTH = 0.1  # seconds of work that a checkpoint saves; less is run again as fast
MOST = 12  # processes that may stand by for a page


class StandBy:
    """In the page's process: sends its events, and leaves checkpoints behind."""

    def __init__(self, pipe: Connection, folder: str) -> None:
        self._pipe, self._folder = pipe, folder
        self._since = time.monotonic()
        self._left = 0

    def send(self, event: Event) -> None:
        self._pipe.send(event)

    def __call__(self, index: int, job: Job) -> Job:
        """Before cell `index`: return the job to go on with, in this process or in another."""
        worth = time.monotonic() - self._since >= WORTH and self._left < MOST
        return self._stand_by(index, job) if worth and threading.active_count() == 1 else job

    def _stand_by(self, index: int, job: Job) -> Job:
        address = os.path.join(self._folder, f"{index}-{os.getpid()}")
        door = socket.socket(socket.AF_UNIX)
        door.bind(address)
        door.listen(1)
        self.send(("checkpoint", index, os.getpid(), address))
        self._left += 1
        if os.fork() == 0:
            door.close()
            return self._go_on(job)
        self._pipe.close()  # or nobody would notice the end of the process that goes on
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # and nobody waits for it
        while True:
            caller, _ = door.accept()
            pipe = Connection(caller.detach())
            asked = pipe.recv()
            if os.fork() == 0:
                door.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                self._pipe = pipe
                return self._go_on(asked)
            pipe.close()

    def _go_on(self, job: Job) -> Job:
        self._since = time.monotonic()
        return job
