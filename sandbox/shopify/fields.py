"""Building blocks of the resolvers: a column, a time, an enumeration, a page of children."""

from typing import Any

from sandbox.shopify.listing import decode_cursor, encode_cursor, make_page, page_size
from sandbox.shopify.records import Connection, Record, iso, money
from sandbox.shopify.runtime import Resolver, Runtime

Amount = tuple[str, str]
"""An amount as text and its currency: what stands behind MoneyBag and MoneyV2."""


def column(name: str, default: Any = None) -> Resolver:
    """The document's value under a name, as text where it is text."""

    def resolve(source: Record, _args: dict[str, Any], _runtime: Runtime) -> Any:
        value = source.document.get(name)
        return default if value is None else value

    return resolve


def time(name: str, *alternatives: str) -> Resolver:
    """The document's time under the first of the names that has one."""
    names = (name, *alternatives)

    def resolve(source: Record, _args: dict[str, Any], _runtime: Runtime) -> str | None:
        document = source.document
        return next((iso(document[n]) for n in names if document.get(n) is not None), None)

    return resolve


def choice(name: str, allowed: frozenset[str], default: str | None) -> Resolver:
    """An enumeration; what the vendor's schema has no word for becomes the default."""

    def resolve(source: Record, _args: dict[str, Any], _runtime: Runtime) -> str | None:
        value = str(source.document.get(name) or "").upper()
        return value if value in allowed else default

    return resolve


def constant(value: Any) -> Resolver:
    """The same for every document."""
    return lambda _source, _args, _runtime: value


def part(*names: str) -> Resolver:
    """The record itself, seen as another type; None unless one of the fields has a value."""

    def resolve(source: Record, _args: dict[str, Any], _runtime: Runtime) -> Record | None:
        return source if any(source.document.get(name) for name in names) else None

    return resolve


def identity(kind: str) -> dict[str, Resolver]:
    """The fields that every top-level object has."""
    return {
        "id": lambda s, _a, _r: f"gid://shopify/{kind}/{s.id}",
        "legacyResourceId": lambda s, _a, _r: s.id,
        "createdAt": time("created_at"),
        "updatedAt": time("updated_at"),
    }


def slice_page(nodes: list[Any], args: dict[str, Any], runtime: Runtime) -> Connection:
    """A page of what hangs on a parent, in order of position."""
    size = len(nodes) if runtime.whole else page_size(args)
    start = 0 if runtime.whole or not args.get("after") else int(decode_cursor(args["after"])[0])
    ordered = nodes[::-1] if args.get("reverse") else nodes
    positions = iter(range(start + 1, start + size + 1))
    return make_page(
        ordered[start : start + size + 1],
        size,
        lambda _node: encode_cursor(next(positions), ""),
        has_previous=start > 0,
    )


def amount(name: str, order: str | None = None) -> Resolver:
    """The money under a name, in the currency of the record or of the order that it hangs on."""

    def resolve(source: Record, _args: dict[str, Any], _runtime: Runtime) -> Amount:
        document = source.document
        owner = document[order].document if order else document
        return money(document.get(name)), owner.get("currency_code") or "EUR"

    return resolve


MONEY: dict[str, dict[str, Resolver]] = {
    "MoneyBag": {
        "shopMoney": lambda s, _a, _r: s,
        "presentmentMoney": lambda s, _a, _r: s,
    },
    "MoneyV2": {
        "amount": lambda s, _a, _r: s[0],
        "currencyCode": lambda s, _a, _r: s[1],
    },
}
