"""How long it takes from a webhook to the request that it leads to, with every gate on.

Signed checkouts come at times of a Poisson process from a process of their own; `accord gateway`
acknowledges them durably, `accord live` lands, resolves, builds, judges, releases, decides and
delivers, and a local Klaviyo notes when each event reached it. Everything runs on the one machine.
Before any figure: each shopper who is not in the control group was written to exactly once.
"""

import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks._event_load import SECRET, Checkouts, begin, send, sent
from benchmarks._event_world import REFRESHED, copy_landed, land_world, refresh, shoppers
from benchmarks._processes import ACCORD, database, port_of, process
from orchestration_assets.deployment import Deployment
from orchestration_assets.stages.activate import all_journeys
from orchestration_assets.state.assignments import assigned
from orchestration_assets.state.event_times import PERCENTILES, percentile, stage_seconds
from orchestration_assets.warehouse.engine import Warehouse
from sandbox.client import RunningSandbox, start_sandbox

CUSTOMERS = 100_000
RATES = (1, 10, 50)
RATE_BESIDE_BATCH = 10
SECONDS = 60
ENGINES = ("duckdb", "postgres")
_JOURNEY = "jrn_abandoned_cart_email"
_METRIC = "Accord: cart left"
_WARM_EVENTS = 5
# What has not arrived by then counts as lost.
_PATIENCE_S = 60.0


@dataclass
class _Found:
    """What was measured."""

    figures: dict[str, float] = field(default_factory=dict)
    stages: dict[str, Mapping[str, float]] = field(default_factory=dict)
    lost: int = 0
    doubled: int = 0


def run(
    rows: int = CUSTOMERS,
    seconds: int = SECONDS,
    engines: Sequence[str] = ENGINES,
    rates: Sequence[int] = RATES,
    batch: bool = True,
) -> dict[str, Any]:
    """Measure and return figures: seconds at percentiles, events lost and doubled.

    Args:
        rows: customers in the warehouse.
        seconds: how long events come at each rate.
        engines: warehouses to measure on.
        rates: events a second.
        batch: measure beside a refresh of everything that ever landed too.
    """
    found = _Found()
    with tempfile.TemporaryDirectory(prefix="accord-bench-") as folder:
        root = Path(folder)
        world = land_world(root / "duckdb", rows)
        with start_sandbox(root / "vendors", customers=20, tier="unlimited") as sandbox:
            for engine in engines:
                with _deployed(engine, root, world, sandbox) as deployment:
                    measure = _Measure(engine, deployment, sandbox, found)
                    measure.at_rates(rates, seconds)
                    if batch:
                        measure.beside_batch()
    return {
        "bench": "event-to-action",
        "workload": {
            "customers": rows,
            "seconds_at_each_rate": seconds,
            "rates_per_s": list(rates),
            "engines": list(engines),
            "cores": os.cpu_count(),
        },
        "correct": not found.lost and not found.doubled,
        "figures": found.figures | {"lost": found.lost, "doubled": found.doubled},
        "seconds_by_stage": found.stages,
    }


@contextmanager
def _deployed(
    engine: str, root: Path, world: Warehouse, sandbox: RunningSandbox
) -> Iterator[Deployment]:
    """A deployment over the world, refreshed once; its processes find it in the environment."""
    home = root / engine
    own = {
        "ACCORD_HOME": str(home),
        "ACCORD_SHOPIFY_WEBHOOK_SECRET": SECRET,
        "ACCORD_LOG_LEVEL": "WARNING",
    }
    kind = "postgres" if engine == "postgres" else "sqlite"
    with database(kind, root) as url:
        if engine == "postgres":
            own |= {"ACCORD_WAREHOUSE_URL": url, "ACCORD_STATE_URL": url}
        os.environ.update(sandbox.environment() | own)
        deployment = Deployment()
        if engine == "postgres":
            copy_landed(world, deployment.warehouse, deployment.home)
        refresh(deployment)
        try:
            yield deployment
        finally:
            deployment.close()
            for name in ("ACCORD_WAREHOUSE_URL", "ACCORD_STATE_URL"):
                os.environ.pop(name, None)


