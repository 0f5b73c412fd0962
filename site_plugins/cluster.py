"""Run pages on a Dask cluster: `execute: {scheduler: tcp://host:port}`.

`distributed` is an optional extra, imported when a page has to run and not before: a build
that finds everything in the store needs neither the package nor the cluster.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

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
        """How many pages the cluster runs at once. Raises ClusterError where there is none."""
        client = self._client
        try:
            return sum(client.nthreads().values())
        except (OSError, RuntimeError) as error:  # the link is cut, or was
            raise ClusterError(f"scheduler: lost {self._scheduler}: {error}") from None

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
        _dial(self._scheduler)
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
            raise _unreachable(self._scheduler, error) from None
        try:
            self._check(client)
        except BaseException:
            client.close()
            raise
        return client

    def _check(self, client: Client) -> None:
        """See that there are workers, and that they have this package.

        One that has not would end when a page reaches it, without a word.
        """

        def lack() -> str:  # a local function, so that it travels by value
            try:
                import site_plugins.engine.remote  # noqa: F401
            except ImportError as error:
                return str(error)
            return ""

        with suppress(TimeoutError):
            client.wait_for_workers(1, timeout=CONNECT)
        try:
            workers = client.run(lack, on_error="ignore")  # one that is lost meanwhile
            scheduler = client.run_on_scheduler(lack)
        except Exception as error:  # whatever unpickling under another Python may raise
            raise _unreachable(self._scheduler, error) from None
        if not workers:
            raise ClusterError(
                f"scheduler: {self._scheduler} has no workers;"
                f" start some with 'dask worker {self._scheduler} --nworkers 4'"
            )
        places = {"the scheduler": scheduler, **workers}
        if lacking := [f"{place}: {said}" for place, said in places.items() if said]:
            raise ClusterError(
                f"this package is missing on {'; '.join(lacking)};"
                " install the same version of it on the scheduler and on every worker"
            )


def _dial(scheduler: str) -> None:
    """See that somebody listens: a Client that found nobody takes ten seconds to go away."""
    try:
        parts = urlsplit(scheduler)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port:
        raise ClusterError(f"scheduler takes tcp://host:port, got {scheduler!r}")
    try:
        socket.create_connection((host, port), timeout=CONNECT).close()
    except OSError as error:
        raise _unreachable(scheduler, error) from None


def _unreachable(scheduler: str, error: Exception) -> ClusterError:
    said = " ".join(str(error).split())
    return ClusterError(
        f"scheduler: cannot use {scheduler}: {said};"
        " start one with 'dask scheduler', or leave 'scheduler' out to run pages here"
    )
