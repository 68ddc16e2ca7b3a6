"""The vendor's filter language: `and(greater-than(updated,2024-01-01T00:00:00Z),equals(...))`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.klaviyo.errors import KlaviyoError, invalid
from sandbox.klaviyo.rules import Rule

CALL = re.compile(r"\s*([a-z-]+)\s*\(")
ITEM = re.compile(r"\s*(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^,()\[\]]+)\s*")
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "greater-than": lambda left, right: left > right,
    "greater-or-equal": lambda left, right: left >= right,
    "less-than": lambda left, right: left < right,
    "less-or-equal": lambda left, right: left <= right,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: the operator, the field, and one value or a list of them."""

    operator: str
    field: str
    value: Any

    @property
    def values(self) -> list[Any]:
        """The values that `equals` and `any` look for."""
        return self.value if isinstance(self.value, list) else [self.value]

    def holds(self, value: Any) -> bool:
        """Whether a value satisfies the condition; times compare by the second, as shown."""
        if value is None:
            return False
        if self.operator == "has":
            return bool(value)
        if self.operator == "contains":
            return str(self.value).casefold() in str(value).casefold()
        if self.operator in {"equals", "any"}:
            return str(value).casefold() in {str(wanted).casefold() for wanted in self.values}
        if isinstance(value, datetime):
            value = value.replace(microsecond=0)
        return COMPARE[self.operator](value, self.value)


def parse_filter(text: str | None, rule: Rule) -> list[Condition]:
    """Parse the `filter` parameter; all conditions must hold.

    Raises:
        KlaviyoError: it does not parse, or the endpoint does not allow it.
    """
    if not text:
        return []
    conditions, position = [], 0
    while position < len(text):
        position = _call(text, position, conditions)
        rest = re.compile(r"\s*,?\s*").match(text, position)
        position = rest.end() if rest else position
    return [_check(condition, rule) for condition in conditions]


def _broken(text: str, position: int) -> KlaviyoError:
    return invalid(
        f"Invalid filter provided: could not parse `{text[position : position + 40]}`.",
        parameter="filter",
    )


def _call(text: str, position: int, conditions: list[Condition]) -> int:
    head = CALL.match(text, position)
    if head is None:
        raise _broken(text, position)
    name, position = head[1], head.end()
    if name == "and":
        while True:
            position = _call(text, position, conditions)
            if text[position : position + 1] != ",":
                break
            position += 1
        return _close(text, position)
    if name in {"or", "not"}:
        raise invalid(f"The local server does not answer `{name}` filters.", parameter="filter")
    field = ITEM.match(text, position)
    if field is None:
        raise _broken(text, position)
    position = field.end()
    value: Any = None
    if text[position : position + 1] == ",":
        value, position = _value(text, position + 1)
    conditions.append(Condition(name, _plain(field[1]), value))
    return _close(text, position)


def _close(text: str, position: int) -> int:
    if text[position : position + 1] != ")":
        raise _broken(text, position)
    return position + 1


def _value(text: str, position: int) -> tuple[Any, int]:
    start = len(text[position:]) - len(text[position:].lstrip()) + position
    if text[start : start + 1] != "[":
        item = ITEM.match(text, start)
        if item is None:
            raise _broken(text, start)
        return _plain(item[1]), item.end()
    values, position = [], start + 1
    while text[position : position + 1] != "]":
        item = ITEM.match(text, position)
        if item is None:
            raise _broken(text, position)
        values.append(_plain(item[1]))
        position = item.end()
        if text[position : position + 1] == ",":
            position += 1
    return values, position + 1


def _plain(text: str) -> str:
    text = text.strip()
    if text[:1] in "'\"" and text[:1]:
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def _check(condition: Condition, rule: Rule) -> Condition:
    allowed = rule.filters.get(condition.field)
    if allowed is None:
        names = ", ".join(f"'{name}'" for name in rule.filters)
        raise invalid(
            f"Invalid filter provided: '{condition.field}' is not a filterable field for this "
            f"endpoint. Filterable fields: {names or 'none'}.",
            parameter="filter",
        )
    if condition.operator not in allowed.operators:
        raise invalid(
            f"Invalid filter provided: operator '{condition.operator}' is not allowed for "
            f"'{condition.field}'. Allowed operators: {', '.join(sorted(allowed.operators))}.",
            parameter="filter",
        )
    try:
        if allowed.value == "date-time":
            moment = datetime.fromisoformat(str(condition.value).replace(" ", "+"))
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return Condition(condition.operator, condition.field, moment.astimezone(UTC))
        if allowed.value == "number":
            return Condition(condition.operator, condition.field, float(condition.value))
    except ValueError as error:
        raise invalid(
            f"Invalid filter provided: '{condition.value}' is no {allowed.value}.",
            parameter="filter",
        ) from error
    return condition


def time_bounds(conditions: list[Condition], field: str) -> tuple[datetime | None, datetime | None]:
    """Times outside of which nothing can match."""
    since: datetime | None = None
    until: datetime | None = None
    for condition in conditions:
        if condition.field == field and condition.operator.startswith("greater"):
            since = condition.value if since is None else max(since, condition.value)
        elif condition.field == field and condition.operator.startswith("less"):
            end = condition.value.replace(microsecond=999_999)
            until = end if until is None else min(until, end)
    return since, until
