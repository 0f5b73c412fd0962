"""Run pages on a Dask cluster: `execute: {scheduler: tcp://host:port}`.

`distributed` is an optional extra, imported when a page has to run and not before: a build
that finds everything in the store needs neither the package nor the cluster.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from site_plugins.engine.remote import RemoteError

if TYPE_CHECKING:
    from distributed import Client

CONNECT = 5  # seconds to reach the scheduler, and then for a first worker to be there

_Taken = ParamSpec("_Taken")
_Given = TypeVar("_Given")


class ClusterError(RemoteError):
    """The cluster cannot be used: what is missing, and the way out."""


def workers(scheduler: str | None) -> AbstractContextManager[Executor | None]:
    """Return the executor that pages run on; None, this machine, where no scheduler is named."""
    return Cluster(scheduler) if scheduler else nullcontext()


class Cluster(Executor):
    """An executor on a Dask cluster that connects when it is first needed."""

    def __init__(self, scheduler: str) -> None:
        self._scheduler = scheduler

    @property
    def slots(self) -> int:
        """How many pages the cluster runs at once."""
        return sum(self._client.nthreads().values())

    def submit(
        self, fn: Callable[_Taken, _Given], /, *args: _Taken.args, **kwargs: _Taken.kwargs
    ) -> Future[_Given]:
        """Raises ClusterError where there is none."""
        future: Future[_Given] = self._executor.submit(fn, *args, **kwargs)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the cluster go; it goes on running for others."""
        if "_client" in self.__dict__:
            self._client.close()

    @cached_property
    def _executor(self) -> Any:
        # pure=False: a page that is sent again is to run again, not to fail as it did.
        return self._client.get_executor(pure=False)

    @cached_property
    def _client(self) -> Client:
        try:
            import dask
            from distributed import Client
        except ImportError as error:
            raise ClusterError(
                f"scheduler: {self._scheduler} needs dask and distributed ({error});"
                " run pip install -r requirements-cluster.txt"
            ) from None
        # Files of a page may be large, and are sent once: Dask's advice does not apply.
        dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 GiB"})
        try:
            client = Client(self._scheduler, timeout=CONNECT, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ClusterError(
                f"scheduler: cannot reach {self._scheduler}: {_one_line(error)};"
                " start one with 'dask scheduler', or leave 'scheduler' out to run pages here"
            ) from None
        with suppress(TimeoutError):
            client.wait_for_workers(1, timeout=CONNECT)
        if not client.nthreads():
            client.close()
            raise ClusterError(
                f"scheduler: {self._scheduler} has no workers;"
                f" start some with 'dask worker {self._scheduler} --nworkers 4'"
            )
        return client


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
