"""A world whose clock is told what time it is, so that two of them can be compared row by row."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

from orchestration_assets.transform import project
from tests.support.model_world import CORE_TABLES, ModelWorld


@dataclass
class DatedWorld(ModelWorld):
    """A world that dates the moves between customers by `times`, one for each refresh."""

    times: list[datetime] = field(default_factory=list)

    def build(self, select, *, full: bool = False, tests: bool = True):
        """Run one dbt stage, the core after the moves that identity found were dated."""
        if select == project.CORE:
            self._date_moves()
        return super().build(select, full=full, tests=tests)

    def _date_moves(self) -> None:
        known = ", ".join(f"timestamptz '{time.isoformat()}'" for time in self.times)
        with self.warehouse.writer("fixed clock") as session:
            session.execute(
                "update identity.history set changed_at = cast(:now as timestamptz)"
                f" where changed_at not in ({known})",
                {"now": self.times[-1]},
            )

    def checksums(self, *schemas: str) -> dict[str, str]:
        """Number of rows and a checksum over all of them, of each core table in each schema."""
        found = {}
        for schema in schemas:
            for table in CORE_TABLES:
                with self.warehouse.reader() as session:
                    columns = sorted(session.columns(schema, table))
                    rows = session.rows(f"select {', '.join(columns)} from {schema}.{table}")
                lines = sorted(json.dumps([_plain(v) for v in row.values()]) for row in rows)
                digest = hashlib.sha256("\n".join([str(columns), *lines]).encode()).hexdigest()
                found[f"{schema}.{table}"] = f"{len(rows)} rows {digest}"
        return found


def _plain(value: object) -> str | None:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return None if value is None else str(value)
