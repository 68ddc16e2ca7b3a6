"""ServiceNow's encoded queries, as much of them as incidents are looked for with.

Conditions are joined by `^` (and) and `^OR` (or, within one condition); the operators are `=`,
`!=`, `IN` and `NOT IN`.
"""

import re
from collections.abc import Iterable

_CONDITION = re.compile(r"^([a-z_0-9]+?)(!=|=|NOT IN|IN)(.*)$")
# What begins an order begins like an alternative.
_AND = re.compile(r"\^(?!OR(?!DERBY))")
_OR = re.compile(r"\^OR(?!DERBY)")
_ORDER = re.compile(r"^ORDERBY(DESC)?([a-z_0-9]+)$")


def matching(rows: Iterable[dict[str, str]], query: str) -> list[dict[str, str]]:
    """Rows that the query asks for, in its order; what it cannot read matches all, as there."""
    found = list(rows)
    order: list[tuple[str, bool]] = []
    for part in _AND.split(query):
        ordered = _ORDER.match(part)
        if ordered:
            order.append((ordered[2], bool(ordered[1])))
        elif part:
            choices = _OR.split(part)
            found = [row for row in found if any(_holds(row, choice) for choice in choices)]
    for name, descending in reversed(order):
        found.sort(key=lambda row: row.get(name, ""), reverse=descending)
    return found


def _holds(row: dict[str, str], condition: str) -> bool:
    read = _CONDITION.match(condition)
    if read is None:
        return True
    name, operator, wanted = read.groups()
    value = row.get(name, "")
    match operator:
        case "=":
            return value == wanted
        case "!=":
            return value != wanted
        case "IN":
            return value in wanted.split(",")
        case _:
            return value not in wanted.split(",")
