"""How many signed events a second the gateway acknowledges durably, and how long one takes.

Ours is `accord gateway` as the product starts it, in a process of its own, over SQLite
(`synchronous=FULL`) and over PostgreSQL (`synchronous_commit=on`): signature, contract,
de-duplication, group commit. Beside it a bare Starlette endpoint with a commit an event, with the
same durability. The load comes from a further process (`_gateway_load`), which is shown against an
endpoint that does nothing. Before any figure: every event is sent three times, and each that was
acknowledged is in the store once.
"""

import os
import statistics
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks._gateway_load import SECRET, Load, name_of, send
from benchmarks._processes import ACCORD, database, port_of, process
from orchestration_assets.events.database import open_engine
from orchestration_assets.events.tables import inbox_events

EVENTS = 15_000
ROUNDS = 3
# Half of the rate that the gateway is to sustain.
RATE = 850.0
OPEN_LOOP_S = 20
_ENGINES = ("sqlite", "postgres")
_BARE_EVENTS = 4_000
_CHECKED_EVENTS = 2_000


def run(rows: int = EVENTS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Measure and return figures (acknowledgements a second, milliseconds) and ratios.

    Args:
        rows: events of one measurement of the rate.
        rounds: how often everything is done; the middle figure counts.
    """
    found: dict[str, list[float]] = {}
    correct = True
    with tempfile.TemporaryDirectory(prefix="accord-bench-") as folder:
        for engine in _ENGINES:
            correct &= _is_correct(engine, Path(folder), min(rows, _CHECKED_EVENTS))
        for _ in range(rounds):
            with process("-m", "benchmarks._gateway_peers", "null") as line:
                _note(found, "null_per_s", send(Load(port_of(line), rows, "null"))["per_s"])
            for engine in _ENGINES:
                with database(engine, Path(folder)) as url:
                    correct &= _measure_ours(found, engine, url, Path(folder), rows)
                with database(engine, Path(folder)) as url:
                    _measure_bare(found, engine, url, min(rows, _BARE_EVENTS))
    middle = {name: round(statistics.median(values), 2) for name, values in found.items()}
    return {
        "bench": "gateway",
        "workload": {
            "events": rows,
            "event_bytes": Load(0, 0, "").body_bytes,
            "connections": Load(0, 0, "").connections,
            "rounds": rounds,
            "open_loop_per_s": RATE,
            "open_loop_events": _open_loop(rows),
            "cores": os.cpu_count(),
        },
        "correct": correct,
        "figures": middle,
        "rounds": {name: [round(one, 2) for one in values] for name, values in found.items()},
        "ratios": {
            "sqlite_vs_bare": _ratio(middle, "sqlite_acks_per_s", "bare_sqlite_acks_per_s"),
            "postgres_vs_bare": _ratio(middle, "postgres_acks_per_s", "bare_postgres_acks_per_s"),
            "null_vs_sqlite": _ratio(middle, "null_per_s", "sqlite_acks_per_s"),
            "null_vs_postgres": _ratio(middle, "null_per_s", "postgres_acks_per_s"),
        },
    }


def _ratio(figures: Mapping[str, float], one: str, other: str) -> float:
    return round(figures[one] / figures[other], 3)


def _note(found: dict[str, list[float]], name: str, value: float) -> None:
    found.setdefault(name, []).append(value)


def _open_loop(rows: int) -> int:
    return min(rows, int(RATE * OPEN_LOOP_S))


def _measure_ours(
    found: dict[str, list[float]], engine: str, url: str, folder: Path, rows: int
) -> bool:
    with _gateway(url, folder) as port:
        send(Load(port, max(rows // 10, 100), "warm"))
        fast = send(Load(port, rows, "fast"))
        _note(found, f"{engine}_acks_per_s", fast["per_s"])
        steady = send(Load(port, _open_loop(rows), "steady", rate=RATE))
        _note(found, f"{engine}_p50_ms", steady["p50_ms"])
        _note(found, f"{engine}_p99_ms", steady["p99_ms"])
        _note(found, f"{engine}_max_ms", steady["max_ms"])
    all_acknowledged = fast.get("202") == rows and steady.get("202") == _open_loop(rows)
    return all_acknowledged and _holds(url, {"fast": rows, "steady": _open_loop(rows)})


def _measure_bare(found: dict[str, list[float]], engine: str, url: str, rows: int) -> None:
    with process("-m", "benchmarks._gateway_peers", "bare", url) as line:
        port = port_of(line)
        send(Load(port, max(rows // 10, 100), "warm"))
        _note(found, f"bare_{engine}_acks_per_s", send(Load(port, rows, "fast"))["per_s"])


def _is_correct(engine: str, folder: Path, events: int) -> bool:
    """Whether events that are each sent three times are acknowledged so and kept once."""
    with database(engine, folder) as url:
        with _gateway(url, folder) as port:
            answers = send(Load(port, events, "checked", copies=3))
        told = (answers.get("202"), answers.get("202 duplicate"))
        return told == (events, 2 * events) and _holds(url, {"checked": events})


def _holds(url: str, expected: Mapping[str, int]) -> bool:
    """Whether the store has the events of these prefixes, each once, with their bodies."""
    engine = open_engine(url)
    with engine.connect() as connection:
        columns = (inbox_events.c.event_id, sa.func.length(inbox_events.c.body))
        rows = [tuple(row) for row in connection.execute(sa.select(*columns))]
    engine.dispose()
    size = Load(0, 0, "").body_bytes
    wanted = {(name_of(p, n), size) for p, events in expected.items() for n in range(events)}
    kept = [row for row in rows if not row[0].startswith("warm-")]
    return len(kept) == len(wanted) and set(kept) == wanted


@contextmanager
def _gateway(url: str, folder: Path) -> Iterator[int]:
    """`accord gateway` over a store, as the product starts it; only its rate limit is lifted."""
    environment = {
        "ACCORD_HOME": str(folder / "home"),
        "ACCORD_INBOX_URL": url,
        "ACCORD_STATE_URL": "",
        "ACCORD_EVENTS_SIGNING_SECRETS": SECRET,
        "ACCORD_GATEWAY_EVENTS_PER_S": "1000000",
    }
    with process("-c", ACCORD, "gateway", "--port", "0", **environment) as line:
        yield port_of(line)
