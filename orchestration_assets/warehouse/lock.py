"""A fair lock over processes: tickets are served in the order they were drawn.

A ticket is a file that its owner keeps locked with the operating system's own lock, which ends
with the process however it ends. A ticket that can be locked by somebody else has no owner any
more and is removed. The lowest living ticket holds the lock.
"""

import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from orchestration_assets.errors import RetriableError

_POLL_S = 0.01
_POLL_MAX_S = 0.1


@dataclass(slots=True)
class Ticket:
    """A place in the queue; holds the operating system's lock on its own file."""

    path: Path
    lock: FileLock

    def leave(self) -> None:
        """Give the place up (and the lock, where this ticket held it)."""
        with suppress(FileNotFoundError):
            _note(self.path).unlink()
        with suppress(FileNotFoundError):
            self.path.unlink()
        self.lock.release()


class FairLock:
    """A queue in a folder. One instance may be used from several threads.

    Args:
        folder: where the tickets are; every process that shares the lock names the same folder.
        subject: what the lock guards, for messages.
    """

    def __init__(self, folder: Path, subject: str) -> None:
        self._folder = folder
        self._subject = subject

    def acquire(self, purpose: str, timeout_s: float) -> Ticket:
        """Draw a ticket and wait for its turn; the caller calls `leave` on it.

        Raises:
            RetriableError: the turn did not come in time; names the holder and what to do.
        """
        deadline = time.monotonic() + timeout_s
        ticket = self._draw(purpose, timeout_s)
        pause = _POLL_S
        try:
            while True:
                holder = self._first_before(ticket)
                if holder is None:
                    return ticket
                if time.monotonic() >= deadline:
                    raise self._too_late(purpose, timeout_s, holder)
                time.sleep(pause)
                pause = min(pause * 1.3, _POLL_MAX_S)
        except BaseException:
            ticket.leave()
            raise

    def waiting(self) -> list[dict[str, Any]]:
        """Return what the holder (first) and the waiting wrote about themselves."""
        return [_read_note(path) for path in self._tickets() if not _is_abandoned(path)]

    def _draw(self, purpose: str, timeout_s: float) -> Ticket:
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._counter(timeout_s):
            number_file = self._folder / "last"
            last = int(number_file.read_text() or 0) if number_file.exists() else 0
            highest = max((int(path.stem) for path in self._tickets()), default=0)
            number = max(last, highest) + 1
            path = self._folder / f"{number:020d}.ticket"
            lock = _file_lock(path)
            lock.acquire(timeout=timeout_s)
            number_file.write_text(str(number))
            note = {
                "pid": os.getpid(),
                "purpose": purpose,
                "since": datetime.now(UTC).isoformat(timespec="seconds"),
            }
            _note(path).write_text(json.dumps(note))
        return Ticket(path, lock)

    def _counter(self, timeout_s: float) -> FileLock:
        return FileLock(str(self._folder / "counter.lock"), timeout=timeout_s, thread_local=False)

    def _tickets(self) -> list[Path]:
        return sorted(self._folder.glob("*.ticket"))

    def _first_before(self, ticket: Ticket) -> Path | None:
        for path in self._tickets():
            if path.name >= ticket.path.name:
                return None
            if not _is_abandoned(path):
                return path
        return None

    def _too_late(self, purpose: str, timeout_s: float, holder: Path) -> RetriableError:
        note = _read_note(holder)
        who = f"{note.get('purpose', 'unknown')!r}, process {note.get('pid', '?')}"
        since = note.get("since", "an unknown time")
        return RetriableError(
            f"{purpose!r} waited {timeout_s:g} s for the {self._subject}, which is held by {who}"
            f" since {since}.",
            "wait for that process to end, or end it if it hangs (the lock goes with it), then run"
            " this again; ACCORD_WRITER_LOCK_TIMEOUT_S sets the wait.",
        )


def _file_lock(path: Path) -> FileLock:
    return FileLock(str(path), thread_local=False)


def _note(path: Path) -> Path:
    return path.with_suffix(".json")


def _read_note(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(_note(path).read_text()))
    except (OSError, ValueError):
        return {}


def _is_abandoned(path: Path) -> bool:
    # Opening through FileLock would create the file again when its owner has just left.
    if not path.exists():
        return True
    probe = _file_lock(path)
    try:
        probe.acquire(timeout=0)
    except Timeout:
        return False
    for leftover in (path, _note(path)):
        with suppress(FileNotFoundError):
            leftover.unlink()
    probe.release()
    return True
