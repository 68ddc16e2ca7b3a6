"""What one execution of a query knows: the world, the bulk operations, what happened on the way."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.context import SandboxContext

if TYPE_CHECKING:
    from sandbox.shopify.bulk import BulkOperations
    from sandbox.shopify.schema import Checked, QueryChecker


@dataclass
class Runtime:
    """Handed to every resolver.

    Args:
        context: the sandbox.
        bulk: the bulk operations of the shop.
        whole: connections give all their nodes (a bulk operation runs).
        path: path of the request, for the log of accepted writes.
        base_url: address of the server, for links in answers.
        countries: country codes that the schema knows.
        checker: parses and validates the queries handed in as text.
        warnings: what goes into `extensions.search`.
    """

    context: SandboxContext
    bulk: "BulkOperations"
    whole: bool = False
    path: str = ""
    base_url: str = ""
    countries: frozenset[str] = frozenset()
    checker: "QueryChecker | None" = None
    warnings: list[dict[str, Any]] = field(default_factory=list)

    def check(self, query: str) -> "Checked":
        """Parse and validate a query that came as an argument."""
        if self.checker is None:
            raise RuntimeError("This runtime was made without a query checker.")
        return self.checker.check(query)

    def country(self, code: object) -> str | None:
        """The code if the schema knows it; a client of the vendor never sees another."""
        text = str(code or "").upper()
        return text if text in self.countries else None


Resolver = Callable[[Any, dict[str, Any], Runtime], Any]
"""`resolve(source, arguments, runtime)`, one signature for both executors."""
