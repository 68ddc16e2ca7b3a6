"""Makes a world from a seed: people first, then what each system knows of them."""

import csv
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import numpy as np

from sandbox.world import (
    campaigns,
    carts,
    commerce,
    contracts,
    crm,
    edits,
    marketing,
    refunds,
    service,
)
from sandbox.world.model import World
from sandbox.world.people import draw_people
from sandbox.world.records import Written, write_down


def generate(
    customers: int = 2_000, seed: int = 1, noise: float = 1.0, now: datetime | None = None
) -> World:
    """Make a world.

    Args:
        customers: number of people; each is in one, two or three systems.
        seed: the same seed makes the same world; times move with `now`.
        noise: factor on all error rates.
        now: time of the world, the current minute where None.

    Returns:
        The world with every table filled.
    """
    with _no_collection():
        world = World(now, seed, customers, noise)
        streams = iter(np.random.default_rng(seed).spawn(32))
        people = draw_people(next(streams), world.next_ids("person", customers), noise)
        written = {
            system: write_down(next(streams), people, system, noise)
            for system in ("hubspot", "shopify", "klaviyo")
        }
        ids = {system: world.next_ids(system, len(rows)) for system, rows in written.items()}
        shop, shop_ids = written["shopify"], ids["shopify"]
        commerce.add_products(world, next(streams))
        baskets = commerce.draw_baskets(world, next(streams), shop)
        commerce.add_orders(world, next(streams), shop, shop_ids, baskets)
        commerce.add_customers(world, next(streams), people, shop, shop_ids)
        shopify_id_of = _first_record(shop, shop_ids)
        crm.add_contacts(
            world, next(streams), people, written["hubspot"], ids["hubspot"], shopify_id_of
        )
        crm.add_deals(world, next(streams), ids["hubspot"])
        profiles, profile_ids = written["klaviyo"], ids["klaviyo"]
        marketing.add_profiles(world, next(streams), people, profiles, profile_ids, shopify_id_of)
        marketing.add_lists(world, next(streams), profile_ids)
        profile_of = _first_record(profiles, profile_ids)
        profile_of_customer = {
            record_id: profile_of[who]
            for who, record_id in shopify_id_of.items()
            if who in profile_of
        }
        event_stream = next(streams)
        refunds.add_refunds(world, next(streams))
        carts.add_carts(world, next(streams), shop, shop_ids)
        contracts.add_contracts(world, next(streams), shop, shop_ids)
        sends = campaigns.add_campaigns(world, next(streams))
        marketing.add_events(world, event_stream, profiles, profile_ids, profile_of_customer, sends)
        service.add_tickets(world, next(streams))
        service.add_feedback(world, next(streams))
        edits.add_edits(world, next(streams))
    return world


def write_truth(world: World, path: Path) -> int:
    """Write which record is which person: system, record_id, person_id.

    Returns:
        The number of rows.
    """
    partial = path.with_suffix(".partial")
    count = 0
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("system", "record_id", "person_id"))
        for row in world.truth():
            writer.writerow(row)
            count += 1
    partial.replace(path)
    return count


def _first_record(written: Written, ids: list[str]) -> dict[int, str]:
    """Position of each person to the identifier of the record that is no duplicate."""
    pairs = zip(written.person, ids, written.is_duplicate, strict=True)
    return {who: record_id for who, record_id, is_duplicate in pairs if not is_duplicate}


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the garbage collector off: a million new documents hold no cycles."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
