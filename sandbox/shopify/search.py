"""Shopify's search syntax: what stands in the `query` argument of a connection.

Answers terms of the form `field:comparator value` that must all hold. A field that the vendor does
not know is ignored with a warning, as the vendor does; one that the vendor knows and this server
does not answer is an error, so that no filter is dropped silently.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from graphql import GraphQLError

TERM = re.compile(
    r"\s*(?P<join>AND\b)?\s*"
    r"(?P<field>[A-Za-z_][\w.]*):\s*(?P<op>>=|<=|>|<)?\s*"
    r"(?P<value>'[^']*'|\"[^\"]*\"|[^\s()]+)\s*"
)
NOT_ANSWERED = frozenset(
    "accepts_marketing country last_abandoned_order_date order_date orders_count tag_not "
    "total_spent cart_token channel channel_id chargeback_status checkout_token "
    "confirmation_number credit_card_last4 current_total_price delivery_method discount_code "
    "fraud_protection_level gateway location_id payment_id po_number return_status risk_level "
    "sales_channel sku source_identifier source_name subtotal_line_items_quantity test "
    "total_weight barcode bundles category_id collection_id gift_card inventory_total price "
    "published_at published_status variant_id variant_title comments email_state "
    "last_billing_attempt_error_type product_id product_variant_id status".split()
)


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: the field, the comparator (`=` where none is written) and the text."""

    field: str
    operator: str
    value: str


@dataclass
class Search:
    """A parsed `query` argument.

    Args:
        terms: conditions, all of which must hold.
        warnings: what the vendor reports under `extensions.search` for ignored fields.
    """

    terms: list[Term] = field(default_factory=list)
    warnings: list[dict[str, str]] = field(default_factory=list)

    def bounds(self, name: str) -> tuple[datetime | None, datetime | None]:
        """Times outside of which nothing can match, from the terms on a time field."""
        since: datetime | None = None
        until: datetime | None = None
        for term in self.terms:
            if term.field == name:
                low, high = time_span(term.value)
                if term.operator in {">", ">=", "="}:
                    since = low if since is None else max(since, low)
                if term.operator in {"<", "<=", "="}:
                    until = high if until is None else min(until, high)
        return since, until

    def equals(self, name: str) -> str | None:
        """The value that a field must equal, None where nothing says so."""
        return next((t.value for t in self.terms if t.field == name and t.operator == "="), None)


def parse_search(text: str | None, known: frozenset[str] | set[str]) -> Search:
    """Parse a `query` argument.

    Args:
        text: the argument; None or blank means no filter.
        known: fields that this connection answers.

    Raises:
        GraphQLError: the text is not a list of terms, or uses what this server does not answer.
    """
    search, position = Search(), 0
    text = (text or "").strip()
    while position < len(text):
        match = TERM.match(text, position)
        if match is None or not match["field"]:
            raise GraphQLError(
                f"The local server answers `field:value` terms joined by AND only, not: "
                f"{text[position:]}"
            )
        position = match.end()
        name, value = match["field"], match["value"]
        if value[0] in "'\"":
            value = value[1:-1]
        if name in known:
            search.terms.append(Term(name, match["op"] or "=", value))
        elif name in NOT_ANSWERED or name.startswith("metafields."):
            raise GraphQLError(f"The local server does not answer the search field `{name}`.")
        else:
            search.warnings.append(
                {"field": name, "message": "Invalid search field for this query."}
            )
    return search


def time_span(text: str) -> tuple[datetime, datetime]:
    """First and last moment that a time value means: a whole day for a date.

    Raises:
        GraphQLError: the value is no time.
    """
    if text == "now":
        now = datetime.now(UTC)
        return now, now
    try:
        if re.fullmatch(r"\d{4}", text):
            return (
                datetime(int(text), 1, 1, tzinfo=UTC),
                datetime(int(text) + 1, 1, 1, tzinfo=UTC) - timedelta(microseconds=1),
            )
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise GraphQLError(f"`{text}` is not a time that the search understands.") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    moment = moment.astimezone(UTC)
    length = timedelta(days=1) if len(text) == len("2024-01-01") else timedelta(seconds=1)
    return moment, moment + length - timedelta(microseconds=1)


def matches(value: Any, term: Term) -> bool:
    """Whether a document's value satisfies a term."""
    if value is None:
        return False
    if isinstance(value, datetime):
        return _matches_time(value, term)
    if term.value == "*":
        return bool(value)
    if isinstance(value, (list, tuple)):
        wanted = {part.strip().casefold() for part in term.value.split(",")}
        return any(str(part).casefold() in wanted for part in value)
    if isinstance(value, int):
        digits = term.value.rsplit("/", 1)[-1]
        return digits.isdigit() and _compare(value, int(digits), term.operator)
    wanted = {part.strip().casefold() for part in term.value.split(",")}
    return str(value).casefold() in wanted


def _matches_time(value: datetime, term: Term) -> bool:
    """Compare as the vendor does, on the whole second that it shows."""
    low, high = time_span(term.value)
    value = value.replace(microsecond=0)
    if term.operator == "=":
        return low <= value <= high
    return _compare(value, high if term.operator in {">", "<="} else low, term.operator)


def _compare(left: Any, right: Any, operator: str) -> bool:
    match operator:
        case ">":
            return left > right
        case ">=":
            return left >= right
        case "<":
            return left < right
        case "<=":
            return left <= right
        case _:
            return left == right


Reader = Callable[[str, dict[str, Any]], Any]


def predicate(search: Search, readers: dict[str, Reader]) -> Callable[[str, dict[str, Any]], bool]:
    """A function of (id, document) that tells whether all terms hold."""
    checks = [(readers[term.field], term) for term in search.terms]
    if not checks:
        return lambda _id, _document: True

    def keep(record_id: str, document: dict[str, Any]) -> bool:
        return all(matches(reader(record_id, document), term) for reader, term in checks)

    return keep
