"""What every vendor application is handed: the world, the log of requests, faults and limits."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import orjson

from sandbox.faults import FaultBoard
from sandbox.limits import TIERS, Tier
from sandbox.world.model import World

SYSTEMS = ("hubspot", "shopify", "klaviyo", "slack", "teams", "pagerduty", "servicenow")
# Systems that people are told by; what Slack is told stands in `alerts.jsonl` as well.
ALERT_SYSTEMS = ("slack", "teams", "pagerduty", "servicenow")
ALERTS_FILE = "alerts.jsonl"
KEPT_REQUESTS = 5_000
KEPT_EVENTS = 500_000


class RequestLog:
    """Counts all requests and keeps the accepted writes, in memory and in `requests.jsonl`."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.seen_count: Counter[str] = Counter()
        self.status_count: Counter[str] = Counter()
        self.accepted_count: Counter[str] = Counter()
        self.accepted_rows: Counter[str] = Counter()
        self.recent: deque[dict[str, Any]] = deque(maxlen=KEPT_REQUESTS)
        self.writes: deque[dict[str, Any]] = deque(maxlen=KEPT_REQUESTS)
        self._file: IO[bytes] | None = None

    def seen(self, system: str, method: str, path: str, status: int) -> None:
        """Count one answered request; the middleware calls it for every vendor."""
        self.seen_count[system] += 1
        self.status_count[f"{system}.{status}"] += 1
        self.recent.append(
            {"at": _now(), "system": system, "method": method, "path": path, "status": status}
        )

    def accepted(
        self, system: str, method: str, path: str, status: int, rows: Sequence[Mapping[str, Any]]
    ) -> None:
        """Record the rows that the vendor took; rows it refused are left out by the caller."""
        entry = {
            "at": _now(),
            "system": system,
            "method": method,
            "path": path,
            "status": status,
            "rows": list(rows),
        }
        self.accepted_count[system] += 1
        self.accepted_rows[system] += len(entry["rows"])
        self.writes.append(entry)
        if self.path is not None:
            if self._file is None:
                self._file = self.path.open("ab")
            self._file.write(orjson.dumps(entry, default=str) + b"\n")
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


class ReceivedEvents:
    """Every event that a system took, each time that it came: what was late, lost or doubled."""

    def __init__(self) -> None:
        self.total = 0
        self.kept: deque[dict[str, Any]] = deque(maxlen=KEPT_EVENTS)

    def note(self, **event: Any) -> None:
        """Note one that came."""
        self.total += 1
        self.kept.append(event)

    def as_dict(self, metric: str | None = None) -> dict[str, Any]:
        """All that is kept, of one metric where it is given, and which came more than once."""
        events = [event for event in self.kept if metric in (None, event["metric"])]
        times = Counter(event["unique_id"] for event in events)
        return {
            "deliveries": len(events),
            "distinct": len(times),
            "doubled": {unique_id: count for unique_id, count in times.items() if count > 1},
            "forgotten": self.total - len(self.kept),
            "events": events,
        }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class SandboxContext:
    """Handed to `create_app(context)` of every vendor package.

    Args:
        world: the documents.
        request_log: `.accepted(system, method, path, status, rows)` for each accepted write.
        faults: the fault profile in force for each system.
        tier: the vendors' rate limits.
        tokens: the credential that each system accepts.
        home: folder of the sandbox's files; None keeps everything in memory.
        inboxes: what the systems that people are told by received.
        events_received: events that Klaviyo took, each time that one came.
    """

    world: World
    request_log: RequestLog = field(default_factory=RequestLog)
    faults: FaultBoard = field(default_factory=FaultBoard)
    tier: Tier = TIERS["standard"]
    tokens: dict[str, str] = field(
        default_factory=lambda: {system: f"sandbox-{system}-token" for system in SYSTEMS}
    )
    home: Path | None = None
    inboxes: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {system: [] for system in ALERT_SYSTEMS}
    )
    events_received: ReceivedEvents = field(default_factory=ReceivedEvents)

    def token(self, system: str) -> str:
        """The credential that the system accepts."""
        return self.tokens[system]

    def keep(self, system: str, message: dict[str, Any]) -> None:
        """Keep what people were told; alerts are no rows of a destination."""
        at = self.world.clock().isoformat(timespec="milliseconds")
        entry = {"at": at, "message": message}
        self.inboxes[system].append(entry)
        if self.home is not None and system == "slack":
            with (self.home / ALERTS_FILE).open("ab") as file:
                file.write(orjson.dumps(entry) + b"\n")
