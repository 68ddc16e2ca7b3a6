"""Bulk operations: one query over everything, in the background, as lines of JSON.

A line has what was selected on a node, without its nested connections; a child carries
`__parentId`. Grouped, children follow their parent at once; ungrouped, the vendor promises no
order, and here the parents of a chunk come before all of its children.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_operation_ast,
)

from sandbox.context import SandboxContext
from sandbox.faults import Profile
from sandbox.shopify.executor import Build, CannotCompileError, Compiler
from sandbox.shopify.records import Connection
from sandbox.shopify.runtime import Resolver, Runtime

MAX_CONNECTIONS = 5
MAX_DEPTH = 2
START_DELAY = 0.05
CHUNK = 250
FIRST_NUMBER = 5_000_000_000_000


class BulkRefusedError(Exception):
    """The query does not qualify as a bulk operation."""


@dataclass
class BulkOperation:
    """One bulk operation and where its result is."""

    number: int
    query: str
    created_at: datetime
    status: str = "CREATED"
    is_grouped: bool = False
    error_code: str | None = None
    completed_at: datetime | None = None
    object_count: int = 0
    root_count: int = 0
    file_size: int | None = None
    url: str | None = None
    partial_url: str | None = None
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def id(self) -> str:
        """The vendor's global identifier."""
        return f"gid://shopify/BulkOperation/{self.number}"

    @property
    def type_name(self) -> str:
        """Concrete type behind the `Node` interface."""
        return "BulkOperation"

    @property
    def is_open(self) -> bool:
        """Whether it still runs."""
        return self.status in {"CREATED", "RUNNING", "CANCELING"}


class ConnectionPlan(NamedTuple):
    """One compiled connection: how to reach its nodes, write one, and go on to its children."""

    resolve: Callable[[Any], Connection]
    build: Build
    children: list["ConnectionPlan"]


class BulkPlanner:
    """Splits a query into its connections."""

    def __init__(self, compiler: Compiler) -> None:
        self.compiler = compiler
        self.count = 0

    def plan(self) -> list[ConnectionPlan]:
        """The connections at the root of the query.

        Raises:
            BulkRefusedError: no connection, too many, or nested too deeply.
        """
        root = self.compiler.schema.query_type
        if root is None:
            raise BulkRefusedError
        fields = self.compiler.collect(root, [self.compiler.operation])
        _plain, plans = self._split(root, fields, depth=0)
        if not plans:
            raise BulkRefusedError("Bulk queries must contain at least one connection.")
        return plans

    def _split(
        self, parent: GraphQLObjectType, fields: dict[str, list[FieldNode]], depth: int
    ) -> tuple[dict[str, list[FieldNode]], list[ConnectionPlan]]:
        plain: dict[str, list[FieldNode]] = {}
        plans: list[ConnectionPlan] = []
        for key, nodes in fields.items():
            definition = parent.fields.get(nodes[0].name.value)
            inner = get_named_type(definition.type) if definition else None
            if isinstance(inner, GraphQLObjectType) and inner.name.endswith("Connection"):
                plans.append(self._connection(parent, nodes, inner, depth + 1))
            else:
                plain[key] = nodes
        if plans and depth and "id" not in plain:
            raise BulkRefusedError(
                "The parent 'node' field for a nested connection must select the 'id' field "
                "without an alias."
            )
        return plain, plans

    def _connection(
        self,
        parent: GraphQLObjectType,
        nodes: list[FieldNode],
        connection: GraphQLObjectType,
        depth: int,
    ) -> ConnectionPlan:
        self.count += 1
        if self.count > MAX_CONNECTIONS:
            raise BulkRefusedError(
                f"Bulk queries cannot contain more than {MAX_CONNECTIONS} connections."
            )
        if depth > MAX_DEPTH + 1:
            raise BulkRefusedError(
                f"Bulk queries cannot contain connections with a nesting depth greater than "
                f"{MAX_DEPTH}."
            )
        resolver, arguments = self.compiler.field(parent, nodes)
        selected = self.compiler.collect(connection, nodes)
        holders = list(selected.get("nodes", []))
        edge = get_named_type(connection.fields["edges"].type)
        if "edges" in selected and isinstance(edge, GraphQLObjectType):
            holders += self.compiler.collect(edge, selected["edges"]).get("node", [])
        node_type = get_named_type(connection.fields["nodes"].type)
        if not holders:
            raise BulkRefusedError("Bulk queries must select the nodes of each connection.")
        if not isinstance(node_type, GraphQLObjectType):
            raise BulkRefusedError("The local server runs no bulk query over an interface.")
        if all(interface.name != "Node" for interface in node_type.interfaces):
            raise BulkRefusedError("Bulk queries can select connections of `Node` objects only.")
        plain, children = self._split(node_type, self.compiler.collect(node_type, holders), depth)
        runtime = self.compiler.runtime
        return ConnectionPlan(
            lambda source: resolver(source, arguments, runtime),
            self.compiler.object(node_type, plain),
            children,
        )


