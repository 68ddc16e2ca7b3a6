"""The schema of the local server, and the vendor's own where its file is at hand."""

import gzip
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import orjson
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    build_client_schema,
    build_schema,
    parse,
    validate,
)

SUBSET_FILE = Path(__file__).with_name("schema.graphql")
KEPT_QUERIES = 256


@dataclass(frozen=True, slots=True)
class Checked:
    """A parsed query and what is wrong with it."""

    document: DocumentNode | None
    errors: tuple[GraphQLError, ...]


def load_subset() -> GraphQLSchema:
    """The part of the vendor's schema that this server answers, without resolvers."""
    return build_schema(SUBSET_FILE.read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def load_vendor_schema(path: Path) -> GraphQLSchema:
    """The vendor's own schema from its published introspection; built once, it takes a second."""
    with gzip.open(path) as file:
        return build_client_schema(orjson.loads(file.read())["data"], assume_valid=True)


class QueryChecker:
    """Parses and validates queries, and remembers the last ones.

    Args:
        subset: what this server answers.
        vendor_file: the vendor's schema; every query must be valid there first. None: absent.
    """

    def __init__(self, subset: GraphQLSchema, vendor_file: Path | None) -> None:
        self.subset, self.vendor_file = subset, vendor_file
        self._kept: OrderedDict[str, Checked] = OrderedDict()

    @cached_property
    def vendor(self) -> GraphQLSchema | None:
        """The vendor's schema, loaded at the first query."""
        return load_vendor_schema(self.vendor_file) if self.vendor_file else None

    def check(self, query: str) -> Checked:
        """Parse and validate a query, against the vendor's schema first."""
        kept = self._kept.get(query)
        if kept is None:
            kept = self._kept[query] = self._check(query)
            if len(self._kept) > KEPT_QUERIES:
                self._kept.popitem(last=False)
        return kept

    def _check(self, query: str) -> Checked:
        try:
            document = parse(query)
        except GraphQLError as error:
            return Checked(None, (error,))
        errors = validate(self.vendor, document) if self.vendor else []
        if not errors:
            errors = [
                GraphQLError(f"{error.message} (local server)", error.nodes)
                for error in validate(self.subset, document)
            ]
        return Checked(document, tuple(errors))
