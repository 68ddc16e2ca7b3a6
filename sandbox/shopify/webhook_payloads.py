"""Payloads of Shopify's webhooks: members of the published examples that the world can fill."""

import hashlib
from typing import Any

from sandbox.shopify.records import gid, iso, number_of
from sandbox.world.model import Document, World

STOREFRONT = "https://accord-sandbox.myshopify.com"


def customer(record_id: str, document: Document) -> dict[str, Any]:
    """A customer, as orders and checkouts name theirs too."""
    return {
        "id": int(record_id),
        "created_at": iso(document["created_at"]),
        "updated_at": iso(document["updated_at"]),
        "first_name": document.get("first_name"),
        "last_name": document.get("last_name"),
        "state": str(document.get("state") or "DISABLED").lower(),
        "note": document.get("note"),
        "verified_email": bool(document.get("verified_email")),
        "multipass_identifier": None,
        "tax_exempt": bool(document.get("tax_exempt")),
        "email": document.get("email"),
        "phone": document.get("phone"),
        "currency": document.get("amount_spent_currency"),
        "tax_exemptions": [],
        "admin_graphql_api_id": gid("Customer", record_id),
        "default_address": {
            "customer_id": int(record_id),
            "first_name": document.get("first_name"),
            "last_name": document.get("last_name"),
            "address1": document.get("address1"),
            "city": document.get("city"),
            "zip": document.get("zip"),
            "country_code": document.get("country_code"),
            "default": True,
        },
    }


def deleted_customer(record_id: str) -> dict[str, Any]:
    """All that is left of a customer."""
    return {
        "id": int(record_id),
        "tax_exemptions": [],
        "admin_graphql_api_id": gid("Customer", record_id),
    }


def consent(record_id: str, document: Document, channel: str) -> dict[str, Any]:
    """A customer's consent to one channel, `email` or `sms`."""
    contact = {"email": "email_address", "sms": "phone"}[channel]
    prefix = f"{channel}_marketing"
    level = document.get(f"{prefix}_opt_in_level")
    return {
        "customer_id": int(record_id),
        contact: document.get("email" if channel == "email" else "phone"),
        f"{prefix}_consent": {
            "state": str(document.get(f"{prefix}_state")).lower(),
            "opt_in_level": str(level).lower() if level else None,
            "consent_updated_at": iso(document.get(f"{prefix}_updated_at")),
        },
    }


def order(world: World, record_id: str, document: Document) -> dict[str, Any]:
    """An order with its customer, and with the checkout that it came of."""
    checkout = _checkout_of(world, document)
    return {
        "id": int(record_id),
        "admin_graphql_api_id": gid("Order", record_id),
        "cancelled_at": iso(document.get("cancelled_at")),
        "cart_token": cart_token(checkout) if checkout else None,
        "checkout_token": checkout_token(checkout) if checkout else None,
        "contact_email": document.get("email"),
        "created_at": iso(document["created_at"]),
        "currency": document["currency_code"],
        "current_subtotal_price": document["subtotal_price"],
        "current_total_discounts": document["total_discounts"],
        "current_total_price": document["total_price"],
        "current_total_tax": document["total_tax"],
        "email": document.get("email"),
        "financial_status": _lower(document["financial_status"]),
        "fulfillment_status": _lower(document["fulfillment_status"]),
        "name": document["name"],
        "phone": document.get("phone"),
        "processed_at": iso(document.get("processed_at")),
        "source_name": document.get("source_name"),
        "subtotal_price": document["subtotal_price"],
        "test": False,
        "total_discounts": document["total_discounts"],
        "total_price": document["total_price"],
        "total_tax": document["total_tax"],
        "updated_at": iso(document["updated_at"]),
        "customer": _customer_of(world, document),
        "line_items": [_line(item) for item in document["line_items"]],
        "refunds": [refund(record_id, part) for part in document["refunds"]],
    }


