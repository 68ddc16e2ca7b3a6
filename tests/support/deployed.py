"""A deployment over a running sandbox, as a test sees it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import orjson

from orchestration_assets.commands.run import run_and_measure
from sandbox.client import RunningSandbox

PEOPLE_WRITES = ("/contacts/batch/upsert", "/profile-bulk-import-jobs")


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
