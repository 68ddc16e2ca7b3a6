"""Landing one stream, end to end on both engines."""

import dataclasses
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from orchestration_assets.errors import RetriableError
from orchestration_assets.landing import chunks
from orchestration_assets.landing.cursors import read_cursor
from orchestration_assets.landing.progress import ReadingLog
from orchestration_assets.landing.raw_tables import ensure_raw_tables
from orchestration_assets.model import Field, Kind
from orchestration_assets.state import drift, quarantine
from orchestration_assets.warehouse.readings import (
    HELD,
    PASSED,
    decide,
    end_abandoned,
)
from tests.unit.landing.conftest import Place
from tests.unit.landing.vendor import PEOPLE, person


def test_a_record_lands_typed_with_its_raw_text_and_its_load(place: Place):
    place.vendor.put(person(1, balance="12.5", opted_out="", nothing=None))

    result = place.land()

    assert (result.rows_read, result.rows_landed, result.rows_unchanged) == (1, 1, 0)
    (row,) = place.rows("select * from raw_acme.people")
    assert row["email"] == "person1@example.org"
    assert (row["age"], row["balance"], row["opted_out"]) == (21, Decimal("12.5"), None)
    assert row["created_at"] == datetime(2026, 1, 1, tzinfo=UTC)
    assert row["_is_deleted"] is False
    assert '"nothing":null' in row["_raw"]
    (load,) = place.rows("select * from landing.loads")
    assert row["_dlt_load_id"] == load["load_id"] == result.load_ids[0]
    assert (load["system"], load["stream"], load["rows"]) == ("acme", "people", 1)
    assert load["watermark"] == datetime(2026, 2, 1, tzinfo=UTC)


def test_a_second_landing_without_change_writes_nothing(place: Place):
    place.vendor.put(*[person(number) for number in range(250)])
    place.land()
    before = place.rows("select * from landing.cursors"), place.rows("select * from landing.loads")

    result = place.land()

    assert (result.rows_landed, result.load_ids) == (0, ())
    assert result.rows_unchanged == 1  # the boundary is inclusive
    after = place.rows("select * from landing.cursors"), place.rows("select * from landing.loads")
    assert after == before


def test_a_change_of_volatile_fields_alone_does_not_land(place: Place):
    place.vendor.put(person(1))
    place.land()
    place.vendor.put(person(1, minute=5, accord_segment="new"))

    assert place.land().rows_landed == 0


def test_a_changed_record_lands_as_a_further_version(place: Place):
    place.vendor.put(person(1))
    place.land()
    place.vendor.put(person(1, minute=5, email="new@example.org"))

    assert place.land().rows_landed == 1
    assert place.newest() == {"1": ("new@example.org", False)}
    assert len(place.rows("select 1 as x from raw_acme.people")) == 2


def test_an_older_version_that_comes_late_lands_once_and_does_not_win(place: Place):
    place.vendor.put(person(1, minute=9, email="newest@example.org"))
    place.land()
    late = person(1, minute=2, email="late@example.org")
    place.vendor.put(late)
    assert place.land().rows_landed == 1
    place.vendor.put(late)

    assert place.land().rows_landed == 0
    assert place.newest() == {"1": ("newest@example.org", False)}


def test_a_version_that_comes_back_after_another_lands_again(place: Place):
    for minute, email in enumerate(("a@x.org", "b@x.org", "a@x.org")):
        place.vendor.put(person(1, minute=minute, email=email))

    assert place.land().rows_landed == 3
    assert place.newest() == {"1": ("a@x.org", False)}


def test_a_deletion_lands_once_as_a_record_of_its_own(place: Place):
    place.vendor.put(person(1), person(2))
    place.land()
    place.vendor.put({"id": "1", "updatedAt": "2026-03-01T00:00:00Z"}, deleted=True)

    result = place.land()

    assert (result.rows_landed, result.rows_deleted) == (0, 1)
    assert place.newest() == {"1": (None, True), "2": ("person2@example.org", False)}
    place.vendor.put({"id": "1", "updatedAt": "2026-03-02T00:00:00Z"}, deleted=True)
    assert place.land().rows_deleted == 0


def test_a_full_landing_finds_what_vanished_and_what_came_back(place: Place):
    place.vendor.put(person(1), person(2), person(3))
    place.land()
    gone = place.vendor.now["2"]
    place.vendor.forget(2)

    result = place.land(full=True)

    assert (result.rows_landed, result.rows_deleted, result.rows_unchanged) == (0, 1, 2)
    assert result.rows_total == 4
    assert place.newest()["2"] == ("person2@example.org", True)
    again = place.land(full=True)
    assert (again.rows_deleted, again.rows_total) == (0, 4)  # the deletion is a row too
    place.vendor.now["2"] = gone
    assert place.land(full=True).rows_landed == 1
    assert place.newest()["2"] == ("person2@example.org", False)


def test_a_full_landing_that_finds_nothing_lands_the_deletions_and_says_what_it_saw(place: Place):
    place.vendor.put(person(1), person(2))
    place.land()
    place.vendor.forget(1, 2)

    assert place.land(full=True).rows_deleted == 2
    reading = place.rows("select * from landing.readings order by started_at")[1]
    assert (reading["is_full"], reading["is_complete"], reading["living_seen"]) == (True, True, 0)
    loads = place.rows("select reading_id from landing.loads order by load_id")
    assert loads[1]["reading_id"] == reading["reading_id"]
    # Whether they take effect is for the landing gate to say.
    assert reading["status"] is None


