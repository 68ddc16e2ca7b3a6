"""The search call: filter groups, sorts, paging up to 10,000 results."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox.hubspot.errors import HubSpotError, invalid
from sandbox.hubspot.render import property_value
from sandbox.hubspot.schema import ObjectType
from sandbox.world.model import Document, World

MAX_LIMIT = 200
MAX_RESULTS = 10_000
MAX_GROUPS = 6
MAX_FILTERS = 6
MAX_QUERY_LENGTH = 3_000
_RANGE = {"GT", "GTE", "LT", "LTE", "EQ", "BETWEEN"}
_SEARCHED = (
    *("email", "firstname", "lastname", "phone", "company", "name", "domain", "dealname"),
    *("subject", "content"),
)

Row = tuple[str, Document]
Comparable = float | str
Test = Callable[[str, Document], bool]


def search(world: World, kind: ObjectType, body: Mapping[str, Any]) -> tuple[int, int, list[Row]]:
    """Answer one search.

    Returns:
        Number of all results, offset of the page, rows of the page.

    Raises:
        HubSpotError: 400 for a limit, operator or property that HubSpot refuses.
    """
    limit, offset = _paging(body)
    groups = _groups(body)
    tests = [[_test(kind, entry) for entry in group] for group in groups]
    words = str(body.get("query") or "").casefold()
    rows = [
        (record_id, document)
        for record_id, document in _candidates(world, kind, groups)
        if document["archived_at"] is None
        and (not tests or any(all(test(record_id, document) for test in group) for group in tests))
        and (not words or _matches(document, words))
    ]
    _sort(kind, rows, body.get("sorts") or [], is_by_change=bool(groups))
    return len(rows), offset, rows[offset : offset + limit]


def _paging(body: Mapping[str, Any]) -> tuple[int, int]:
    try:
        limit, offset = int(body.get("limit") or 10), int(body.get("after") or 0)
    except ValueError as error:
        raise invalid("Invalid input JSON: limit and after must be numbers") from error
    if not 0 < limit <= MAX_LIMIT:
        raise invalid(f"limit must be between 1 and {MAX_LIMIT}; was {limit}")
    if offset + limit > MAX_RESULTS:
        raise invalid(f"Search results are limited to {MAX_RESULTS}; cannot page past them")
    if len(str(body.get("query") or "")) > MAX_QUERY_LENGTH:
        raise invalid(f"query must not be longer than {MAX_QUERY_LENGTH} characters")
    return limit, offset


def _groups(body: Mapping[str, Any]) -> list[list[Mapping[str, Any]]]:
    groups = [group.get("filters") or [] for group in body.get("filterGroups") or []]
    if len(groups) > MAX_GROUPS:
        raise invalid(f"at most {MAX_GROUPS} filter groups are allowed")
    if any(len(group) > MAX_FILTERS for group in groups):
        raise invalid(f"at most {MAX_FILTERS} filters are allowed in a group")
    return [group for group in groups if group]


def _candidates(world: World, kind: ObjectType, groups: list[list[Mapping[str, Any]]]) -> list[Row]:
    """All documents that can match: by the change index where every group bounds the change."""
    since: list[datetime] = []
    for group in groups:
        bounds = [
            _moment(entry["value"])
            for entry in group
            if entry.get("propertyName") == kind.modified
            and entry.get("operator") in {"GT", "GTE", "EQ", "BETWEEN"}
            and "value" in entry
        ]
        if not bounds:
            break
        since.append(max(bounds))
    if groups and len(since) == len(groups):
        return world.changed_since(kind.table, min(since))
    rows = world.tables[kind.table]
    return [(record_id, rows[record_id]) for record_id in world.sorted_ids(kind.table)]


def _moment(value: object) -> datetime:
    """Milliseconds since 1970 or ISO 8601."""
    text = str(value)
    try:
        if text.lstrip("-").isdigit():
            whole, rest = divmod(int(text), 1000)
            return datetime.fromtimestamp(whole, UTC).replace(microsecond=rest * 1000)
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise invalid(f"{text} is not a valid date", "INVALID_DATE") from error


def _comparable(kind: ObjectType, name: str, value: object) -> Comparable | None:
    """The value in the order of its property's type; None where it has none or is malformed."""
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value.timestamp()
    wanted = kind.properties[name].type
    if wanted in ("datetime", "date"):
        try:
            return _moment(value).timestamp()
        except HubSpotError:  # a malformed stored value matches nothing
            return None
    if wanted == "number":
        try:
            return float(str(value))
        except ValueError:
            return None
    return str(value).casefold()