class _Measure:
    """Measures on one engine; every shopper comes once."""

    def __init__(
        self, engine: str, deployment: Deployment, sandbox: RunningSandbox, found: _Found
    ) -> None:
        self._engine = engine
        self._deployment = deployment
        self._sandbox = sandbox
        self._found = found
        self._shoppers = shoppers(deployment.warehouse)
        self._first = 9_000_000

    @contextmanager
    def _running(self) -> Iterator[str]:
        """Gateway and live worker; yields the gateway's address."""
        with (
            process("-c", ACCORD, "gateway", "--port", "0") as line,
            process("-c", ACCORD, "live"),
        ):
            url = f"http://127.0.0.1:{port_of(line)}"
            # The first batch imports what the others find in memory.
            self._settle(send(self._checkouts(url, 50, _WARM_EVENTS)))
            yield url

    def _checkouts(self, url: str, rate: int, count: int) -> Checkouts:
        """Checkouts that none was before, of shoppers who have not come yet."""
        chosen, self._shoppers = self._shoppers[:count], self._shoppers[count:]
        assert len(chosen) == count, "the world has too few shoppers"
        first, self._first = self._first, self._first + count
        return Checkouts(url, rate, chosen, first, seed=first)

    def at_rates(self, rates: Sequence[int], seconds: int) -> None:
        """The live worker alone, at each rate."""
        with self._running() as url:
            for rate in rates:
                since = datetime.now(UTC)
                due = send(self._checkouts(url, rate, rate * seconds))
                self._note(f"live_{{}}_at_{rate}", self._settle(due))
                self._stages(f"at_{rate}", since)

    def beside_batch(self) -> None:
        """While a refresh of everything goes on in a process of its own, for as long as it does."""
        with self._running() as url, process("-m", "benchmarks._event_world") as line:
            assert line == "begun"
            due: dict[str, float] = {}
            since = datetime.now(UTC)
            ended = False
            while not ended:
                some = self._checkouts(url, RATE_BESIDE_BATCH, RATE_BESIDE_BATCH * 10)
                with begin(some) as sender:
                    due |= sent(sender)
                ended = (self._deployment.home / REFRESHED).exists()
            self._note("live_{}_during_batch", self._settle(due))
            self._stages("during_batch", since)

    def _settle(self, due: Mapping[str, float]) -> list[float]:
        """Wait until all arrived; seconds of each, from when it was due. Counts what did not."""
        deadline = time.monotonic() + _PATIENCE_S
        wanted = set(due)
        while True:
            seen = self._sandbox.control(f"/klaviyo/events-received?metric={_METRIC}")
            arrived: dict[str, list[float]] = {}
            for event in seen["events"]:
                if event["email"] in wanted:
                    arrived.setdefault(event["email"], []).append(event["seen_at"])
            missing = wanted - arrived.keys()
            if len(missing) < len(wanted) / 2:
                missing -= self._control_group()
            if not missing or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        self._found.lost += len(missing)
        self._found.doubled += sum(len(times) > 1 for times in arrived.values())
        return sorted(times[0] - due[email] for email, times in arrived.items())

    def _control_group(self) -> set[str]:
        """Addresses of the shoppers who are not written to, to know what it would bring."""
        holdout = all_journeys()[_JOURNEY].holdout
        assert holdout is not None
        groups = assigned(self._deployment.state, _JOURNEY, holdout.salt)
        ids = [row["customer_id"] for row in groups if row["in_control"]]
        with self._deployment.warehouse.reader() as session:
            rows = session.rows(
                "select email from released.dim_customers"
                " where customer_id in (select unnest(:ids::text[]))",
                {"ids": ids},
            )
        return {row["email"] for row in rows}

    def _note(self, name: str, seconds: Sequence[float]) -> None:
        suffix = "" if self._engine == "duckdb" and "batch" not in name else f"_{self._engine}"
        for percent in PERCENTILES:
            figure = round(percentile(seconds, percent), 3) if seconds else float("nan")
            self._found.figures[name.format(f"p{percent}_s") + suffix] = figure

    def _stages(self, name: str, since: datetime) -> None:
        spent = stage_seconds(self._deployment.state, since)
        self._found.stages[f"{name}_{self._engine}"] = {
            stage.removesuffix("_at"): round(seconds, 3) for stage, seconds in spent.items()
        }
