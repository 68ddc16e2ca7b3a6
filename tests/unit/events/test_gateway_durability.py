"""The disk has an event before its sender hears yes: seen from outside, in the calls of the process."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.conftest import skip_or_fail
from tests.unit.events.gateway_fixtures import KEY, cart_updated

_MAIN = "from orchestration_assets.cli import main; main()"
_CALLS = "trace=pwrite64,write,writev,sendto,sendmsg,fsync,fdatasync"


def test_fdatasync_completes_between_the_insert_and_the_yes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    strace = shutil.which("strace") or skip_or_fail("strace is not installed.")
    monkeypatch.setenv("ACCORD_EVENTS_KEYS", json.dumps({"shop": KEY}))
    monkeypatch.setenv("ACCORD_INBOX_URL", f"sqlite:///{tmp_path / 'inbox.db'}")
    log = tmp_path / "calls"
    traced = [strace, "-f", "-s", "8192", "-e", _CALLS, "-o", str(log), sys.executable]
    process = subprocess.Popen(
        [*traced, "-c", _MAIN, "gateway", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        if not said:
            skip_or_fail("strace may not trace a process here.")
        url = said.split()[-1].removesuffix("/docs")
        for number in range(5):
            answer = httpx.post(
                f"{url}/v1/events",
                json=cart_updated(f"marked-{number}"),
                headers={"authorization": f"Bearer {KEY}"},
                timeout=30,
            )
            assert answer.status_code == 202
    finally:
        # strace itself heeds no signal; it ends with the process that it traces.
        os.kill(int(log.read_text(errors="replace").split(maxsplit=1)[0]), signal.SIGKILL)
        process.wait(30)
    lines = log.read_text(errors="replace").splitlines()
    for number in range(5):
        written = first(lines, rf"pwrite64\(.*marked-{number}\b", 0)
        synced = first(lines, r"fdatasync(\(\d+\)| resumed>\))\s+= 0", written)
        yes = first(lines, r"(write|writev|sendto|sendmsg)\(.*HTTP/1\.1 202 ", written)
        assert written < synced < yes


def first(lines: list[str], pattern: str, after: int) -> int:
    """Number of the first line that matches, from a line on."""
    return next(n for n in range(after, len(lines)) if re.search(pattern, lines[n]))
