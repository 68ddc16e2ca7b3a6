"""What the vendor allows at each endpoint: limits, scopes, filters, page sizes, sort keys.

Where the vendor's files are present they rule; elsewhere `rule_table` stands in.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VENDOR_FILES = ("profiles", "events", "lists", "campaigns", "metrics", "data_privacy")
WINDOWS = {"s": 1, "m": 60, "d": 86_400}


@dataclass(frozen=True, slots=True)
class FilterRule:
    """What may be asked of one field: the type of its values and the operators."""

    value: str
    operators: frozenset[str]


@dataclass(frozen=True, slots=True)
class Rule:
    """What the vendor allows at one endpoint.

    Args:
        endpoint: method and path template.
        limits: pairs of calls and seconds: burst, steady and, where there is one, daily.
        scopes: what the key must be allowed, all of them.
        filters: fields that a filter may name.
        default_page: page size where none is asked for; 0 where the endpoint has no pages.
        max_page: largest page size.
        sorts: sort keys, ascending.
        includes: related resources that may be asked for.
    """

    endpoint: str
    limits: tuple[tuple[int, int], ...]
    scopes: frozenset[str]
    filters: dict[str, FilterRule]
    default_page: int
    max_page: int
    sorts: frozenset[str]
    includes: frozenset[str]


def parse_limit(text: str) -> tuple[int, int]:
    """Calls and seconds of a limit in the vendor's form, such as `75/s`."""
    calls, _, window = text.partition("/")
    return int(calls), WINDOWS[window]


def make_rule(
    endpoint: str,
    *,
    limits: tuple[str, ...],
    scopes: str,
    filters: Iterable[str] = (),
    page: tuple[int, int] = (0, 0),
    sorts: str = "",
    includes: str = "",
) -> Rule:
    """A rule from the short form of the table."""
    parsed = {}
    for text in filters:
        name, value, *operators = text.split()
        parsed[name] = FilterRule(value, frozenset(operators))
    return Rule(
        endpoint,
        tuple(parse_limit(text) for text in limits),
        frozenset(scopes.split()),
        parsed,
        *page,
        frozenset(sorts.split()),
        frozenset(includes.split()),
    )


def vendor_rules(folder: Path, endpoints: Iterable[str]) -> dict[str, Rule]:
    """The rules of these endpoints from the vendor's own files.

    Raises:
        KeyError: the files lack an endpoint that this server answers.
    """
    found = {}
    for name in VENDOR_FILES:
        path = folder / f"{name}.json"
        if not path.exists():
            continue
        for template, operations in json.loads(path.read_bytes())["paths"].items():
            for method, operation in operations.items():
                found[f"{method.upper()} {template}"] = operation
    return {endpoint: _from_vendor(endpoint, found[endpoint]) for endpoint in endpoints}


def _from_vendor(endpoint: str, operation: dict[str, Any]) -> Rule:
    parameters = {p["name"]: p["schema"] for p in operation.get("parameters", ()) if "name" in p}
    limits = operation["x-klaviyo-ratelimit"]
    size = parameters.get("page[size]", {})
    sorts = parameters.get("sort", {}).get("enum", ())
    return Rule(
        endpoint,
        tuple(parse_limit(limits[name]) for name in ("burst", "steady", "daily") if name in limits),
        frozenset(operation["x-klaviyo-scopes"]),
        {
            name: FilterRule(
                field.get("value", {}).get("format") or field.get("value", {}).get("type", "none"),
                frozenset(op for group in field["operators"].values() for op in group),
            )
            for name, field in operation.get("x-klaviyo-filters", {}).items()
        },
        size.get("default", 0),
        size.get("maximum", 0),
        frozenset(sort for sort in sorts if not sort.startswith("-")),
        frozenset(parameters.get("include", {}).get("items", {}).get("enum", ())),
    )
