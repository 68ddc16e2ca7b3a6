"""One customer shops now: fills or changes a cart and leaves it, or buys."""

import numpy as np

from sandbox.world.arrivals import add_orders_now
from sandbox.world.carts import TABLE, abandon_now, add_line_now, complete_with
from sandbox.world.change import Changes, next_rng
from sandbox.world.model import World


def leave_checkout(world: World, customer_id: str | None = None) -> Changes:
    """Let a customer put one more thing into the cart that is open, or begin one.

    Args:
        world: where.
        customer_id: who; anybody where None.

    Raises:
        ValueError: there is no such customer.
    """
    rng, changes = next_rng(world), Changes()
    shopper = _shopper(world, rng, customer_id)
    carts = world.tables[TABLE]
    left = [key for key in world.find(TABLE, "customer_id", shopper) if _is_open(carts[key])]
    if left:
        add_line_now(world, rng, left[-1])
        changes.note("checkout_changed", TABLE, left[-1])
    for cart_id in () if left else abandon_now(world, rng, [shopper], 1):
        changes.note("checkout_begun", TABLE, cart_id)
    return changes


def buy(world: World, customer_id: str | None = None) -> Changes:
    """Let a customer order now; the carts left open are completed.

    Args:
        world: where.
        customer_id: who; anybody where None.

    Raises:
        ValueError: there is no such customer.
    """
    rng, changes = next_rng(world), Changes()
    for table, record_id in add_orders_now(world, rng, [_shopper(world, rng, customer_id)], 1):
        changes.note("order" if table == "shopify.orders" else "follow", table, record_id)
        if table == "shopify.orders":
            for cart_id in complete_with(world, world.tables[table][record_id]):
                changes.note("cart_completed", TABLE, cart_id)
    return changes


def _is_open(cart: dict[str, object]) -> bool:
    return cart["completed_at"] is None


def _shopper(world: World, rng: np.random.Generator, customer_id: str | None) -> str:
    customers = world.tables["shopify.customers"]
    if customer_id is None:
        living = [key for key, _ in world.live("shopify.customers")]
        if not living:
            raise ValueError("the shop has no customers")
        return living[int(rng.integers(0, len(living)))]
    if customer_id not in customers or customers[customer_id]["archived_at"] is not None:
        raise ValueError(f"the shop has no customer {customer_id}")
    return customer_id
