"""Which records become one customer, and which keys link nobody."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from orchestration_assets.identity.clusters import Clusters, cluster, customer_id
from orchestration_assets.identity.keys import MOST_RECORDS_OF_A_KEY, match_keys
from orchestration_assets.identity.links import Links, find_links
from orchestration_assets.identity.normalise import normalised

COLUMNS = (
    "system record_id email phone other_phone named_shopify_customer_id first_name last_name"
    " country_code"
).split()
START = datetime(2026, 1, 1, tzinfo=UTC)


def resolve(*people: dict) -> tuple[list[str], Links, Clusters]:
    """Customer ids in the order of the people, who were landed one after the other."""
    rows = [
        {name: person.get(name) for name in COLUMNS}
        | {"system": person.get("system", "hubspot"), "record_id": str(number)}
        | {"first_loaded_at": START + timedelta(hours=person.get("hour", number))}
        for number, person in enumerate(people)
    ]
    fields = [*((name, pa.string()) for name in COLUMNS)]
    schema = pa.schema([*fields, ("first_loaded_at", pa.timestamp("us", "UTC"))])
    table = normalised(pa.Table.from_pylist(rows, schema), "FR")
    keys = match_keys(table)
    counts = keys.group_by("key_hash").aggregate([("position", "count")])
    links = find_links(table, keys, counts.rename_columns(["key_hash", "records"]))
    clusters = cluster(table, links.links)
    return clusters.customer_ids, links, clusters


def person(first: str | None, last: str | None, **more) -> dict:
    return {"first_name": first, "last_name": last} | more


def test_the_same_email_and_a_misspelt_name_are_one_customer() -> None:
    ids, _, clusters = resolve(
        person("Sandra", "Roth", email="s@x.org"), person("Snadra", "Roth", email="S@X.org ")
    )
    assert ids[0] == ids[1]
    assert clusters.linked_by == ["email", "email"]


def test_swapped_names_are_one_customer() -> None:
    ids, _, _ = resolve(
        person("Roth", "Sandra", email="s@x.org"), person("Sandra", "Roth", email="s@x.org")
    )
    assert ids[0] == ids[1]


@pytest.mark.parametrize("key", [{"email": "home@x.org"}, {"phone": "0640112233"}])
def test_a_household_that_shares_a_key_stays_two_customers(key: dict) -> None:
    ids, links, _ = resolve(person("Paul", "Roth", **key), person("Sandra", "Roth", **key))
    assert ids[0] != ids[1]
    assert links.shared["reason"].to_pylist() == ["names_differ"]


def test_a_record_without_a_name_joins_no_side_of_a_shared_key() -> None:
    key = {"phone": "0640112233"}
    ids, _, _ = resolve(
        person("Paul", "Roth", **key), person("Sandra", "Roth", **key), person(None, None, **key)
    )
    assert len(set(ids)) == 3
    ids, _, _ = resolve(person("Paul", "Roth", **key), person(None, None, **key))
    assert len(set(ids)) == 1


def test_a_new_last_name_goes_with_the_email_but_not_with_the_phone() -> None:
    email, phone = {"email": "ann@x.org"}, {"phone": "0640112233"}
    ids, _, _ = resolve(person("Ann", "Lee", **email), person("Ann", "Miller", **email))
    assert ids[0] == ids[1]
    ids, _, _ = resolve(person("Ann", "Lee", **phone), person("Ann", "Miller", **phone))
    assert ids[0] != ids[1]


def test_an_external_id_links_unless_the_names_are_of_two_people() -> None:
    shop = {"system": "shopify", "named_shopify_customer_id": "71"}
    ids, _, clusters = resolve(
        person("Robert", "Lee", **shop), person("Bob", "Lee", named_shopify_customer_id="71")
    )
    assert ids[0] == ids[1]
    assert clusters.linked_by == ["external_id", "external_id"]
    ids, _, _ = resolve(
        person("Robert", "Lee", **shop), person("Ines", "Diaz", named_shopify_customer_id="71")
    )
    assert ids[0] != ids[1]


def test_role_addresses_and_crowded_keys_link_nobody() -> None:
    ids, links, _ = resolve(*[person("Ann", "Lee", email="info@x.org")] * 2)
    assert ids[0] != ids[1]
    assert links.shared["reason"].to_pylist() == ["role_address"]
    crowd = [person("Ann", "Lee", phone="0640112233")] * (MOST_RECORDS_OF_A_KEY + 1)
    ids, links, _ = resolve(*crowd)
    assert len(set(ids)) == len(crowd)
    assert links.shared["reason"].to_pylist() == ["too_many_records"]


def test_two_people_are_not_joined_over_a_third_record() -> None:
    ids, _, clusters = resolve(
        person("Paul", "Roth", email="paul@x.org"),
        person(None, None, email="paul@x.org", phone="0640112233"),
        person("Sandra", "Roth", phone="0640112233"),
    )
    assert ids[0] != ids[2]
    assert clusters.taken_apart == 1


def test_a_chain_that_grows_past_the_limit_is_taken_apart() -> None:
    chain = [
        person("Ann", "Lee", email=f"ann{n}@x.org", phone=f"06401{n + 1:05d}")
        if n % 2
        else person("Ann", "Lee", email=f"ann{n + 1}@x.org", phone=f"06401{n:05d}")
        for n in range(80)
    ]
    ids, _, clusters = resolve(*chain)
    assert clusters.taken_apart > 0
    assert len(set(ids)) == len(chain)


def test_the_anchor_is_the_record_that_was_landed_first() -> None:
    key = {"email": "ann@x.org"}
    ids, _, _ = resolve(person("Ann", "Lee", hour=5, **key), person("Ann", "Lee", hour=2, **key))
    assert ids == [customer_id("hubspot", "1")] * 2
    assert ids[0].startswith("cus_")
    assert len(ids[0]) == 20


def test_nobody_is_resolved_to_nothing() -> None:
    ids, _, clusters = resolve()
    assert ids == []
    assert clusters.taken_apart == 0