def test_what_the_landing_gate_holds_counts_for_no_full_reading(place: Place):
    place.vendor.put(person(1), person(2))
    place.land()
    everything = dict(place.vendor.now)
    place.vendor.forget(1, 2)
    place.land(full=True)
    _hold_the_newest(place)
    place.vendor.now |= everything

    result = place.land(full=True)

    assert (result.rows_landed, result.rows_deleted, result.rows_unchanged) == (0, 0, 2)
    place.vendor.forget(1)
    assert place.land(full=True).rows_deleted == 1


def test_a_reading_of_changes_lands_no_copy_of_what_is_held(place: Place):
    place.vendor.put(person(1))
    place.land()
    place.vendor.put(person(1, minute=5, email="new@example.org"))
    place.land()
    _hold_the_newest(place)

    assert place.land().rows_landed == 0
    place.vendor.put(person(1, minute=6))
    assert place.land().rows_landed == 1


def _hold_the_newest(place: Place) -> None:
    with place.warehouse.writer("hold") as session:
        newest = session.scalar(
            "select reading_id from landing.readings order by started_at desc limit 1"
        )
        assert decide(session, [newest], HELD) == 1


def test_what_lands_after_its_reading_was_judged_is_a_reading_of_its_own(place: Place):
    ensure_raw_tables([PEOPLE], place.warehouse, place.home)
    log = ReadingLog(PEOPLE, place.warehouse, full=False)
    with place.warehouse.writer("load and judge") as session:
        first = log.note(session)
        assert log.note(session) == first
        decide(session, [first], PASSED)
        second = log.note(session)
        end_abandoned(session, "acme", "people")
        third = log.note(session)

    assert len({first, second, third}) == 3


def test_malformed_records_are_held_with_their_rule_and_released_when_they_land(place: Place):
    place.vendor.put(person(1), person(2, age="forty"), {"id": "3"}, "no object", person(4))

    result = place.land()

    assert result.rows_landed == 2
    assert result.quarantined == {"integer_field": 1, "required_field": 1, "json_object": 1}
    held = {row["record_id"]: row for row in quarantine.held(place.state)}
    assert held["2"]["rule"] == "integer_field"
    assert "forty" not in held["2"]["reason"]
    place.vendor.put(person(2, minute=1))
    place.land()
    assert set(quarantine.held_ids(place.state, "acme", "people")) == set(held) - {"2"}


def test_a_record_stays_held_while_an_older_good_version_lands_with_it(place: Place):
    place.vendor.put(person(1), person(1, minute=1, age="forty"))

    result = place.land()

    assert (result.rows_landed, result.quarantined) == (1, {"integer_field": 1})
    assert quarantine.held_ids(place.state, "acme", "people") == {"1"}


def test_unknown_fields_are_reported_as_drift_and_kept_in_the_raw_text(place: Place):
    place.vendor.put({**person(1, nickname="Bo"), "score": 3}, person(2))

    assert place.land().drift == ("properties.nickname", "score")
    found = {row["path"]: row["records"] for row in drift.known_drift(place.state, "acme")}
    assert found == {"properties.nickname": 1, "score": 1}
    assert '"nickname":"Bo"' in place.rows("select _raw from raw_acme.people")[0]["_raw"]


def test_texts_that_are_hard_to_carry_arrive_unchanged(place: Place):
    hard = 'a "quote", a comma;\r\na line, a \\ backslash, é 🎈 and \t a tab'
    place.vendor.put(person(1, email=hard), person(2, email="with\x00nul"))

    place.land()

    assert place.newest() == {"1": (hard, False), "2": ("withnul", False)}


def test_what_was_read_before_a_failure_is_kept(place: Place):
    place.vendor.put(*[person(number) for number in range(300)])
    place.vendor.fail_after_pages = 2

    with pytest.raises(RetriableError):
        place.land()
    assert len(place.newest()) == 200
    place.vendor.fail_after_pages = None
    assert place.land().rows_landed == 100


def test_several_chunks_land_as_several_loads_with_the_cursor_after_each(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(chunks, "BATCH_RECORDS", 50)
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 100)
    place.vendor.page_size = 50
    place.vendor.put(*[person(number) for number in range(320)])
    seen: list[int] = []

    result = place.land(progress=seen.append)

    assert len(result.load_ids) == 4
    assert seen == [100, 200, 300, 320]
    assert len(place.newest()) == 320
    assert read_cursor(place.warehouse, PEOPLE) == "320"


def test_raw_tables_exist_before_anything_lands_and_grow_with_the_contract(place: Place):
    ensure_raw_tables([PEOPLE], place.warehouse, place.home)
    assert place.rows("select * from raw_acme.people") == []
    place.vendor.put(person(1, city="Lyon"))
    place.land()
    wider = dataclasses.replace(
        PEOPLE, fields=(*PEOPLE.fields, Field("city", "properties.city", Kind.STRING))
    )
    place.vendor.put(person(2, city="Nice"))

    place.land(wider)

    found = place.rows("select _record_id, city from raw_acme.people order by 1")
    assert [row["city"] for row in found] == [None, "Nice"]


def test_no_payload_stays_in_the_working_folder(place: Place):
    place.vendor.put(person(1, email="secret@example.org"))
    place.land()

    left = [path for path in (place.home / "dlt").rglob("*") if path.is_file()]
    assert not [path for path in left if b"secret@example.org" in path.read_bytes()]
    assert not [path for path in left if path.suffix in (".parquet", ".csv")]
