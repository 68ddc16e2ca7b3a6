"""A message of any content."""

from datetime import UTC, datetime
from typing import Any

from orchestration_assets.alerting.message import Action, Message


def message(**changes: Any) -> Message:
    fields: dict[str, Any] = {
        "action": Action.OPEN,
        "key": "gate/customers",
        "name": "1.1.open.0",
        "severity": "critical",
        "title": "Gate failed",
        "headline": "Critical: Gate failed",
        "what": "Customers do not keep their rules.",
        "opened_at": datetime(2026, 11, 25, 12, tzinfo=UTC),
        "facts": {"Since": "2026-11-25 12:00 UTC", "Rows": "3"},
        "next_step": "Mend them.",
        "links": {"run": "http://127.0.0.1:3000/runs/1"},
    }
    return Message(**fields | changes)
