"""A deployment over a running sandbox, as a test sees it."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import dagster as dg
import orjson

from orchestration_assets.commands.run import run_and_measure
from orchestration_assets.defs.alerts import alert_sensor
from orchestration_assets.defs.resources import AccordResource
from orchestration_assets.deployment import Deployment
from orchestration_assets.state.held_rows import held
from sandbox.client import RunningSandbox

PEOPLE_WRITES = (
    "/contacts/batch/upsert",
    "/profile-bulk-import-jobs",
    "/event-bulk-create-jobs",
)


@dataclass
class Deployed:
    """Runs the whole path against a sandbox and reads what the destinations were sent."""

    home: Path
    sandbox: RunningSandbox

    def environment(self, **changes: str) -> dict[str, str]:
        """The variables of the deployment; the sandbox's search has no lag to make up for."""
        own = {"ACCORD_HOME": str(self.home), "ACCORD_HUBSPOT_SEARCH_LAG_S": "0"}
        return {**self.sandbox.environment(), **own, **changes}

    def run(self, **changes: str) -> dict[str, Any]:
        """Everything once, as a recorded run; the run's figures."""
        with mock.patch.dict(os.environ, self.environment(**changes)):
            return run_and_measure()[1]

    def requests(self) -> list[dict[str, Any]]:
        """Every request that a destination accepted so far."""
        path = self.sandbox.home / "requests.jsonl"
        lines = path.read_bytes().splitlines() if path.exists() else []
        return [orjson.loads(line) for line in lines]

    def rows_sent(self) -> dict[str, int]:
        """Rows of people that the destinations accepted so far, by system."""
        sent: dict[str, int] = {}
        for request in self.requests():
            if request["path"].endswith(PEOPLE_WRITES):
                sent[request["system"]] = sent.get(request["system"], 0) + len(request["rows"])
        return sent

    def alerts(self) -> list[dict[str, Any]]:
        """Messages that arrived at the Slack-shaped webhook, oldest first."""
        return self.sandbox.control("/_received")["messages"]

    def corrupt_orders(self, share: float, *, newest: bool = False) -> set[str]:
        """Break a share of Shopify's orders and of the contacts; the orders, named as in core."""
        made = self.sandbox.control("/corrupt", {"share": share, "newest": newest})
        return {f"shopify:{key}" for key in made["ids"]["shopify.orders"]}

    def held(self, table: str | None = None) -> list[dict[str, Any]]:
        """Rows that a gate holds back alone."""
        with mock.patch.dict(os.environ, self.environment()):
            deployment = Deployment()
            rows = held(deployment.state, table)
            deployment.close()
        return rows

    def tell_of_runs(self, since: float) -> None:
        """One tick of the sensor that turns runs which ended since then into alerts."""
        with (
            mock.patch.dict(os.environ, self.environment()),
            dg.DagsterInstance.from_config(str(self.home / "dagster")) as instance,
        ):
            context = dg.build_sensor_context(instance=instance, cursor=str(since))
            alert_sensor(context, accord=AccordResource())

    def write_past_the_scope(self, statement: str) -> None:
        """Change the warehouse as nothing in Accord does."""
        with (
            mock.patch.dict(os.environ, self.environment()),
            Deployment().warehouse.writer("meddle") as session,
        ):
            session.execute(statement)

    def released_orders(self, ids: Collection[str]) -> set[str]:
        """Which of these orders are released."""
        wanted = ", ".join(f"'{key}'" for key in sorted(ids))
        query = f"select order_id from released.fct_orders where order_id in ({wanted})"
        with (
            mock.patch.dict(os.environ, self.environment()),
            Deployment().warehouse.reader() as session,
        ):
            return {row["order_id"] for row in session.rows(query)}