def _test(kind: ObjectType, entry: Mapping[str, Any]) -> Test:
    name, operator = entry.get("propertyName"), entry.get("operator")
    if name not in kind.properties:
        message = f"There was a problem with the request. Property '{name}' does not exist"
        raise invalid(message, "PROPERTY_DOESNT_EXIST")

    def stored(record_id: str, document: Document) -> Comparable | None:
        if name == kind.modified:
            return document["updated_at"].timestamp()
        return _comparable(kind, name, property_value(kind, record_id, document, name))

    if operator == "HAS_PROPERTY":
        return lambda record_id, row: property_value(kind, record_id, row, name) is not None
    if operator == "NOT_HAS_PROPERTY":
        return lambda record_id, row: property_value(kind, record_id, row, name) is None
    if operator in ("IN", "NOT_IN"):
        values = {_given(kind, name, value) for value in entry.get("values") or []}
        wanted = operator == "IN"
        return lambda record_id, row: (stored(record_id, row) in values) is wanted
    if "value" not in entry:
        raise invalid(f"operator {operator} requires a value")
    low = _given(kind, name, entry["value"])
    high = _given(kind, name, entry.get("highValue", entry["value"]))
    if type(low) is not type(high):
        raise invalid(f"operator {operator} requires two values of one type")
    compare = _OPERATORS.get(str(operator))
    if compare is None:
        raise invalid(f"operator {operator} is not supported", "INVALID_OPERATOR")

    def test(record_id: str, row: Document) -> bool:
        value = stored(record_id, row)
        return operator == "NEQ" if value is None else compare(value, low, high)

    return test


def _given(kind: ObjectType, name: str, value: object) -> Comparable:
    if kind.properties[name].type in ("datetime", "date"):
        return _moment(value).timestamp()
    made = _comparable(kind, name, value)
    if made is None:
        raise invalid(f"{value!r} is not a valid value of property {name}")
    return made


_OPERATORS: dict[str, Callable[[Any, Any, Any], bool]] = {
    "EQ": lambda value, low, _: value == low,
    "NEQ": lambda value, low, _: value != low,
    "GT": lambda value, low, _: value > low,
    "GTE": lambda value, low, _: value >= low,
    "LT": lambda value, low, _: value < low,
    "LTE": lambda value, low, _: value <= low,
    "BETWEEN": lambda value, low, high: low <= value <= high,
    "CONTAINS_TOKEN": lambda value, low, _: str(low).strip("*") in str(value),
}


def _matches(document: Document, words: str) -> bool:
    return any(words in str(document.get(name) or "").casefold() for name in _SEARCHED)


def _sort(kind: ObjectType, rows: list[Row], sorts: list[Any], *, is_by_change: bool) -> None:
    """Sort in place by the first sort (HubSpot takes one), else by identifier."""
    if not sorts:
        if is_by_change:
            rows.sort(key=lambda row: (len(row[0]), row[0]))
        return
    entry = sorts[0] if isinstance(sorts[0], Mapping) else {"propertyName": sorts[0]}
    name = entry.get("propertyName")
    if name not in kind.properties:
        raise invalid(f"Property '{name}' does not exist", "PROPERTY_DOESNT_EXIST")
    is_down = entry.get("direction") == "DESCENDING"
    if name == kind.modified:
        rows.sort(key=lambda row: row[1]["updated_at"], reverse=is_down)
        return
    missing: tuple[int, Comparable] = (1, 0.0)

    def order(row: Row) -> tuple[int, Comparable]:
        value = _comparable(kind, name, property_value(kind, row[0], row[1], name))
        return missing if value is None else (0, value)

    rows.sort(key=order, reverse=is_down)
