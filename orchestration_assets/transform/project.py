"""The dbt project: where it is, its manifest, and the nodes that the manifest describes.

Reading the manifest needs no dbt; parsing it does, and imports it only then.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from filelock import FileLock

PROJECT_DIR = Path(__file__).resolve().parents[2] / "dbt_project"

PREPARE = ("tag:prepare",)
"""Staging and what identity reads."""
CORE = ("tag:core",)
"""The common model, from what identity found."""
ACT = ("tag:act",)
"""Released views, audiences and journeys."""

_PARSED_BY_SUFFIX = (".sql", ".yml", ".yaml", ".csv", ".md")
_PARSE_LOCK_TIMEOUT_S = 120.0
_PARSE_URLS = {
    "duckdb": "duckdb:///parse_only.duckdb",
    "postgres": "postgresql://parse_only@127.0.0.1/parse_only",
}


@dataclass(frozen=True, slots=True)
class ModelColumn:
    """One column as its `.yml` declares it; `personal_data` is None where it names no class."""

    name: str
    data_type: str | None
    description: str
    personal_data: str | None


@dataclass(frozen=True, slots=True)
class ModelTest:
    """One data test; `severity` is `error` or `warn`."""

    unique_id: str
    name: str
    description: str
    severity: str
    column: str | None


@dataclass(frozen=True, slots=True)
class ModelNode:
    """A model or source of the dbt project, without anything that only dbt needs.

    Attributes:
        resource_type: `model` or `source`.
        depends_on: unique ids of the models and sources that it reads.
        folder: its path under the project (`models/marts/core`).
        meta: `config.meta` as written.
        tests: tests whose subject is this node.
    """

    unique_id: str
    name: str
    resource_type: str
    schema: str
    description: str
    materialized: str | None
    columns: tuple[ModelColumn, ...]
    tags: tuple[str, ...]
    group: str | None
    owner: str | None
    depends_on: tuple[str, ...]
    fqn: tuple[str, ...]
    folder: str
    meta: Mapping[str, Any] = field(default_factory=dict)
    tests: tuple[ModelTest, ...] = ()


def manifest_path(engine: str = "duckdb") -> Path:
    """Where the manifest for an engine is kept; each engine has macros of its own in it."""
    return PROJECT_DIR / "target" / engine / "manifest.json"


def ensure_manifest(engine: str = "duckdb") -> Path:
    """Return the manifest's path, parsing the project when it is missing or outdated.

    Args:
        engine: `duckdb` or `postgres`. Names, columns and lineage are the same for both.

    Raises:
        FatalError: the project does not parse; holds dbt's own message.
    """
    path = manifest_path(engine)
    if _is_current(path):
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(str(path.parent / "manifest.lock"), timeout=_PARSE_LOCK_TIMEOUT_S):
        if not _is_current(path):
            from orchestration_assets.transform.describe import parse

            parse(_PARSE_URLS[engine], path.parent)
    return path


def load_nodes(manifest: Path) -> list[ModelNode]:
    """Read models and sources with their tests from a manifest, in order of unique id."""
    stat = manifest.stat()
    return list(_nodes_of(manifest, stat.st_mtime_ns, stat.st_size))


@lru_cache(maxsize=4)
def _nodes_of(manifest: Path, _changed_at: int, _size: int) -> Sequence[ModelNode]:
    """The nodes of one version of the manifest: every step of a run asks for them."""
    content = json.loads(manifest.read_bytes())
    owners = {
        group["name"]: group["owner"].get("name") or group["owner"].get("email")
        for group in content["groups"].values()
    }
    tests: dict[str, list[ModelTest]] = {}
    for node in content["nodes"].values():
        if node["resource_type"] == "test":
            tests.setdefault(_subject_of(node), []).append(_test(node))
    entries = [*content["nodes"].values(), *content["sources"].values()]
    nodes = [
        _node(entry, owners, tests.get(entry["unique_id"], []))
        for entry in entries
        if entry["resource_type"] in ("model", "source")
    ]
    return tuple(sorted(nodes, key=lambda node: node.unique_id))


def _is_current(manifest: Path) -> bool:
    if not manifest.exists():
        return False
    parsed_at = manifest.stat().st_mtime_ns
    return all(path.stat().st_mtime_ns <= parsed_at for path in _inputs())


def project_files() -> list[Path]:
    """The files that a parse depends on, in order of their paths."""
    found = [PROJECT_DIR / "dbt_project.yml"]
    for root in _roots():
        found += [path for path in root.rglob("*") if path.suffix in _PARSED_BY_SUFFIX]
    return sorted(found)


def _roots() -> list[Path]:
    return [PROJECT_DIR / name for name in ("models", "macros", "tests")]


def _inputs() -> list[Path]:
    """Files and folders; a folder's own time tells of files that were removed."""
    folders = [path for root in _roots() for path in (root, *root.rglob("*")) if path.is_dir()]
    return [*project_files(), *folders]


def _subject_of(test: Mapping[str, Any]) -> str:
    attached = test.get("attached_node")
    return attached or next(iter(test["depends_on"]["nodes"]), "")


def _test(node: Mapping[str, Any]) -> ModelTest:
    return ModelTest(
        unique_id=node["unique_id"],
        name=node["name"],
        description=node.get("description") or "",
        severity=node["config"]["severity"].lower(),
        column=node.get("column_name"),
    )


def _node(entry: Mapping[str, Any], owners: Mapping[str, str], tests: list[ModelTest]) -> ModelNode:
    config = entry.get("config", {})
    meta = {**entry.get("meta", {}), **config.get("meta", {})}
    group = config.get("group") or entry.get("group")
    return ModelNode(
        unique_id=entry["unique_id"],
        name=entry["name"],
        resource_type=entry["resource_type"],
        schema=entry["schema"],
        description=entry.get("description") or "",
        materialized=config.get("materialized"),
        columns=tuple(_column(column) for column in entry["columns"].values()),
        tags=tuple(entry.get("tags", ())),
        group=group,
        owner=owners.get(group or ""),
        depends_on=tuple(entry.get("depends_on", {}).get("nodes", ())),
        fqn=tuple(entry["fqn"]),
        folder=str(Path(entry["original_file_path"]).parent),
        meta=meta,
        tests=tuple(tests),
    )


def _column(column: Mapping[str, Any]) -> ModelColumn:
    meta = {**column.get("meta", {}), **column.get("config", {}).get("meta", {})}
    return ModelColumn(
        name=column["name"],
        data_type=column.get("data_type"),
        description=column.get("description") or "",
        personal_data=meta.get("personal_data"),
    )
