"""Fifty rules over one table of orders, as Great Expectations judges them and as plain SQL does."""

from collections.abc import Sequence
from dataclasses import dataclass

from quality import codes
from quality.rules import Rule, Suite
from quality.suites.phrases import (
    at_least,
    no_rows,
    not_before,
    one_of,
    present,
    shaped,
    unique,
    usual_volume,
)

TABLE = "fct_orders"
KEY = ("order_id",)
SCOPE = {"order_id": "id:shopify.orders"}
CHANGED_ONE_IN = 100

_STATUS = ("paid", "pending", "refunded", "voided")
_CHANNELS = ("web", "store", "app")
_MOMENT = "timestamptz '2025-01-01 00:00:00+00' + to_seconds"
COLUMNS = {
    "order_id": "'shopify:' || i",
    "order_name": "'#' || i",
    "customer_id": "'cus_' || printf('%016x', i % {customers})",
    "email": "'first' || i % 5003 || '.last' || i % 20011 || '@example.com'",
    "phone_e164": "'+336' || lpad(cast(i % 100000000 as text), 8, '0')",
    "currency_code": "['EUR', 'USD', 'GBP', 'CHF'][i % 4 + 1]",
    "country_code": "['FR', 'DE', 'IT', 'ES', 'BE'][i % 5 + 1]",
    "status": f"{list(_STATUS)}[i % 4 + 1]",
    "channel": f"{list(_CHANNELS)}[i % 3 + 1]",
    "total_amount": "cast(1000 + hash(i) % 40000 as decimal(18, 2)) / 100",
    "tax_amount": "cast(hash(i, 1) % 1000 as decimal(18, 2)) / 100",
    "shipping_amount": "cast(hash(i, 2) % 1000 as decimal(18, 2)) / 100",
    "discount_amount": "cast(hash(i, 3) % 1000 as decimal(18, 2)) / 100",
    "refunded_amount": "cast(hash(i, 4) % 100 as decimal(18, 2)) / 100",
    "quantity": "cast(1 + hash(i, 5) % 9 as integer)",
    "is_cancelled": "i % 50 = 0",
    "is_deleted": "i % 200 = 0",
    "created_at": f"{_MOMENT}(i % 15000000)",
    "ordered_at": f"{_MOMENT}(i % 15000000 + 60)",
    "updated_at": f"{_MOMENT}(i % 15000000 + 3600)",
}
_REQUIRED = (
    "order_id order_name customer_id email phone_e164 currency_code country_code status channel"
    " total_amount quantity is_cancelled is_deleted created_at ordered_at"
).split()
_RANGES = {
    "total_amount": (0, 10_000_000),
    "tax_amount": (0, 1_000_000),
    "shipping_amount": (0, 100_000),
    "discount_amount": (0, 10_000_000),
    "refunded_amount": (0, 10_000_000),
    "quantity": (1, 10_000),
}
_FLOORS = {"total_amount": -1, "tax_amount": -1, "quantity": 0, "refunded_amount": -1}
_SETS = {
    "currency_code": codes.CURRENCIES,
    "country_code": codes.COUNTRIES,
    "status": _STATUS,
    "channel": _CHANNELS,
    "is_cancelled": (True, False),
    "is_deleted": (True, False),
}
_SHAPES = {
    "order_id": "^shopify:[0-9]+$",
    "customer_id": "^cus_[0-9a-f]{16}$",
    "email": "^[^@[:space:]]+@[^@[:space:]]+$",
    "phone_e164": "^\\+[1-9][0-9]{6,14}$",
    "order_name": "^#[0-9]+$",
}
_PAIRS = (("ordered_at", "created_at"), ("updated_at", "ordered_at"), ("updated_at", "created_at"))
_ODD = (
    "tax_amount > total_amount + 1000",
    "refunded_amount > total_amount + 1000",
    "discount_amount > total_amount + 1000",
    "is_cancelled and quantity > 10000",
    "status = 'refunded' and refunded_amount < 0",
    "country_code = 'FR' and currency_code = 'XXX'",
    "shipping_amount > 50000 and channel = 'store'",
    "length(order_id) < 9",
    "customer_id = order_id",
)


@dataclass(frozen=True)
class Check:
    """One rule, and the SQL expression that counts the rows which break it."""

    rule: Rule
    counts: str


def checks() -> Sequence[Check]:
    """All fifty; nine of them are free SQL."""
    found = [Check(usual_volume(TABLE), "case when count(*) < 1 then 1 else 0 end")]
    found += [
        Check(unique(column, f"{column} is unique"), f"count({column}) - count(distinct {column})")
        for column in KEY
    ]
    found += [
        Check(present(name, f"{name} is there"), _where(f"{name} is null")) for name in _REQUIRED
    ]
    found += [
        Check(one_of(name, values, f"{name} is known"), _where(f"{name} not in {_listed(values)}"))
        for name, values in _SETS.items()
    ]
    found += [
        Check(
            at_least(name, low, f"{name} is plausible", high),
            _where(f"not ({name} between {low} and {high})"),
        )
        for name, (low, high) in _RANGES.items()
    ]
    found += [
        Check(at_least(name, low, f"{name} is at least {low}"), _where(f"{name} < {low}"))
        for name, low in _FLOORS.items()
    ]
    found += [
        Check(
            shaped(name, shape, f"{name} has its shape"),
            _where(f"not regexp_matches({name}, '{shape}')"),
        )
        for name, shape in _SHAPES.items()
    ]
    found += [
        Check(
            not_before(later, earlier, f"{later} after {earlier}"), _where(f"{later} < {earlier}")
        )
        for later, earlier in _PAIRS
    ]
    found += [
        Check(
            no_rows(f"select order_id from {{batch}} where {odd}", f"no row has {odd}"), _where(odd)
        )
        for odd in _ODD
    ]
    return found


def suite() -> Suite:
    """The fifty rules as a suite."""
    rules = tuple(check.rule for check in checks())
    return Suite("orders_as_measured", f"core.{TABLE}", rules, expected=len(rules), key=KEY)


def one_statement() -> str:
    """All counts of broken rows in one statement over the table."""
    counts = ", ".join(f"{check.counts} as c{number}" for number, check in enumerate(checks()))
    return f"select {counts} from core.{TABLE}"


def _where(condition: str) -> str:
    return f"count(*) filter (where {condition})"


def _listed(values: Sequence[object]) -> str:
    return "(" + ", ".join(str(v) if isinstance(v, bool) else f"'{v}'" for v in values) + ")"
