"""Which records become one customer, and which keys link nobody."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from orchestration_assets.identity.clusters import (
    LONGEST_CHAIN,
    MOST_RECORDS_OF_A_CUSTOMER,
    Clusters,
    customer_id,
)
from orchestration_assets.identity.keys import MOST_RECORDS_OF_A_KEY, record_key
from orchestration_assets.identity.links import Links
from orchestration_assets.identity.normalise import normalised
from orchestration_assets.identity.resolve import resolve
from orchestration_assets.identity.weights import load_weights

COLUMNS = (
    "system record_id email phone other_phone named_shopify_customer_id first_name last_name"
    " address city postal_code country_code"
).split()
START = datetime(2026, 1, 1, tzinfo=UTC)
POPULATION = 100_000


def resolved(
    *people: dict, apart: tuple[tuple[int, int], ...] = ()
) -> tuple[list[str], Links, Clusters]:
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
    names = [(person.get("system", "hubspot"), str(n)) for n, person in enumerate(people)]
    pairs = [(record_key(*names[one]), record_key(*names[other])) for one, other in apart]
    links, clusters = resolve(table, load_weights(), POPULATION, apart=pairs)
    return clusters.records["customer_id"].to_pylist(), links, clusters


def person(first: str | None, last: str | None, **more) -> dict:
    return {"first_name": first, "last_name": last} | more


def test_the_same_email_and_a_misspelt_name_are_one_customer() -> None:
    ids, _, clusters = resolved(
        person("Sandra", "Roth", email="s@x.org"), person("Snadra", "Roth", email="S@X.org ")
    )
    assert ids[0] == ids[1]
    assert clusters.records["linked_by"].to_pylist() == ["email", "email"]


def test_swapped_names_are_one_customer() -> None:
    ids, _, _ = resolved(
        person("Roth", "Sandra", email="s@x.org"), person("Sandra", "Roth", email="s@x.org")
    )
    assert ids[0] == ids[1]


@pytest.mark.parametrize("key", [{"email": "home@x.org"}, {"phone": "0640112233"}])
def test_a_household_that_shares_a_key_stays_two_customers(key: dict) -> None:
    ids, links, _ = resolved(person("Paul", "Roth", **key), person("Sandra", "Roth", **key))
    assert ids[0] != ids[1]
    assert links.shared["reason"].to_pylist() == ["names_differ"]


def test_a_record_without_a_name_joins_no_side_of_a_shared_key() -> None:
    key = {"phone": "0640112233"}
    ids, _, _ = resolved(
        person("Paul", "Roth", **key), person("Sandra", "Roth", **key), person(None, None, **key)
    )
    assert len(set(ids)) == 3
    ids, _, _ = resolved(person("Paul", "Roth", **key), person(None, None, **key))
    assert len(set(ids)) == 1


def test_a_new_last_name_goes_with_the_email_but_not_with_the_phone() -> None:
    email, phone = {"email": "ann@x.org"}, {"phone": "0640112233"}
    ids, _, _ = resolved(person("Ann", "Lee", **email), person("Ann", "Miller", **email))
    assert ids[0] == ids[1]
    ids, _, _ = resolved(person("Ann", "Lee", **phone), person("Ann", "Miller", **phone))
    assert ids[0] != ids[1]


def test_an_external_id_links_unless_the_names_are_of_two_people() -> None:
    shop = {"system": "shopify", "named_shopify_customer_id": "71"}
    ids, _, clusters = resolved(
        person("Robert", "Lee", **shop), person("Bob", "Lee", named_shopify_customer_id="71")
    )
    assert ids[0] == ids[1]
    assert clusters.records["linked_by"].to_pylist() == ["external_id", "external_id"]
    ids, _, _ = resolved(
        person("Robert", "Lee", **shop), person("Ines", "Diaz", named_shopify_customer_id="71")
    )
    assert ids[0] != ids[1]


def test_role_addresses_and_crowded_keys_link_nobody() -> None:
    ids, links, _ = resolved(*[person("Ann", "Lee", email="info@x.org")] * 2)
    assert ids[0] != ids[1]
    assert links.shared["reason"].to_pylist() == ["role_address"]
    crowd = [person("Ann", "Lee", phone="0640112233")] * (MOST_RECORDS_OF_A_KEY + 1)
    ids, links, _ = resolved(*crowd)
    assert len(set(ids)) == len(crowd)
    assert links.shared["reason"].to_pylist() == ["too_many_records"]


def test_two_people_are_not_joined_over_a_third_record() -> None:
    ids, _, clusters = resolved(
        person("Paul", "Roth", email="paul@x.org"),
        person(None, None, email="paul@x.org", phone="0640112233"),
        person("Sandra", "Roth", phone="0640112233"),
    )
    assert ids[0] != ids[2]
    assert clusters.quarantined["reason"].to_pylist() == ["names_differ"]


def chain(length: int) -> list[dict]:
    """People of one name, each of whom shares one key with the next one only."""
    return [
        person("Ann", "Lee", email=f"ann{n}@x.org", phone=f"06401{n + 1:05d}")
        if n % 2
        else person("Ann", "Lee", email=f"ann{n + 1}@x.org", phone=f"06401{n:05d}")
        for n in range(length)
    ]


def test_a_chain_that_grows_past_the_limit_is_quarantined() -> None:
    length = MOST_RECORDS_OF_A_CUSTOMER + 30
    ids, _, clusters = resolved(*chain(length))
    assert len(set(ids)) == length
    assert clusters.quarantined.to_pylist() == [
        {"record_key": record_key("hubspot", "0"), "reason": "too_many_records", "records": length}
    ]


def test_a_chain_of_weak_links_is_quarantined_before_it_is_long() -> None:
    nameless = [person | {"first_name": None} for person in chain(LONGEST_CHAIN + 2)]
    ids, _, clusters = resolved(*nameless)
    assert len(set(ids)) == len(nameless)
    assert clusters.quarantined["reason"].to_pylist() == ["long_chain"]
    ids, _, clusters = resolved(*nameless[:-1])
    assert len(set(ids)) == 1
    assert clusters.quarantined.num_rows == 0


def test_records_that_a_steward_keeps_apart_are_two_customers() -> None:
    email, phone = {"email": "ann@x.org"}, {"phone": "0640112233"}
    people = [
        person("Ann", "Lee", **email),
        person("Ann", "Lee", **email, **phone),
        person("Ann", "Lee", **phone),
    ]
    ids, _, _ = resolved(*people, apart=((0, 2),))
    assert ids[0] == ids[1] != ids[2]
    ids, _, _ = resolved(*people)
    assert len(set(ids)) == 1


def test_one_home_and_one_name_are_one_customer_without_a_key() -> None:
    home = {"address": "4 rue des Lilas", "city": "Lyon", "postal_code": "69003"}
    ids, links, clusters = resolved(
        person("Sandra", "Vernay", email="s@x.org", **home),
        person("Snadra", "Vernay", email="sandra@y.org", **home),
        person("Paul", "Vernay", email="p@x.org", **home),
    )
    assert ids[0] == ids[1] != ids[2]
    assert links.links["strength"].to_pylist() == [4]
    assert clusters.records["linked_by"].to_pylist() == ["probable", "probable", None]


def test_a_rare_name_alone_links_nobody_but_a_steward_is_asked() -> None:
    ids, links, _ = resolved(person("Zebulon", "Quist"), person("Zebulon", "Quist"))
    assert ids[0] != ids[1]
    assert links.links.num_rows == 0
    assert links.review.num_rows == 1


def test_the_anchor_is_the_record_that_was_landed_first() -> None:
    key = {"email": "ann@x.org"}
    ids, _, _ = resolved(person("Ann", "Lee", hour=5, **key), person("Ann", "Lee", hour=2, **key))
    assert ids == [customer_id("hubspot", "1")] * 2
    assert ids[0].startswith("cus_")
    assert len(ids[0]) == 20


def test_nobody_is_resolved_to_nothing() -> None:
    ids, _, clusters = resolved()
    assert ids == []
    assert clusters.quarantined.num_rows == 0


def test_first_names_that_are_just_alike_do_not_make_a_new_last_name() -> None:
    key = {"email": "marie.barsart@x.org"}
    ids, _, _ = resolved(person("Marie", "Barsart", **key), person("Martin", "Hirsch", **key))
    assert ids[0] != ids[1]
