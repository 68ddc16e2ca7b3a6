"""The lineage of the whole path: contracts of the connectors, models, steps of ours, journeys."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from orchestration_assets.connectors.catalog import all_streams
from orchestration_assets.governance.bridges import BRIDGES
from orchestration_assets.governance.column_sources import Origin, origins
from orchestration_assets.governance.lineage import ColumnFacts, Graph, Sent
from orchestration_assets.governance.raci import Raci
from orchestration_assets.model import Stream
from orchestration_assets.stages.governance import accountable_for
from orchestration_assets.transform.compiled import compiled_models
from orchestration_assets.transform.project import ModelNode, load_nodes

_FILE = "lineage.json"


def lineage_graph(raci: Raci) -> Graph:
    """Every column from the vendors' fields to the destinations' properties.

    Raises:
        FatalError: a model does not compile, or nobody answers for one.
    """
    manifest, compiled = compiled_models()
    nodes = load_nodes(manifest)
    models = [node for node in nodes if node.resource_type == "model"]
    found: dict[str, Origin] = {}
    for stream in all_streams():
        found |= dict.fromkeys(_raw_columns(stream), Origin())
    for node in nodes:
        if node.resource_type == "source":
            found |= _written_by_steps(node, models)
    found |= _model_origins(manifest, compiled, nodes)
    return Graph(
        origins=found,
        vendor={
            column: field
            for stream in all_streams()
            for column, field in _raw_columns(stream).items()
        },
        sent=_sent(models),
        facts=_facts(models, raci),
    )


def _raw_columns(stream: Stream) -> dict[str, str]:
    """Columns of a raw table with the vendor's field behind each; empty for what landing adds."""
    record = f"{stream.system} {stream.name}"
    table = f"raw_{stream.system}.{stream.name}"
    fields = {
        "_record_id": f"{record}: {stream.record_id}",
        "_source_at": f"{record}: {stream.source_at}",
        "_raw": f"{record}: the whole record",
        "_row_hash": f"{record}: the whole record",
        **dict.fromkeys(("_loaded_at", "_is_deleted", "_dlt_load_id"), ""),
        **{field.name: f"{record}: {field.path}" for field in stream.fields},
    }
    return {f"{table}.{name}": shown for name, shown in fields.items()}


def _written_by_steps(node: ModelNode, models: Iterable[ModelNode]) -> dict[str, Origin]:
    """Columns of a source that no connector lands: copied by the release, or bridged."""
    table = f"{node.schema}.{node.name}"
    if node.schema.startswith("raw_"):
        return {}
    if node.schema == "released":
        core = [m for m in models if m.schema == "core" and m.name == node.name]
        names = [column.name for model in core for column in model.columns]
        return {f"{table}.{name}": Origin((f"core.{node.name}.{name}",)) for name in names}
    bridged = BRIDGES.get(table, {})
    return {f"{table}.{c.name}": bridged.get(c.name, Origin()) for c in node.columns}


def _model_origins(
    manifest: Path, compiled: Mapping[str, str], nodes: Iterable[ModelNode]
) -> dict[str, Origin]:
    """Origins of the models' columns; kept beside the manifest, for sqlglot takes seconds."""
    kept = manifest.with_name(_FILE)
    made_of = f"{manifest.stat().st_mtime_ns} {version('sqlglot')}"
    if kept.exists():
        content = json.loads(kept.read_bytes())
        if content["made_of"] == made_of:
            return {
                name: Origin(**{key: tuple(value) for key, value in origin.items()})
                for name, origin in content["columns"].items()
            }
    tables: dict[str, dict[str, list[str]]] = {}
    for node in nodes:
        named = tables.setdefault(node.schema, {})
        named[node.name] = [column.name for column in node.columns]
    # The release writes what core holds, so its sources list no column of their own.
    for name in tables.get("released", {}):
        tables["released"][name] = tables["released"][name] or tables["core"].get(name, [])
    found = {
        f"{node.schema}.{node.name}.{column}": origin
        for node in nodes
        if node.unique_id in compiled
        for column, origin in origins(compiled[node.unique_id], "duckdb", tables).items()
    }
    columns = {name: asdict(origin) for name, origin in found.items()}
    kept.write_text(json.dumps({"made_of": made_of, "columns": columns}))
    return found


def _sent(models: Iterable[ModelNode]) -> dict[str, list[Sent]]:
    """Properties that the journeys fill, by the column they take."""
    found: dict[str, list[Sent]] = {}
    for node in models:
        journey = node.meta.get("journey")
        if not journey:
            continue
        destination, object_name = journey["destination"], journey["object"]
        pairs = [*journey["payload"].items(), ("upsert key", journey["target_key"])]
        for name, column in pairs:
            found.setdefault(f"{node.schema}.{node.name}.{column}", []).append(
                Sent(destination, object_name, name, node.name)
            )
    return found


def _facts(models: Iterable[ModelNode], raci: Raci) -> dict[str, ColumnFacts]:
    found = {
        f"{node.schema}.{node.name}.{column.name}": ColumnFacts(
            column.personal_data or "", accountable_for(raci, node), column.description
        )
        for node in models
        for column in node.columns
    }
    for stream in all_streams():
        owner = raci.accountable("connectors", stream.system)
        for field in stream.fields:
            name = f"raw_{stream.system}.{stream.name}.{field.name}"
            found[name] = ColumnFacts(field.personal_data.value, owner, f"`{field.path}`")
    return found
