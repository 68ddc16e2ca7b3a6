"""A deployment whose systems are vendors in memory, for tests of the landing gate."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestration_assets.connectors.hubspot.streams import STREAMS
from orchestration_assets.deployment import Deployment
from orchestration_assets.landing.fetched import land_fetched
from orchestration_assets.landing.land import land
from orchestration_assets.model import LandingResult
from orchestration_assets.stages.land import prepare_landing
from orchestration_assets.stages.landing_gate import judge_landings
from orchestration_assets.state.alerts import open_alerts
from orchestration_assets.warehouse.readings import readings_with
from orchestration_assets.warehouse.scope import consume, open_scope
from tests.unit.landing.vendor import Vendor

NOW = datetime.now(UTC)


def company(number: int, *, hours_ago: float = 48, **properties: Any) -> dict[str, Any]:
    """A HubSpot company that changed so many hours ago."""
    at = (NOW - timedelta(hours=hours_ago)).isoformat()
    known = {"name": f"Firm {number}", "city": "Lyon", "numberofemployees": "12"}
    known |= {"domain": f"firm{number}.example.org", "createdate": at}
    return {"id": str(number), "createdAt": at, "updatedAt": at, "properties": known | properties}


@dataclass
class HeldWorld:
    """Lands streams of HubSpot from vendors in memory, and refreshes without building anything."""

    deployment: Deployment = field(default_factory=Deployment)
    vendors: Mapping[str, Vendor] = field(
        default_factory=lambda: {name: Vendor(page_size=1_000) for name in STREAMS}
    )
    releases: int = 0

    def __post_init__(self) -> None:
        prepare_landing(self.deployment)

    def land(self, stream: str = "companies", *, full: bool = False) -> LandingResult:
        """Land one stream."""
        place = self.deployment
        vendor = self.vendors[stream]
        return land(STREAMS[stream], vendor, place.warehouse, place.state, place.home, full=full)

    def fetch(self, *ids: str, stream: str = "companies") -> LandingResult:
        """Land single records of a stream."""
        place = self.deployment
        vendor = self.vendors[stream]
        return land_fetched(STREAMS[stream], vendor, ids, place.warehouse, place.state, place.home)

    def scope(self) -> dict[str, int]:
        """Judge and open the scope; records in it by stream."""
        judge_landings(self.deployment)
        return dict(open_scope(self.deployment.warehouse).records)

    def refresh(self) -> dict[str, int]:
        """Judge, open the scope and consume it, as a release does; what was in it."""
        found = self.scope()
        self.releases += 1
        with self.deployment.warehouse.writer("test release") as session:
            consume(session, self.releases)
        return found

    def statuses(self) -> list[str | None]:
        """Status of each reading, oldest first."""
        rows = self.rows("select status from landing.readings order by started_at")
        return [row["status"] for row in rows]

    def held(self) -> list[dict[str, Any]]:
        """What is held."""
        with self.deployment.warehouse.reader() as session:
            return readings_with(session, "held")

    def incidents(self) -> dict[str, dict[str, Any]]:
        """Open incidents of the landing gate by key."""
        found = open_alerts(self.deployment.state, "landing/")
        return {alert["dedup_key"]: alert for alert in found}

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Query the warehouse."""
        with self.deployment.warehouse.reader() as session:
            return session.rows(sql)

    def living(self) -> set[str]:
        """Companies as the model may read them: living by their newest readable version."""
        found = self.rows(
            "select _record_id, _is_deleted from (select *, row_number() over ("
            "partition by _record_id order by _source_at desc, _loaded_at desc) as n"
            " from raw_hubspot.companies where _dlt_load_id in ("
            "select load_id from scope.readable_loads where stream = 'companies')) r where n = 1"
        )
        return {row["_record_id"] for row in found if not row["_is_deleted"]}
