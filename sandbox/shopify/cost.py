"""Query cost and the leaky bucket that it is paid from.

The vendor publishes the principle (objects cost 1, scalars nothing, mutations 10, connections by
the number of nodes asked for, at most 1,000 a query), not the formula for connections. The one here
grows with the logarithm of the page size and fits what the vendor answered for published examples;
clients are meant to read the cost from the answer, not to compute it.
"""

import math
import time
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    get_named_type,
    is_composite_type,
)
from graphql.execution.values import get_argument_values

MAX_QUERY_COST = 1_000
MUTATION_COST = 10
CONNECTION_COST = 2
ASSUMED_PAGE = 50


def page_weight(count: int) -> int:
    """How often the children of a connection count for this many nodes."""
    return 0 if count <= 0 else max(1, math.floor(2 * math.log(count)))


class CostModel:
    """Cost of the operations of one document.

    Args:
        schema: the schema that the document was validated against.
        fragments: its fragments by name.
        variables: variable values.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: dict[str, FragmentDefinitionNode],
        variables: dict[str, Any],
    ) -> None:
        self.schema, self.fragments, self.variables = schema, fragments, variables

    def requested(self, operation: OperationDefinitionNode) -> int:
        """Cost before the query runs, from the page sizes asked for."""
        return self._operation(operation, None)

    def actual(self, operation: OperationDefinitionNode, data: dict[str, Any] | None) -> int:
        """Cost after it ran, from the number of root nodes that came back."""
        return self._operation(operation, data or {})

    def _operation(self, operation: OperationDefinitionNode, data: dict[str, Any] | None) -> int:
        is_query = operation.operation is OperationType.QUERY
        root = self.schema.query_type if is_query else self.schema.mutation_type
        if root is None:
            return 0
        if not is_query:
            return MUTATION_COST * len(operation.selection_set.selections)
        return self._selections(root, operation.selection_set.selections, data)

    def _selections(
        self, parent: GraphQLNamedType, selections: Any, data: dict[str, Any] | None
    ) -> int:
        total = 0
        for node in selections:
            if isinstance(node, FieldNode):
                total += self._field(parent, node, data)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self.fragments[node.name.value]
                kind = self._fragment_type(parent, fragment)
                total += self._selections(kind, fragment.selection_set.selections, data)
            elif isinstance(node, InlineFragmentNode):
                kind = self._fragment_type(parent, node)
                total += self._selections(kind, node.selection_set.selections, data)
        return total

    def _fragment_type(
        self, parent: GraphQLNamedType, node: FragmentDefinitionNode | InlineFragmentNode
    ) -> GraphQLNamedType:
        """The type that a fragment's fields are of."""
        condition = node.type_condition
        return self.schema.type_map[condition.name.value] if condition else parent

    def _field(self, parent: GraphQLNamedType, node: FieldNode, data: dict[str, Any] | None) -> int:
        fields = getattr(parent, "fields", {})
        field = fields.get(node.name.value)
        if field is None or node.selection_set is None:
            return 0
        inner = get_named_type(field.type)
        if not is_composite_type(inner):
            return 0
        key = node.alias.value if node.alias else node.name.value
        answer = data.get(key) if isinstance(data, dict) else None
        if data is not None and answer is None:
            return 0
        if not inner.name.endswith("Connection") or not isinstance(inner, GraphQLObjectType):
            one = 1 + self._selections(inner, node.selection_set.selections, None)
            return one * self._objects(field, node, answer)
        count = self._page_size(field, node) if data is None else _node_count(answer)
        children = sum(
            self._child(inner, child)
            for child in node.selection_set.selections
            if isinstance(child, FieldNode)
        )
        return CONNECTION_COST + page_weight(count) * children

    def _objects(self, field: Any, node: FieldNode, answer: Any) -> int:
        """How many objects a field outside of connections gives: one for each identifier."""
        if "ids" not in field.args:
            return 1
        if isinstance(answer, list):
            return sum(entry is not None for entry in answer)
        return len(get_argument_values(field, node, self.variables)["ids"])

    def _child(self, connection: GraphQLObjectType, node: FieldNode) -> int:
        if node.name.value not in {"edges", "nodes"} or node.selection_set is None:
            return 0
        inner = get_named_type(connection.fields[node.name.value].type)
        edge_free = 1 if node.name.value == "nodes" else 0
        return edge_free + self._selections(inner, node.selection_set.selections, None)

    def _page_size(self, field: Any, node: FieldNode) -> int:
        arguments = get_argument_values(field, node, self.variables)
        return arguments.get("first") or arguments.get("last") or ASSUMED_PAGE


def _node_count(answer: Any) -> int:
    if not isinstance(answer, dict):
        return 0
    return max((len(value) for value in answer.values() if isinstance(value, list)), default=0)


class CostBucket:
    """Points of one app on one shop; they come back at a steady rate."""

    def __init__(self, size: float, per_second: float) -> None:
        self.size, self.per_second = size, per_second
        self._level, self._at = size, time.monotonic()

    def available(self) -> float:
        """Points at this moment."""
        now = time.monotonic()
        self._level = min(self.size, self._level + (now - self._at) * self.per_second)
        self._at = now
        return self._level

    def take(self, points: float) -> bool:
        """Pay the points if there are as many."""
        if self.available() < points:
            return False
        self._level -= points
        return True

    def give_back(self, points: float) -> None:
        """Return what a query asked for and did not use."""
        self._level = min(self.size, self._level + max(0.0, points))

    def status(self) -> dict[str, float]:
        """The `throttleStatus` of an answer."""
        return {
            "maximumAvailable": float(self.size),
            "currentlyAvailable": int(self.available()),
            "restoreRate": float(self.per_second),
        }
