"""The channel that always works: the log."""

from collections.abc import Mapping
from typing import Any

import structlog


class LogChannel:
    """Writes alerts to the structured log."""

    name = "log"

    def send(self, alert: Mapping[str, Any]) -> None:
        """Write one line with the alert's fields."""
        body = alert["body"]
        resolved = alert["resolved_at"] is not None
        logger = structlog.get_logger(__name__)
        write = logger.info if resolved else logger.error
        write(
            "alert_resolved" if resolved else "alert_opened",
            alert=alert["dedup_key"],
            severity=alert["severity"],
            title=alert["title"],
            since=alert["opened_at"].isoformat(),
            rows=body.get("rows"),
            held=body.get("held"),
            owner=body.get("owner"),
            next_step=body.get("next_step"),
        )
