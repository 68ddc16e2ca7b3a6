"""Where a column comes from and goes to: a graph of columns, from vendors' fields to destinations.

Columns are named `schema.table.column`; the ends of the graph are `Field`s of vendors' records and
properties that journeys write.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from orchestration_assets.errors import FatalError
from orchestration_assets.governance.column_sources import Origin

PREFERRED_SCHEMA = "core"
"""Which table is meant where several schemas have one of that name."""


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """What is declared about a column; `personal_data` is empty where it has no class."""

    personal_data: str = ""
    owner: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """A property of a destination that a journey fills."""

    destination: str
    object_name: str
    property_name: str
    journey: str

    @property
    def shown(self) -> str:
        """`klaviyo.profiles: email (jrn_...)`."""
        return f"{self.destination}.{self.object_name}: {self.property_name} ({self.journey})"


@dataclass(frozen=True, slots=True)
class Branch:
    """One column in a tree of lineage.

    Attributes:
        column: `schema.table.column`.
        next_columns: what comes next on the way up or down.
        deciding: columns that choose its value, on the way up; those whose value it chooses, on
            the way down. They are not followed.
        vendor: the vendor's field behind it, `hubspot contacts: properties.email`.
        sent: properties that are filled with it.
        is_repeated: it stands in the tree before, with all that follows.
    """

    column: str
    next_columns: tuple["Branch", ...] = ()
    deciding: tuple[str, ...] = ()
    vendor: str = ""
    sent: tuple[Sent, ...] = ()
    is_repeated: bool = False

    def walk(self) -> list["Branch"]:
        """The branch and all that follows it."""
        return [self, *(one for branch in self.next_columns for one in branch.walk())]


@dataclass(frozen=True)
class Graph:
    """All columns.

    Args:
        origins: what each column is made of; one with nothing is an end.
        vendor: the vendor's field behind a raw column.
        sent: properties that are filled with a column of a journey.
        facts: what is declared about a column.
    """

    origins: Mapping[str, Origin]
    vendor: Mapping[str, str] = field(default_factory=dict)
    sent: Mapping[str, Sequence[Sent]] = field(default_factory=dict)
    facts: Mapping[str, ColumnFacts] = field(default_factory=dict)

    @cached_property
    def used_by(self) -> Mapping[str, tuple[str, ...]]:
        """Columns made of a column."""
        found: dict[str, list[str]] = {}
        for column, origin in self.origins.items():
            for parent in origin.values:
                found.setdefault(parent, []).append(column)
        return {column: tuple(sorted(children)) for column, children in found.items()}

    @cached_property
    def decides(self) -> Mapping[str, tuple[str, ...]]:
        """Columns whose value a column chooses without being a part of it."""
        found: dict[str, list[str]] = {}
        for column, origin in self.origins.items():
            for parent in origin.deciding:
                found.setdefault(parent, []).append(column)
        return {column: tuple(sorted(children)) for column, children in found.items()}

    @cached_property
    def tables(self) -> Mapping[str, tuple[str, ...]]:
        """Columns of every `schema.table`, in order."""
        found: dict[str, list[str]] = {}
        for column in self.origins:
            found.setdefault(column.rpartition(".")[0], []).append(column)
        return {table: tuple(columns) for table, columns in found.items()}

    def upstream(self, column: str) -> Branch:
        """The column with all that it is made of, to the vendors' fields."""
        return self._branch(column, set(), up=True)

    def downstream(self, column: str) -> Branch:
        """The column with all that is made of it, to the destinations' properties."""
        return self._branch(column, set(), up=False)

    def _branch(self, column: str, seen: set[str], *, up: bool) -> Branch:
        origin = self.origins.get(column, Origin())
        ends = {
            "deciding": origin.deciding if up else self.decides.get(column, ()),
            "vendor": self.vendor.get(column, "") if up else "",
            "sent": () if up else tuple(self.sent.get(column, ())),
        }
        following = origin.values if up else self.used_by.get(column, ())
        if column in seen:
            return Branch(column, is_repeated=bool(following), **ends)
        seen.add(column)
        return Branch(column, tuple(self._branch(one, seen, up=up) for one in following), **ends)

    def find_table(self, name: str) -> str | None:
        """The `schema.table` that a name with or without a schema stands for; None for none.

        Raises:
            FatalError: several schemas have such a table and none is preferred.
        """
        found = [table for table in self.tables if name in (table, table.partition(".")[2])]
        if len(found) > 1:
            preferred = [t for t in found if t.startswith(f"{PREFERRED_SCHEMA}.")]
            if not preferred:
                raise FatalError(
                    f"{name} could be any of {', '.join(sorted(found))}.",
                    "name it with its schema.",
                )
            return preferred[0]
        return found[0] if found else None

    def find_column(self, name: str) -> str:
        """The column that `table.column` or `schema.table.column` stands for.

        Raises:
            FatalError: there is none; names those that look like it.
        """
        table_name, _, column = name.rpartition(".")
        table = self.find_table(table_name)
        if table and f"{table}.{column}" in self.origins:
            return f"{table}.{column}"
        if table:
            near = difflib.get_close_matches(
                column, [one.rpartition(".")[2] for one in self.tables[table]], n=5, cutoff=0.5
            )
            advice = f"choose one of {', '.join(near)}" if near else f"list them: lineage {table}"
            raise FatalError(f"{table} has no column {column!r}.", f"{advice}.")
        raise FatalError(f"There is no column {name!r}.", self._like(name))

    def _like(self, name: str) -> str:
        known = {one.partition(".")[2]: one for one in self.origins}
        known |= {table.partition(".")[2]: table for table in self.tables}
        near = difflib.get_close_matches(name, known, n=5, cutoff=0.6)
        if near:
            return f"did you mean {', '.join(near)}?"
        return "write TABLE.COLUMN, such as dim_customers.email; TABLE alone lists its columns."
