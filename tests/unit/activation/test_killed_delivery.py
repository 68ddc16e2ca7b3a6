"""A delivery process killed between sending and the answer loses nothing and doubles nothing."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path

import httpx
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from orchestration_assets.activation.deliver import deliver
from orchestration_assets.activation.journeys import Journey
from orchestration_assets.model import OutgoingRow, RowResult, RowStatus
from orchestration_assets.state.ledger import add_planned, counts_by_state
from orchestration_assets.state.store import open_state

JOURNEY = Journey("jrn_a", "shop", "people", "marketing", "email", "email", {"email": "email"})


class HttpWriter:
    """Upserts rows into a small server, one call a batch."""

    system = "shop"
    object_name = "people"

    def __init__(self, url: str) -> None:
        self.url = url

    def write(self, rows: list[OutgoingRow], options: object) -> list[RowResult]:
        body = {row.target_key: row.idempotency_key for row in rows}
        httpx.post(self.url, json={"pid": os.getpid(), "rows": body}).raise_for_status()
        return [RowResult(row.idempotency_key, RowStatus.CONFIRMED) for row in rows]


def test_a_killed_process_is_made_up_for_under_the_same_keys(
    tmp_path: Path, httpserver: HTTPServer, repository: Path
) -> None:
    effects: dict[str, str] = {}
    calls: list[dict[str, str]] = []

    def answer(request: Request) -> Response:
        message = json.loads(request.get_data())
        calls.append(message["rows"])
        effects.update(message["rows"])
        if message["pid"] != os.getpid() and len(calls) == 2:
            os.kill(message["pid"], signal.SIGKILL)
        return Response("ok")

    httpserver.expect_request("/people").respond_with_handler(answer)
    url = f"sqlite:///{tmp_path / 'state.sqlite'}"
    state = open_state(url)
    rows = [
        {
            "idempotency_key": f"key-{number}",
            "destination": "shop",
            "object": "people",
            "journey": "jrn_a",
            "customer_id": f"cus_{number}",
            "target_key": f"{number}@example.org",
            "payload": {"email": f"{number}@example.org"},
            "payload_hash": "hash",
            "state": "planned",
            "planned_at": datetime.now(UTC),
            "run_id": "run-1",
        }
        for number in range(6)
    ]
    assert add_planned(state, rows) == 6
    script = textwrap.dedent(
        f"""
        import importlib.util
        spec = importlib.util.spec_from_file_location("delivery", {str(Path(__file__))!r})
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        state = module.open_state({url!r})
        writer = module.HttpWriter({httpserver.url_for("/people")!r})
        module.deliver(state, writer, [module.JOURNEY], "run-1", batch_rows=2)
        """
    )
    ended = subprocess.run([sys.executable, "-c", script], cwd=repository, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert {row["state"]: row["rows"] for row in counts_by_state(state)} == {
        "confirmed": 2,
        "sent": 2,
        "reserved": 2,
    }
    writer = HttpWriter(httpserver.url_for("/people"))
    result = deliver(state, writer, [JOURNEY], "run-2", batch_rows=2)
    assert (result.confirmed, result.sent_again) == (4, 2)
    assert calls[1] == calls[2]
    assert effects == {f"{number}@example.org": f"key-{number}" for number in range(6)}
