"""The project's own SQL of what is in scope, run inside a transaction that is open.

dbt takes 0.14 s a model even when it is warm. For a handful of records the same statements are sent
without it: what dbt compiles for an incremental build, and the deletion and insertion of its
strategy `scoped`. No rule is written twice.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from orchestration_assets.errors import FatalError
from orchestration_assets.transform.invoke import ONE_INVOCATION, invoke, parsed_project
from orchestration_assets.transform.profiles import engine_of, write_profile
from orchestration_assets.transform.project import (
    CORE,
    PREPARE,
    ModelNode,
    ensure_manifest,
    load_nodes,
)
from orchestration_assets.warehouse.engine import Warehouse
from orchestration_assets.warehouse.scope import in_scope
from orchestration_assets.warehouse.session import Session
from orchestration_assets.warehouse.sql import identifier, qualified


@dataclass(frozen=True, slots=True)
class ScopedModel:
    """One model and the SELECT of its rows in scope.

    Attributes:
        scope: `config.meta.scope` of the model.
        reads: names of the models that it is made of: views, and what these read, up to the first
            that is built by scope itself.
    """

    name: str
    schema: str
    scope: Mapping[str, str]
    select: str
    reads: frozenset[str]

    def build(self, session: Session) -> int:
        """Replace the rows in scope by what the model says of them now; how many more there are."""
        columns = ", ".join(identifier(name) for name in session.columns(self.schema, self.name))
        target = qualified(self.schema, self.name)
        gone = session.execute(f"delete from {target} where {in_scope(self.scope)}")
        come = session.execute(
            f"insert into {target} ({columns}) select {columns} from ({self.select}) as scoped"
        )
        return come - gone


@dataclass(frozen=True, slots=True)
class ScopedModels:
    """The models of each stage that are built by scope, parents first."""

    staging: Sequence[ScopedModel]
    core: Sequence[ScopedModel]
    journeys: Mapping[str, ScopedModel]


def build_scoped(
    session: Session,
    models: Sequence[ScopedModel],
    kinds: Collection[str],
    changed: Collection[str] | None = None,
) -> dict[str, int]:
    """Build those of the models whose rows may be other ones now.

    Args:
        session: inside a transaction.
        models: parents first.
        kinds: kinds of scope that have members, see `scope.filled_kinds`.
        changed: names of models that changed; one that reads none of them, nor one built here,
            stays. None: whatever is in scope is built.

    Returns:
        How many rows more each model has that was built.
    """
    built = set(changed or ())
    more: dict[str, int] = {}
    for model in models:
        is_due = changed is None or not model.reads.isdisjoint(built)
        if is_due and not set(model.scope.values()).isdisjoint(kinds):
            more[model.name] = model.build(session)
            built.add(model.name)
    return more


def compile_scoped(warehouse: Warehouse, home: Path, journeys: Collection[str]) -> ScopedModels:
    """Let dbt compile what it would build of the scope in this warehouse.

    Args:
        warehouse: in which all of the model was built once.
        home: folder of the work files.
        journeys: names of the journeys that are to be built by scope too; as a rule they are built
            whole.

    Raises:
        FatalError: a model was not built yet, or does not compile.
        RetriableError: the writer lock did not come in time.
    """
    nodes = load_nodes(ensure_manifest(engine_of(warehouse.url)))
    with ONE_INVOCATION, warehouse.exclusive("compile the model"):
        _refuse_unbuilt(warehouse, [node for node in nodes if _is_scoped(node, journeys)])
        manifest = parsed_project(warehouse.url)
        write_profile(warehouse.url, home / "dbt")
        with _incremental(manifest, journeys):
            outcome = invoke(["compile", "--no-write-json"], home / "dbt", manifest)
    compiled = {
        entry.node.unique_id: entry.node.compiled_code
        for entry in outcome.result.results
        if str(entry.node.resource_type) == "model"
    }
    reads: dict[str, AbstractSet[str]] = {}
    found: dict[str, tuple[ModelNode, ScopedModel]] = {}
    for node in _parents_first(nodes):
        through = (reads.get(parent, frozenset()) for parent in node.depends_on)
        behind = frozenset[str]().union(*through)
        reads[node.unique_id] = {node.name} if _is_scoped(node, journeys) else behind | {node.name}
        if _is_scoped(node, journeys):
            model = ScopedModel(
                name=node.name,
                schema=node.schema,
                scope=node.meta["scope"],
                select=_sql(compiled, node),
                reads=behind,
            )
            found[node.name] = (node, model)
    return ScopedModels(
        staging=[model for node, model in found.values() if PREPARE[0] in _tags(node)],
        core=[model for node, model in found.values() if CORE[0] in _tags(node)],
        journeys={name: found[name][1] for name in journeys},
    )


def _is_scoped(node: ModelNode, journeys: Collection[str]) -> bool:
    return bool(node.meta.get("scope")) and (
        node.materialized == "incremental" or node.name in journeys
    )


def _tags(node: ModelNode) -> set[str]:
    return {f"tag:{tag}" for tag in node.tags}


def _sql(compiled: Mapping[str, str | None], node: ModelNode) -> str:
    sql = compiled.get(node.unique_id)
    if not sql:
        raise FatalError(
            f"dbt gave no SQL for {node.name}.", "see whether accord run builds the model."
        )
    return sql


def _refuse_unbuilt(warehouse: Warehouse, nodes: Sequence[ModelNode]) -> None:
    """Without its table a model would be compiled as a full build."""
    with warehouse.reader() as session:
        missing = [n.name for n in nodes if not session.table_exists(n.schema, n.name)]
    if missing:
        raise FatalError(
            f"{missing[0]} was never built, so nothing can be built by scope.",
            "let one whole refresh end first: accord run.",
        )


@contextmanager
def _incremental(manifest: Any, journeys: Collection[str]) -> Iterator[None]:
    """Have these journeys compiled as if they were incremental models."""
    changed = [
        (node.config, node.config.materialized)
        for node in manifest.nodes.values()
        if node.name in journeys
    ]
    for config, _ in changed:
        config.materialized = "incremental"
    try:
        yield
    finally:
        for config, before in changed:
            config.materialized = before


def _parents_first(nodes: Sequence[ModelNode]) -> list[ModelNode]:
    known = {node.unique_id: node for node in nodes if node.resource_type == "model"}
    parents = {
        name: [parent for parent in node.depends_on if parent in known]
        for name, node in known.items()
    }
    return [known[name] for name in TopologicalSorter(parents).static_order()]
