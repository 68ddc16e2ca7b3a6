"""What is made of a landed table: every model below it, through the steps between dbt's stages."""

from collections.abc import Sequence

from orchestration_assets.transform.project import ModelNode

_PEOPLE = "int_person_records_unioned"


def made_of(nodes: Sequence[ModelNode], schema: str, table: str) -> list[ModelNode]:
    """Models that read the source table, directly or through others, sorted by name.

    A released table is made of the core table of its name, and all that identity writes of people.
    """
    readers: dict[str, list[ModelNode]] = {}
    for node in nodes:
        for parent in node.depends_on:
            readers.setdefault(parent, []).append(node)
    sources = [node for node in nodes if node.resource_type == "source"]
    waiting = [node for node in sources if (node.schema, node.name) == (schema, table)]
    found: dict[str, ModelNode] = {}
    while waiting:
        node = waiting.pop()
        for reader in readers.get(node.unique_id, ()):
            if reader.unique_id not in found:
                found[reader.unique_id] = reader
                waiting += [reader, *_written_from(reader, sources)]
    return sorted(found.values(), key=lambda node: node.name)


def _written_from(model: ModelNode, sources: Sequence[ModelNode]) -> list[ModelNode]:
    if model.schema == "core":
        return [one for one in sources if one.schema == "released" and one.name == model.name]
    if model.name == _PEOPLE:
        return [one for one in sources if one.schema == "identity"]
    return []