def refund(order_id: str, document: Document) -> dict[str, Any]:
    """One refund of an order."""
    return {
        "id": int(number_of(document["id"])),
        "order_id": int(order_id),
        "created_at": iso(document["created_at"]),
        "note": document["note"],
        "processed_at": iso(document["created_at"]),
        "restock": False,
        "admin_graphql_api_id": gid("Refund", document["id"]),
        "refund_line_items": [],
    }


def checkout(world: World, record_id: str, document: Document) -> dict[str, Any]:
    """A checkout; its number stands in `name` alone, as in the published example."""
    buyer = _customer_of(world, document)
    return {
        "token": checkout_token(record_id),
        "cart_token": cart_token(record_id),
        "email": buyer and buyer["email"],
        "gateway": None,
        "created_at": iso(document["created_at"]),
        "updated_at": iso(document["updated_at"]),
        "note": None,
        "currency": document["currency_code"],
        "completed_at": iso(document["completed_at"]),
        "closed_at": None,
        "phone": buyer and buyer["phone"],
        "line_items": [_checkout_line(item) for item in document["line_items"]],
        "name": document["name"],
        "abandoned_checkout_url": f"{STOREFRONT}/checkouts/{record_id}/recover?key=secret",
        "discount_codes": [],
        "source_name": "web",
        "total_price": document["total_price"],
        "subtotal_price": document["subtotal_price"],
        "customer": buyer,
    }


def cart(record_id: str, document: Document) -> dict[str, Any]:
    """The cart of a checkout; a cart names no customer."""
    token = cart_token(record_id)
    return {
        "id": token,
        "token": token,
        "line_items": [
            _line(item, "sku", "title", "quantity", "price", "product_id", "variant_id")
            | {"line_price": item["discountedTotal"]}
            for item in document["line_items"]
        ],
        "note": None,
        "updated_at": document["updated_at"].isoformat(timespec="milliseconds")[:23] + "Z",
        "created_at": document["created_at"].isoformat(timespec="milliseconds")[:23] + "Z",
    }


def product(record_id: str, document: Document) -> dict[str, Any]:
    """A product; no example of it is published."""
    return {
        "id": int(record_id),
        "admin_graphql_api_id": gid("Product", record_id),
        "title": document["title"],
        "created_at": iso(document["created_at"]),
        "updated_at": iso(document["updated_at"]),
    }


def checkout_token(record_id: str) -> str:
    """Token of a checkout, by its number."""
    return hashlib.sha256(b"checkout " + record_id.encode()).hexdigest()[:32]


def cart_token(record_id: str) -> str:
    """Token of the cart that a checkout came of."""
    return hashlib.sha256(b"cart " + record_id.encode()).hexdigest()[:32]


def _customer_of(world: World, document: Document) -> dict[str, Any] | None:
    found = world.tables["shopify.customers"].get(document.get("customer_id") or "")
    return customer(document["customer_id"], found) if found else None


def _checkout_of(world: World, document: Document) -> str | None:
    """Number of the checkout that an order completes, or completed."""
    found = world.find("shopify.abandoned_checkouts", "customer_id", document["customer_id"])
    carts = world.tables["shopify.abandoned_checkouts"]
    open_until = (None, document["created_at"])
    return next((key for key in reversed(found) if carts[key]["completed_at"] in open_until), None)


def _lower(value: str | None) -> str | None:
    return value.lower() if value else None


def _line(item: Document, *names: str) -> dict[str, Any]:
    made = {
        "id": int(number_of(item["id"])),
        "price": item["unitPrice"],
        "product_id": int(number_of(item["productId"])),
        "quantity": item["quantity"],
        "sku": item["sku"],
        "title": item["title"],
        "variant_id": int(number_of(item["variantId"])),
        "variant_title": None,
    }
    return {name: made[name] for name in ("id", *names)} if names else made


def _checkout_line(item: Document) -> dict[str, Any]:
    line = _line(item)
    return {"key": str(line.pop("id")), **line, "line_price": item["discountedTotal"]}
