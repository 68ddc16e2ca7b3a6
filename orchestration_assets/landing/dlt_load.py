"""Writing a chunk through dlt, and putting things right after a process died in the middle.

All of it runs while the caller holds the warehouse's writer lock: one load at a time.
"""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import structlog

from orchestration_assets.errors import RetriableError
from orchestration_assets.landing.contract import LOAD_ID, raw_schema
from orchestration_assets.landing.cursors import Load, record
from orchestration_assets.model import Stream
from orchestration_assets.warehouse.engine import Warehouse
from orchestration_assets.warehouse.session import Session
from orchestration_assets.warehouse.sql import qualified

if TYPE_CHECKING:
    import dlt

_DAY_S = 86_400
_FROZEN = {"tables": "evolve", "columns": "freeze", "data_type": "freeze"}
_WIDENED = {"tables": "evolve", "columns": "evolve", "data_type": "freeze"}


class Loader:
    """Loads chunks of one system's streams into `raw_<system>`.

    Args:
        stream: any stream of the system.
        warehouse: whose writer lock the caller holds during `load`.
        home: folder of the embedded stores; dlt works in `home/dlt`.
    """

    def __init__(self, stream: Stream, warehouse: Warehouse, home: Path) -> None:
        self._stream = stream
        self._warehouse = warehouse
        self._folder = home.resolve() / "dlt"
        self._pipeline: Any = None

    def load(self, rows: pa.Table) -> str:
        """Append the rows to the stream's raw table; return the load's id once it is durable."""
        if self._pipeline is None:
            self._pipeline = self._open()
        stream = self._stream
        postgres = self._warehouse.dialect == "postgres"
        info = self._pipeline.run(
            rows,
            table_name=stream.name,
            write_disposition="append",
            schema_contract=self._contract(rows),
            loader_file_format="csv" if postgres else "parquet",
        )
        if info.has_failed_jobs or not info.loads_ids:
            raise RetriableError(
                f"dlt could not write a chunk of {stream.key}.",
                "look at the error above, then land again: nothing of the chunk counts yet.",
            )
        return str(info.loads_ids[0])

    def _contract(self, rows: pa.Table) -> dict[str, str]:
        """Frozen, except when our own contract has grown since dlt saw the table last."""
        tables = self._pipeline.default_schema.tables if self._pipeline.default_schema_name else {}
        table = tables.get(self._stream.name)
        if table is None or set(rows.column_names) <= set(table["columns"]):
            return dict(_FROZEN)
        return dict(_WIDENED)

    def _open(self) -> "dlt.Pipeline":
        name = f"accord_{self._stream.system}"
        try:
            pipeline = self._new_pipeline(name)
            if not pipeline.has_pending_data:
                return pipeline
        except Exception as error:
            # A killed process may leave any file of dlt's half-written; a second failure is raised.
            structlog.get_logger(__name__).warning(
                "work_folder_thrown_away", stream=self._stream.key, error=type(error).__name__
            )
            shutil.rmtree(self._folder / name, ignore_errors=True)
            return self._new_pipeline(name)
        # A killed process left a chunk behind. Its cursor was not stored, so it is read again.
        shutil.rmtree(self._folder / name, ignore_errors=True)
        return self._new_pipeline(name)

    def _new_pipeline(self, name: str) -> "dlt.Pipeline":
        import dlt

        self._folder.mkdir(parents=True, exist_ok=True)
        for key, value in _SETTINGS.items():
            dlt.config[key] = value
        return dlt.pipeline(
            name,
            pipelines_dir=str(self._folder),
            destination=self._destination(),
            dataset_name=raw_schema(self._stream),
        )

    def _destination(self) -> Any:
        import dlt

        if self._warehouse.dialect == "postgres":
            return dlt.destinations.postgres(credentials=_postgres_credentials(self._warehouse.url))
        path = self._warehouse.url.removeprefix("duckdb:///")
        return dlt.destinations.duckdb(credentials=str(Path(path).expanduser().resolve()))


def _postgres_credentials(url: str) -> Any:
    """Credentials for dlt, which demands a password even of a server that asks for none."""
    from dlt.destinations.impl.postgres.configuration import PostgresCredentials

    credentials = PostgresCredentials()
    credentials.parse_native_representation(url.replace("postgres://", "postgresql://", 1))
    if not credentials.password:
        # dlt strips it to an empty one, for which libpq looks where it always looks.
        credentials.password = " "  # noqa: S105 no secret
    return credentials


_SETTINGS: dict[str, Any] = {
    "normalize.parquet_normalizer.add_dlt_load_id": True,
    # No payload stays on disk, and no pool of threads that is polled once a second.
    "load.delete_completed_jobs": True,
    "load.workers": 1,
    "normalize.workers": 1,
    "restore_from_destination": False,
    "runtime.dlthub_telemetry": False,
}


def unfinished(session: Session, stream: Stream) -> list[str]:
    """Ids of loads that are in the raw table but not registered: a process died between the two."""
    last = session.scalar(
        "select max(load_id) from landing.loads where system = :system and stream = :stream",
        {"system": stream.system, "stream": stream.name},
    )
    # Load ids are seconds since 1970; a day covers a clock that was set back.
    since = str(float(last) - _DAY_S) if last else ""
    found = session.rows(
        f"select distinct {LOAD_ID} as load_id"
        f" from {qualified(raw_schema(stream), stream.name)} where {LOAD_ID} >= :since"
        f" and {LOAD_ID} not in (select load_id from landing.loads"
        " where system = :system and stream = :stream) order by 1",
        {"since": since, "system": stream.system, "stream": stream.name},
    )
    return [row["load_id"] for row in found]


def put_right(warehouse: Warehouse, stream: Stream) -> list[str]:
    """Register complete loads that nobody registered, and take out the rows of incomplete ones.

    What is taken out was never complete, and its cursor never stored: it is read again.

    Returns:
        Ids of the loads registered now.
    """
    table = qualified(raw_schema(stream), stream.name)
    registered: list[str] = []
    with warehouse.writer(f"put {stream.key} right after a crash") as session:
        for load_id in unfinished(session, stream):
            if not _is_complete(session, stream, load_id):
                session.execute(f"delete from {table} where {LOAD_ID} = :id", {"id": load_id})
                continue
            found = session.rows(
                f"select count(*) as rows, max(_source_at) as watermark from {table}"
                f" where {LOAD_ID} = :id",
                {"id": load_id},
            )[0]
            record(session, stream, [Load(load_id, found["rows"], found["watermark"])], None)
            registered.append(load_id)
    return registered


def _is_complete(session: Session, stream: Stream, load_id: str) -> bool:
    schema = raw_schema(stream)
    if not session.table_exists(schema, "_dlt_loads"):
        return False
    loads = qualified(schema, "_dlt_loads")
    status = session.scalar(f"select status from {loads} where load_id = :id", {"id": load_id})
    return status == 0
