"""Records of two people in all systems, as tests of the model land them."""

from datetime import UTC, datetime, timedelta

from tests.support.model_world import ModelWorld

NOW = datetime.now(UTC)
LINE = {"id": "l1", "title": "Mug", "quantity": 2, "sku": "m", "productId": "501"}
LINE |= {"variantId": "v1", "unitPrice": "10.50", "discountedTotal": "21.00"}


def ann(**changes) -> dict:
    """Ann's contact in HubSpot."""
    return {"id": "h1", "email": "ann@example.com", "firstname": "Ann", "lastname": "Lee"} | changes


def shopper(**changes) -> dict:
    """Ann's customer in Shopify."""
    base = {"id": "71", "email": "Ann@Example.com", "first_name": "Ann", "last_name": "Lee"}
    return base | {"country_code": "FR"} | changes


def order(number: str, days_ago: float, total: str = "30.00", **changes) -> dict:
    """An order of hers, of one line."""
    at = NOW - timedelta(days=days_ago)
    base = {"id": number, "name": f"#{number}", "customer_id": "71", "currency_code": "EUR"}
    base |= {"total_price": total, "processed_at": at, "line_items": [LINE | {"id": f"l{number}"}]}
    return base | changes


def land_everything(world: ModelWorld) -> None:
    """Two people in three systems, with a product, two orders and an event."""
    basis = {"hs_legal_basis": "Legitimate interest – existing customer", "country": "France"}
    world.land("hubspot", "contacts", ann(phone="06 40 11 22 33", **basis))
    consent = {"email_marketing_state": "SUBSCRIBED", "email_marketing_updated_at": NOW}
    world.land("shopify", "customers", shopper(**consent), shopper(id="72", email="bob@x.org"))
    profile = {"id": "k1", "external_id": "71", "email": "ann.other@example.com"}
    world.land("klaviyo", "profiles", profile | {"first_name": "Ann", "last_name": "Lee"})
    variants = [{"id": "v1", "price": "10.50"}, {"id": "v2", "price": "12.00"}]
    world.land("shopify", "products", {"id": "501", "title": "Mug", "variants": variants})
    world.land("shopify", "orders", order("1", 300), order("2", 200, "12.50"))
    event = {"id": "e1", "profile_id": "k1", "metric_name": "Opened Email", "datetime": NOW}
    world.land("klaviyo", "events", event)
