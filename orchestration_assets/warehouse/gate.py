"""Who may use the warehouse inside this process: many short readers or one holder's thread.

DuckDB opens a file once per process with one configuration, so a reader on one thread would make
the writer, dlt or dbt on another fail. The holder's own thread may enter again and may read.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from orchestration_assets.errors import RetriableError


class ThreadGate:
    """A readers-and-holder gate between the threads of one process."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._holder: int | None = None
        self._purpose = ""
        self._readers: dict[int, int] = {}
        self.depth = 0

    @property
    def is_mine(self) -> bool:
        """Whether the calling thread is the holder."""
        return self._holder == threading.get_ident()

    @contextmanager
    def hold(self, purpose: str, timeout_s: float) -> Iterator[None]:
        """Be the only user of the process; enter again freely on the same thread."""
        me = threading.get_ident()
        if not self.is_mine:
            with self._changed:
                if self._readers.get(me):
                    raise RuntimeError(
                        "writer() inside reader() on one thread: leave the reader first"
                    )
                self._wait(lambda: self._holder is None and not self._readers, purpose, timeout_s)
                self._holder, self._purpose = me, purpose
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1
            if self.depth == 0:
                with self._changed:
                    self._holder = None
                    self._changed.notify_all()

    @contextmanager
    def read(self, purpose: str, timeout_s: float) -> Iterator[None]:
        """Read beside other readers; the holder's own thread passes at once."""
        if self.is_mine:
            yield
            return
        me = threading.get_ident()
        with self._changed:
            if not self._readers.get(me):
                self._wait(lambda: self._holder is None, purpose, timeout_s)
            self._readers[me] = self._readers.get(me, 0) + 1
        try:
            yield
        finally:
            with self._changed:
                self._readers[me] -= 1
                if not self._readers[me]:
                    del self._readers[me]
                self._changed.notify_all()

    def _wait(self, free: Callable[[], bool], purpose: str, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not free():
            left = deadline - time.monotonic()
            if left <= 0 or not self._changed.wait(left):
                raise RetriableError(
                    f"{purpose!r} waited {timeout_s:g} s for {self._purpose or 'readers'!r}"
                    " on another thread of this process.",
                    "keep the holder's block short, or run the two in turn.",
                )
