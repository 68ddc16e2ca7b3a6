"""The ticket queue: first come, first served, over processes, whoever dies."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestration_assets.errors import RetriableError
from orchestration_assets.warehouse.lock import FairLock

WORKER = """
import sys, time
from pathlib import Path
from orchestration_assets.warehouse.lock import FairLock
folder, name, log, seconds = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), float(sys.argv[4])
ticket = FairLock(folder, "test lock").acquire(name, 60)
with log.open("a") as out:
    out.write(f"in {name}\\n")
time.sleep(seconds)
with log.open("a") as out:
    out.write(f"out {name}\\n")
ticket.leave()
"""


def _start(folder: Path, name: str, log: Path, seconds: float) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WORKER, str(folder), name, str(log), str(seconds)]
    return subprocess.Popen(command)


def _wait_until_queued(lock: FairLock, number: int) -> None:
    deadline = time.monotonic() + 30
    while len(lock.waiting()) < number:
        assert time.monotonic() < deadline, "the processes did not queue up"
        time.sleep(0.02)


def test_processes_are_served_in_the_order_they_came_and_one_at_a_time(tmp_path: Path):
    lock, log = FairLock(tmp_path / "q", "test lock"), tmp_path / "log"
    first = lock.acquire("first", 5)
    workers = []
    for number in range(4):
        workers.append(_start(tmp_path / "q", str(number), log, 0.05))
        _wait_until_queued(lock, number + 2)

    first.leave()

    assert [worker.wait(30) for worker in workers] == [0] * 4
    expected = [f"{step} {number}" for number in range(4) for step in ("in", "out")]
    assert log.read_text().splitlines() == expected


@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_holder_or_waiter_holds_nobody_up(tmp_path: Path, victim: int):
    lock, log = FairLock(tmp_path / "q", "test lock"), tmp_path / "log"
    workers = []
    for number in range(2):
        workers.append(_start(tmp_path / "q", str(number), log, 60))
        _wait_until_queued(lock, number + 1)
    os.kill(workers[victim].pid, signal.SIGKILL)
    workers[victim].wait(10)
    if victim == 1:
        os.kill(workers[0].pid, signal.SIGKILL)
        workers[0].wait(10)

    try:
        if victim == 0:
            deadline = time.monotonic() + 20
            while "in 1" not in log.read_text():
                assert time.monotonic() < deadline, "the waiter never got its turn"
                time.sleep(0.02)
        else:
            lock.acquire("after both", 20).leave()
    finally:
        for worker in workers:
            if worker.poll() is None:
                worker.kill()
                worker.wait(10)


def test_waiting_ends_with_an_error_that_names_the_holder(tmp_path: Path):
    lock = FairLock(tmp_path / "q", "writer lock")
    held = lock.acquire("build the model", 5)

    with pytest.raises(RetriableError) as caught:
        lock.acquire("land hubspot.contacts", 0.2)

    text = str(caught.value)
    assert "build the model" in text
    assert str(os.getpid()) in text
    assert "Next step" in text
    held.leave()
    lock.acquire("land hubspot.contacts", 1).leave()
    assert lock.waiting() == []
    assert list((tmp_path / "q").glob("*.ticket")) == []
