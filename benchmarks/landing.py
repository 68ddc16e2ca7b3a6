"""How fast contacts land, beside stock dlt and a bare loop, over the same server and rows.

Three ways bring the same typed table about from the same pages:
- `landing`: the product's own path, connector, contract, comparison, dlt, cursor and all;
- `dlt_dicts`: dlt's `rest_api` source as it comes, dicts in;
- `bare_loop`: httpx, orjson, pyarrow and an insert into DuckDB, nothing else.
They run in turn in one process, after one small warm-up each; the middle time counts. Equal counts
and checksums of all typed columns come before any figure.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import httpx
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks._contact_pages import PAGE_ROWS, contact_server
from orchestration_assets.connectors.hubspot.source import HubSpotSource
from orchestration_assets.connectors.hubspot.streams import STREAMS
from orchestration_assets.landing.contract import arrow_schema
from orchestration_assets.landing.land import land
from orchestration_assets.model import Kind
from orchestration_assets.state.store import open_state
from orchestration_assets.warehouse.engine import open_warehouse

STREAM = STREAMS["contacts"]
ROUNDS = 3
DLT_ROWS = 10_000
WARM_UP_ROWS = 1_000
BARE_CHUNK_ROWS = 50_000
_PATH = "/crm/v3/objects/contacts"
_UNLIMITED = "100000000"


def run(rows: int = 100_000) -> dict[str, Any]:
    """Measure the three ways and return figures (rows a second) and ratios.

    Args:
        rows: contacts on the server; dlt with dicts reads at most 10,000 of them.
    """
    dlt_rows = min(rows, DLT_ROWS) // PAGE_ROWS * PAGE_ROWS or PAGE_ROWS
    with tempfile.TemporaryDirectory(prefix="accord-bench-") as folder:
        root = Path(folder)
        with contact_server(WARM_UP_ROWS) as url:
            _landing(url, root / "warm-landing")
            _bare_loop(url, root / "warm-bare")
            _dlt_dicts(url, root / "warm-dlt", WARM_UP_ROWS)
        seconds: dict[str, list[float]] = {"landing": [], "bare_loop": [], "dlt_dicts": []}
        with contact_server(rows) as url:
            for turn in range(ROUNDS):
                seconds["bare_loop"].append(_timed(_bare_loop, url, root / f"bare-{turn}"))
                seconds["landing"].append(_timed(_landing, url, root / f"landing-{turn}"))
                if turn == 0:
                    seconds["dlt_dicts"].append(_timed(_dlt_dicts, url, root / "dlt", dlt_rows))
        correct = _is_correct(root, rows, dlt_rows)
    counts = {"landing": rows, "bare_loop": rows, "dlt_dicts": dlt_rows}
    speed = {name: counts[name] / statistics.median(times) for name, times in seconds.items()}
    return {
        "bench": "landing",
        "workload": {
            "rows": rows,
            "rows_dlt_dicts": dlt_rows,
            "rows_a_page": PAGE_ROWS,
            "columns": len(STREAM.fields),
            "rounds": ROUNDS,
            "warehouse": "duckdb",
        },
        "correct": correct,
        "figures": {f"{name}_rows_per_s": round(value) for name, value in speed.items()}
        | {f"{name}_seconds": [round(one, 3) for one in times] for name, times in seconds.items()},
        "ratios": {
            "vs_dlt_dicts": round(speed["landing"] / speed["dlt_dicts"], 2),
            "vs_bare_loop": round(speed["landing"] / speed["bare_loop"], 2),
        },
    }


def _timed(way: Callable[..., None], *arguments: Any) -> float:
    began = time.perf_counter()
    way(*arguments)
    return time.perf_counter() - began


def _landing(url: str, folder: Path) -> None:
    folder.mkdir()
    warehouse = open_warehouse(f"duckdb:///{folder / 'db.duckdb'}", folder)
    state = open_state(f"sqlite:///{folder / 'state.sqlite'}")
    source = HubSpotSource({"base_url": url, "token": "bench", "requests_per_10s": _UNLIMITED})
    land(STREAM, source, warehouse, state, folder)
    source.close()
    state.close()


def _dlt_dicts(url: str, folder: Path, rows: int) -> None:
    import dlt
    from dlt.sources.rest_api import rest_api_source

    folder.mkdir()
    source = rest_api_source(
        {
            "client": {
                "base_url": url,
                "paginator": {
                    "type": "cursor",
                    "cursor_path": "paging.next.after",
                    "cursor_param": "after",
                },
            },
            "resources": [
                {"name": "contacts", "endpoint": {"path": _PATH, "data_selector": "results"}}
            ],
        }
    )
    source.resources["contacts"].add_limit(rows // PAGE_ROWS)
    pipeline = dlt.pipeline(
        f"bench_{folder.name.replace('-', '_')}",
        pipelines_dir=str(folder / "dlt"),
        destination=dlt.destinations.duckdb(credentials=str(folder / "db.duckdb")),
        dataset_name="raw_hubspot",
    )
    pipeline.run(source)


def _bare_loop(url: str, folder: Path) -> None:
    folder.mkdir()
    connection = duckdb.connect(str(folder / "db.duckdb"))
    connection.execute("create schema raw_hubspot")
    connection.register("empty", _bare_table([]))
    connection.execute("create table raw_hubspot.contacts as select * from empty")
    records: list[dict[str, Any]] = []
    with httpx.Client(base_url=url) as client:
        after: str | None = "0"
        while after is not None:
            answer = orjson.loads(client.get(_PATH, params={"after": after}).content)
            records += answer["results"]
            after = answer["paging"]["next"]["after"] if "paging" in answer else None
            if len(records) >= BARE_CHUNK_ROWS or after is None:
                connection.register("chunk", _bare_table(records))
                connection.execute("insert into raw_hubspot.contacts select * from chunk")
                connection.unregister("chunk")
                records = []
    connection.close()


def _bare_table(records: list[dict[str, Any]]) -> pa.Table:
    """The typed columns of the contract, the identifier, the time and the raw text."""
    wanted = arrow_schema(STREAM)
    columns = {
        "_record_id": pa.array([record["id"] for record in records], pa.string()),
        "_source_at": pc.cast(
            pa.array([record["updatedAt"] for record in records], pa.string()),
            wanted.field("_source_at").type,
        ),
        "_raw": pa.array([orjson.dumps(record) for record in records], pa.string()),
    }
    for field in STREAM.fields:
        key = field.path.removeprefix("properties.")
        if field.kind is Kind.JSON:
            values = [orjson.dumps(record[key]) for record in records]
        else:
            values = [record["properties"][key] for record in records]
        text = pa.array(values, pa.string())
        columns[field.name] = pc.cast(text, wanted.field(field.name).type)
    return pa.table(columns)


def _is_correct(root: Path, rows: int, dlt_rows: int) -> bool:
    """Whether all three brought the same rows about: all of them, and those that dlt read."""
    mine, bare = root / f"landing-{ROUNDS - 1}", root / f"bare-{ROUNDS - 1}"
    ours = {field.name: f'"{field.name}"' for field in STREAM.fields if field.kind is not Kind.JSON}
    theirs = {name: f'"properties__{name}"' for name in ours}
    everything = [
        _checksum(folder, "_record_id", ours, rows, with_raw=True) for folder in (mine, bare)
    ]
    some = [
        _checksum(mine, "_record_id", ours, dlt_rows),
        _checksum(bare, "_record_id", ours, dlt_rows),
        _checksum(root / "dlt", "id", theirs, dlt_rows),
    ]
    return (
        len(set(everything)) == 1
        and len(set(some)) == 1
        and everything[0][0] == rows
        and some[0][0] == dlt_rows
    )


def _checksum(
    folder: Path, key: str, columns: dict[str, str], rows: int, *, with_raw: bool = False
) -> tuple[int, int]:
    """Rows and checksum over the first `rows` contacts; an empty text counts as null."""
    wanted = {field.name: field.kind for field in STREAM.fields}
    types = {Kind.BOOLEAN: "boolean", Kind.TIMESTAMP: "timestamptz"}
    connection = duckdb.connect(str(folder / "db.duckdb"), read_only=True)
    known = {
        name
        for (name,) in connection.execute(
            "select column_name from information_schema.columns"
            " where table_schema = 'raw_hubspot' and table_name = 'contacts'"
        ).fetchall()
    }
    # dlt makes no column of a field that was null in every record it read.
    parts = []
    for name, column in columns.items():
        kind = types.get(wanted[name], "varchar")
        text = f"coalesce(nullif({column}::varchar, '')::{kind}::varchar, '')"
        parts.append(text if column.strip('"') in known else "''")
    if with_raw:
        parts += ["_raw", "properties_with_history", "_source_at::varchar"]
    try:
        connection.execute("set TimeZone = 'UTC'")
        found = connection.execute(
            f"select count(*), sum(hash({key}, {', '.join(parts)})) from raw_hubspot.contacts"
            f" where {key}::bigint < $end",
            {"end": 100_000 + rows},
        ).fetchone()
    finally:
        connection.close()
    assert found is not None
    return int(found[0]), int(found[1])