def lines(plan: ConnectionPlan, source: Any, parent_id: str | None) -> Iterator[dict[str, Any]]:
    """The objects of a connection, each followed by its children."""
    for node in plan.resolve(source).nodes:
        yield from node_lines(plan, node, parent_id)


def node_lines(plan: ConnectionPlan, node: Any, parent_id: str | None) -> Iterator[dict[str, Any]]:
    """One object and its children."""
    line = plan.build(node)
    if parent_id is not None:
        line["__parentId"] = parent_id
    yield line
    for child in plan.children:
        yield from lines(child, node, line["id"])


class BulkOperations:
    """The bulk operations of the shop; one runs at a time.

    Args:
        context: the sandbox.
        schema: what the server answers.
        resolvers: its resolvers.
    """

    def __init__(
        self,
        context: SandboxContext,
        schema: GraphQLSchema,
        resolvers: dict[str, dict[str, Resolver]],
    ) -> None:
        self.context, self.schema, self.resolvers = context, schema, resolvers
        self.operations: dict[str, BulkOperation] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def get(self, identifier: str) -> BulkOperation | None:
        """The operation with this identifier."""
        return self.operations.get(identifier)

    def latest(self) -> BulkOperation | None:
        """The one started last."""
        return next(reversed(self.operations.values()), None)

    def start(
        self, query: str, document: DocumentNode, caller: Runtime, *, grouped: bool
    ) -> BulkOperation:
        """Begin an operation; it goes on in the background.

        Raises:
            BulkRefusedError: the query does not qualify.
        """
        operation_node = get_operation_ast(document)
        if operation_node is None:
            raise BulkRefusedError("Bulk queries must contain exactly one operation.")
        runtime = Runtime(self.context, self, whole=True, countries=caller.countries)
        compiler = Compiler(self.schema, self.resolvers, document, operation_node, None, runtime)
        plans = BulkPlanner(compiler).plan()
        number = FIRST_NUMBER + len(self.operations) + 1
        operation = BulkOperation(number, query, self.context.world.clock(), is_grouped=grouped)
        self.operations[operation.id] = operation
        operation.task = asyncio.create_task(self._run(operation, plans, caller.base_url))
        return operation

    def cancel(self, operation: BulkOperation) -> None:
        """Stop an operation; it becomes CANCELED in a moment."""
        if operation.is_open:
            operation.status = "CANCELING"

    def path(self, number: int) -> Path:
        """File of an operation's result."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="accord-shopify-bulk-")
        return Path(self._folder.name) / f"bulk-{number}.jsonl"

    async def _run(
        self, operation: BulkOperation, plans: list[ConnectionPlan], base_url: str
    ) -> None:
        await asyncio.sleep(START_DELAY)
        fails = self.context.faults.get("shopify").profile is Profile.PARTIAL_FAILURES and (
            self.context.faults.row_fails("shopify")
        )
        if operation.status == "CREATED":
            operation.status = "RUNNING"
        url = f"{base_url}/sandbox/bulk/{operation.number}.jsonl"
        try:
            await self._write(operation, plans, fails=fails)
        except (CannotCompileError, GraphQLError):
            operation.status, operation.error_code = "FAILED", "INTERNAL_SERVER_ERROR"
            operation.partial_url = url
        else:
            if operation.status == "CANCELING":
                operation.status = "CANCELED"
                operation.partial_url = url
            else:
                operation.status = "COMPLETED"
                operation.url = url if operation.object_count else None
        operation.file_size = self.path(operation.number).stat().st_size
        operation.completed_at = self.context.world.clock()

    async def _write(
        self, operation: BulkOperation, plans: list[ConnectionPlan], *, fails: bool
    ) -> None:
        with self.path(operation.number).open("wb") as file:
            for plan in plans:
                nodes = plan.resolve(None).nodes
                stop = len(nodes) // 2 if fails else len(nodes)
                async for position in _chunks(stop):
                    if operation.status == "CANCELING":
                        return
                    chunk = nodes[position : min(position + CHUNK, stop)]
                    written = [line for node in chunk for line in node_lines(plan, node, None)]
                    if not operation.is_grouped:
                        written.sort(key=lambda line: "__parentId" in line)
                    file.write(b"".join(orjson.dumps(line) + b"\n" for line in written))
                    operation.object_count += len(written)
                    operation.root_count += len(chunk)
        if fails:
            raise CannotCompileError


async def _chunks(stop: int) -> AsyncIterator[int]:
    """Positions of the chunks, with room for other requests between them."""
    for position in range(0, stop, CHUNK):
        yield position
        await asyncio.sleep(0)
