"""Values become typed columns; what cannot is named by position and never by value."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from orchestration_assets.landing.columns import to_column
from orchestration_assets.landing.contract import ARROW_TYPES, contract_of, find_drift
from orchestration_assets.landing.fingerprint import hash_records, raw_text
from orchestration_assets.model import Field, Kind, Stream
from tests.unit.landing.vendor import PEOPLE, person

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (Kind.STRING, "", None),
        (Kind.STRING, 12, "12"),
        (Kind.STRING, True, "true"),
        (Kind.INTEGER, "12", 12),
        (Kind.INTEGER, 12.0, 12),
        (Kind.INTEGER, "", None),
        (Kind.DECIMAL, "1e3", Decimal(1000)),
        (Kind.DECIMAL, 0.1, Decimal("0.1")),
        (Kind.DECIMAL, "0.12345678949", Decimal("0.123456789")),
        (Kind.BOOLEAN, "true", True),
        (Kind.BOOLEAN, "False", False),
        (Kind.BOOLEAN, 0, False),
        (Kind.TIMESTAMP, "2026-01-02T12:00:00Z", NOON),
        (Kind.TIMESTAMP, "2026-01-02T14:00:00.000+02:00", NOON),
        (Kind.TIMESTAMP, "2026-01-02 12:00:00", NOON),
        (Kind.TIMESTAMP, 1767355200000, NOON),
        (Kind.TIMESTAMP, "1767355200000", NOON),
        (Kind.DATE, "2026-01-02", date(2026, 1, 2)),
        (Kind.DATE, "2026-01-02T23:00:00Z", date(2026, 1, 2)),
        (Kind.JSON, {"b": 1, "a": [None]}, '{"b":1,"a":[null]}'),
    ],
)
def test_a_value_is_converted_alone_and_beside_others(kind: Kind, value: Any, expected: Any):
    column, bad = to_column([value, None], kind)
    assert (column.to_pylist(), bad) == ([expected, None], {})
    assert column.type == ARROW_TYPES[kind]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.STRING, {"a": 1}),
        (Kind.INTEGER, "twelve"),
        (Kind.INTEGER, 1.5),
        (Kind.INTEGER, 2**63),
        (Kind.INTEGER, True),
        (Kind.DECIMAL, "NaN"),
        (Kind.DECIMAL, "1" + "0" * 29),
        (Kind.BOOLEAN, "perhaps"),
        (Kind.TIMESTAMP, "yesterday"),
        (Kind.TIMESTAMP, ["2026-01-02"]),
        (Kind.DATE, "2026-13-01"),
    ],
)
def test_a_value_that_cannot_be_converted_is_named_and_the_others_stay(kind: Kind, value: Any):
    good = to_column([None], kind)[0].to_pylist()
    column, bad = to_column([None, value, ""], kind)
    assert column.to_pylist() == [*good, None, None]
    assert list(bad) == [1]
    assert str(value) not in bad[1]


def test_the_hash_ignores_the_order_of_keys_and_volatile_paths():
    one = person(1)
    other = person(1, minute=7, accord_segment="new")
    other = dict(reversed(other.items()))
    other["properties"] = dict(reversed(other["properties"].items()))
    changed = person(1, email="other@example.org")
    before = repr(other)

    records = [one, other, changed]
    hashes = hash_records(PEOPLE, records, [raw_text(record) for record in records])

    assert hashes[0] == hashes[1] != hashes[2]
    assert repr(other) == before


def test_drift_is_looked_for_in_the_record_and_in_objects_that_hold_fields():
    records = [
        {**person(1, accord_score=1, nickname="x"), "url": {"deep": 1}, "extra": None},
        person(2, nickname="y"),
    ]
    assert find_drift(contract_of(PEOPLE), records) == {"properties.nickname": 2, "extra": 1}


def test_a_json_column_covers_all_below_it_volatile_names_included():
    profiles = Stream(
        "acme",
        "profiles",
        "One row per profile.",
        record_id="id",
        source_at="updated",
        fields=(Field("properties", "attributes.properties", Kind.JSON),),
        volatile=frozenset({"attributes.properties.accord_*"}),
    )
    properties = {"source": "shop", "accord_segment": "new", "deep": {"deeper": 1}}
    record = {"id": "1", "updated": None, "attributes": {"properties": properties, "odd": 1}}
    assert find_drift(contract_of(profiles), [record]) == {"attributes.odd": 1}
