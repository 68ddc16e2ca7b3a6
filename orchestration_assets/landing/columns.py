"""From JSON values to typed Arrow columns: all at once, one by one only where that fails."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.landing.contract import ARROW_TYPES
from orchestration_assets.model import Kind

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SCALE = Decimal(1).scaleb(-9)
_LARGEST_DECIMAL = Decimal(10) ** 29
_INT64 = range(-(2**63), 2**63)
_NATIVE: Mapping[Kind, frozenset[type]] = {
    Kind.INTEGER: frozenset({int, type(None)}),
    Kind.BOOLEAN: frozenset({bool, type(None)}),
}
_ARROW_ERRORS = (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError)


def to_column(values: Sequence[Any], kind: Kind) -> tuple[pa.Array, dict[int, str]]:
    """Convert the values of one column. An empty text is null, as vendors write cleared values.

    Returns:
        The column, and for each value that could not be converted its position and what was
        expected (never the value itself); such a value is null in the column.
    """
    try:
        return _at_once(values, kind), {}
    except _ARROW_ERRORS:
        return _one_by_one(values, kind)


def _at_once(values: Sequence[Any], kind: Kind) -> pa.Array:
    if kind is Kind.JSON:
        texts = [None if value is None else orjson.dumps(value) for value in values]
        return pa.array(texts, pa.string())
    native = _NATIVE.get(kind)
    if native and native.issuperset(map(type, values)):
        return pa.array(values, ARROW_TYPES[kind])
    texts = pa.array(values, pa.string())
    empty = pc.equal(texts, "")
    if pc.any(empty).as_py():
        texts = pc.if_else(empty, pa.scalar(None, pa.string()), texts)
    return texts if kind is Kind.STRING else pc.cast(texts, ARROW_TYPES[kind])


def _one_by_one(values: Sequence[Any], kind: Kind) -> tuple[pa.Array, dict[int, str]]:
    convert = _CONVERTERS[kind]
    converted: list[Any] = []
    bad: dict[int, str] = {}
    for position, value in enumerate(values):
        if value is None or value == "":
            converted.append(None)
            continue
        try:
            converted.append(convert(value))
        except (ValueError, TypeError, OverflowError, InvalidOperation):
            converted.append(None)
            bad[position] = f"{kind.value} expected, got {_describe(value)}"
    return pa.array(converted, ARROW_TYPES[kind]), bad


def _describe(value: Any) -> str:
    if isinstance(value, str):
        return f"a text of {len(value)} characters"
    names = {bool: "a boolean", int: "an integer", float: "a number", dict: "an object"}
    return names.get(type(value), "a list")


def _string(value: Any) -> str:
    if isinstance(value, str):
        value.encode()  # a lone surrogate has no UTF-8 form
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return str(value)
    raise TypeError


def _integer(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError
    if isinstance(value, str):
        value = Decimal(value)
    whole = int(value)
    if whole != value or whole not in _INT64:
        raise ValueError
    return whole


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise TypeError
    number = Decimal(str(value).strip())
    if not number.is_finite() or abs(number) >= _LARGEST_DECIMAL:
        raise ValueError
    exponent = number.as_tuple().exponent
    return number.quantize(_SCALE) if isinstance(exponent, int) and exponent < -9 else number


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower() if isinstance(value, str | int) else ""
    if text in ("true", "1"):
        return True
    if text in ("false", "0"):
        return False
    raise ValueError


def _timestamp(value: Any) -> datetime:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError
    if isinstance(value, int) or value.lstrip("-").isdigit():
        # Milliseconds since 1970, as HubSpot writes older properties.
        return _EPOCH + timedelta(milliseconds=int(value))
    moment = datetime.fromisoformat(value.strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _date(value: Any) -> date:
    if isinstance(value, str) and len(value) == len("2026-01-31"):
        return date.fromisoformat(value)
    return _timestamp(value).date()


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


_CONVERTERS: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.STRING: _string,
    Kind.INTEGER: _integer,
    Kind.DECIMAL: _decimal,
    Kind.BOOLEAN: _boolean,
    Kind.TIMESTAMP: _timestamp,
    Kind.DATE: _date,
    Kind.JSON: _json,
}
