"""The live lane does what a refresh does: a story of two deployments that hear the same.

One takes the shop's events by webhook, the other reads the shop and refreshes.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from unittest import mock

import pytest

from benchmarks._event_world import refresh
from orchestration_assets.connectors.catalog import SYSTEMS
from orchestration_assets.deployment import Deployment
from orchestration_assets.events.inbox import Inbox
from orchestration_assets.events.worker import Worker
from orchestration_assets.stages.events import SYSTEMS_WITH_EVENTS, make_gateway, open_inbox
from orchestration_assets.stages.land import land_stream
from orchestration_assets.stages.model import waiting_loads
from orchestration_assets.stages.work_events import EventWork
from orchestration_assets.warehouse.released_tables import RELEASED_TABLES
from sandbox.client import RunningSandbox, start_sandbox
from tests.support.deployed import Deployed
from tests.unit.sandbox.serving import eventually, serving

SECRET = "the secret of the shop"
pytestmark = pytest.mark.long


@dataclass
class Live:
    """A deployment whose events come by webhook, and its twin that reads and refreshes."""

    sandbox: RunningSandbox
    deployment: Deployment
    inbox: Inbox
    work: EventWork
    batches: list[dict]
    twin: Deployment

    def drain(self) -> int:
        """Let every webhook arrive, then work all of them off."""
        eventually(
            lambda: self.sandbox.control("/webhooks", None)["counts"],
            lambda counts: counts["made"] > 0 and counts["waiting"] == 0,
        )
        return Worker(self.inbox, self.work, "a worker", SYSTEMS_WITH_EVENTS).drain()

    def refresh_twin(self) -> None:
        """Land what changed at the shop, and nothing of the systems that send no events."""
        for stream in SYSTEMS["shopify"].streams:
            land_stream(self.twin, "shopify", stream)
        refresh(self.twin)

    def rows(self, deployment: Deployment, schema: str) -> dict[str, list[str]]:
        """All rows of every released table, as text and in order."""
        found = {}
        with deployment.warehouse.reader() as session:
            for table in RELEASED_TABLES:
                names = [one for one in session.columns("core", table) if one not in _OF_LOADING]
                rows = session.rows(f"select {', '.join(names)} from {schema}.{table}")
                found[table] = sorted(str(tuple(row.values())) for row in rows)
        return found


# When a link was found is the moment of the run that found it.
_OF_LOADING = ("valid_from", "valid_until", "valid_to", "is_current", "changed_at")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    root = tmp_path_factory.mktemp("live")
    with start_sandbox(root, customers=300, seed=5, tier="unlimited") as sandbox:
        first = Deployed(root / "live", sandbox)
        # The second run lands what the first one wrote at the destinations.
        assert first.run()["failed_steps"] == first.run()["failed_steps"] == []
        shutil.copytree(first.home, root / "twin")
        environment = first.environment(ACCORD_SHOPIFY_WEBHOOK_SECRET=SECRET)
        with mock.patch.dict(os.environ, environment):
            deployment = Deployment()
            inbox, batches = open_inbox(deployment), []
            work = EventWork(deployment, batches.append)
            with serving(make_gateway(deployment, inbox)) as gateway:
                sandbox.control("/webhooks", {"url": gateway, "secrets": {"shopify": SECRET}})
                twin = Deployment(deployment.settings.model_copy(update={"home": root / "twin"}))
                yield Live(sandbox, deployment, inbox, work, batches, twin)
            inbox.close()
            deployment.close()


def test_what_events_release_is_what_a_refresh_releases(live: Live) -> None:
    for _ in range(3):
        live.sandbox.control("/checkout", {})
        [customer] = live.sandbox.control("/order", {})["ids"]["shopify.customers"]
        live.sandbox.control("/checkout", {"customer_id": customer})
    live.sandbox.control("/order", {"customer_id": customer})
    assert live.drain() > 6
    assert sum(batch["events"] for batch in live.batches) > 6
    assert waiting_loads(live.deployment) == []
    live.refresh_twin()
    for schema in ("core", "released"):
        ours = live.rows(live.deployment, schema)
        theirs = live.rows(live.twin, schema)
        for table in ours:
            differ = set(ours[table]) ^ set(theirs[table])
            assert ours[table] == theirs[table], f"{schema}.{table}: {sorted(differ)}"
    assert live.inbox.list() == []
