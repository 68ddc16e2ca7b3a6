"""Landing single records by identifier, beside the readings of the stream, on both engines."""

import pytest

from orchestration_assets.errors import RetriableError
from orchestration_assets.landing.cursors import read_cursor
from orchestration_assets.landing.fetched import land_answers
from orchestration_assets.landing.plain_load import PlainLoader
from orchestration_assets.landing.progress import ReadingLog
from orchestration_assets.model import Fetched, LandingResult
from orchestration_assets.state import quarantine
from orchestration_assets.warehouse.pinned import PinnedWarehouse
from tests.unit.landing.conftest import Place
from tests.unit.landing.vendor import PEOPLE, person

CONTENT = (
    "select _record_id, _source_at, _row_hash, _is_deleted, _raw, email, age, balance"
    " from raw_acme.people order by _record_id, _source_at"
)
GONE = {"id": "2", "updatedAt": "2026-03-01T00:00:00Z"}


def changed(place: Place) -> None:
    """Four people landed; since then one changed, one was deleted, one came."""
    place.vendor.put(*[person(number) for number in range(4)])
    place.land()
    place.vendor.put(person(1, minute=5, email="new@example.org"))
    place.vendor.put(GONE, deleted=True)
    place.vendor.put(person(9, minute=6))


def test_what_is_fetched_lands_as_a_reading_of_changes_would_land_it(place: Place):
    changed(place)

    result = place.fetch("0", "1", "2", "9")

    assert (result.rows_read, result.rows_landed, result.rows_deleted) == (4, 2, 1)
    assert (result.rows_unchanged, result.rows_total) == (1, 0)
    fetched = place.rows(CONTENT)
    load_ids = {row["load_id"] for row in place.rows("select load_id from landing.loads")}
    assert set(result.load_ids) < load_ids
    with place.warehouse.writer("forget what was fetched") as session:
        session.execute(
            "delete from raw_acme.people where _dlt_load_id in (select unnest(:ids::text[]))",
            {"ids": list(result.load_ids)},
        )
    assert place.land().rows_landed == 2
    assert place.rows(CONTENT) == fetched


def test_a_later_reading_of_the_same_changes_lands_nothing(place: Place):
    changed(place)
    place.fetch("1", "2", "9")
    before = place.newest()

    result = place.land()

    assert (result.rows_landed, result.rows_deleted, result.load_ids) == (0, 0, ())
    assert result.rows_unchanged == 4  # the boundary is inclusive
    assert place.newest() == before
    assert before["1"] == ("new@example.org", False)
    assert before["2"] == (None, True)


def test_fetching_what_a_reading_has_landed_lands_nothing(place: Place):
    changed(place)
    place.land()
    readings = place.rows("select * from landing.readings")

    for _ in range(2):
        result = place.fetch("1", "2", "9")
        assert (result.rows_landed, result.rows_deleted, result.rows_unchanged) == (0, 0, 3)
        assert result.load_ids == ()
    assert place.rows("select * from landing.readings") == readings


def test_the_cursor_stays_where_it_was(place: Place):
    place.vendor.put(person(1))
    place.fetch("1")
    assert read_cursor(place.warehouse, PEOPLE) is None
    place.land()
    cursor = read_cursor(place.warehouse, PEOPLE)
    place.vendor.put(person(1, minute=3, email="new@example.org"), person(2))

    assert place.fetch("1", "2").rows_landed == 2
    assert read_cursor(place.warehouse, PEOPLE) == cursor


def test_a_record_that_is_gone_without_a_word_is_a_deletion_at_the_time_of_asking(place: Place):
    place.vendor.put(person(1), person(2))
    place.land()
    place.vendor.forget(2)

    assert place.fetch("2").rows_deleted == 1
    assert place.newest()["2"] == (None, True)
    assert place.fetch("2").rows_deleted == 0
    # The reading that finds it out by itself has nothing to add.
    assert place.land(full=True).rows_deleted == 0


def test_a_deletion_that_was_fetched_wins_over_an_older_version_read_later(place: Place):
    place.vendor.put(person(1))
    place.vendor.forget(1)

    assert place.fetch("1").rows_deleted == 1
    assert place.land().rows_landed == 1
    assert place.newest() == {"1": (None, True)}


def test_a_malformed_record_is_held_and_the_others_land(place: Place):
    place.vendor.put(person(1), person(2, age="old"))

    result = place.fetch("1", "2", "x")

    assert (result.rows_landed, result.quarantined) == (
        1,
        {"integer_field": 1, "known_identifier": 1},
    )
    held = quarantine.held(place.state, "acme", "people")
    assert {row["record_id"]: row["rule"] for row in held} == {
        "2": "integer_field",
        "x": "known_identifier",
    }
    [reading] = place.rows("select * from landing.readings")
    assert (reading["rows_read"], reading["rows_rejected"]) == (2, 2)

    place.vendor.put(person(2, minute=3, age="44"))
    assert place.fetch("2").rows_landed == 1
    assert quarantine.held_ids(place.state, "acme", "people") == {"x"}


def test_it_is_noted_as_a_reading_of_changes_that_never_saw_everything(place: Place):
    changed(place)
    place.fetch("1")

    [reading] = place.rows(
        "select * from landing.readings where ended_at is not null and not is_complete"
    )
    assert (reading["is_full"], reading["status"], reading["rows_read"]) == (False, None, 1)
    loads = place.rows("select * from landing.loads order by load_id")
    assert loads[-1]["reading_id"] == reading["reading_id"]


def test_a_reading_under_way_goes_on(place: Place):
    place.vendor.put(person(1))
    place.land()
    other = ReadingLog(PEOPLE, place.warehouse, full=True)
    with place.warehouse.writer("another landing") as session:
        reading_id = other.note(session)

    place.vendor.put(person(1, minute=2, email="new@example.org"))
    assert place.fetch("1").rows_landed == 1

    open_ones = place.rows("select reading_id from landing.readings where ended_at is null")
    assert [row["reading_id"] for row in open_ones] == [reading_id]


def test_what_was_fetched_before_the_system_failed_stays(place: Place):
    place.vendor.put(*[person(number) for number in range(6)])
    place.vendor.page_size = 2
    place.vendor.fail_after_pages = 1
    with pytest.raises(RetriableError):
        place.fetch(*map(str, range(6)))

    place.vendor.fail_after_pages = None
    result = place.fetch(*map(str, range(6)))
    assert (result.rows_landed, result.rows_unchanged) == (4, 2)


def test_asking_for_nobody_writes_nothing(place: Place):
    assert place.fetch().rows_read == 0
    assert place.rows("select * from landing.readings") == []


def test_of_two_that_are_dated_to_one_moment_the_later_told_counts(place: Place):
    place.land()
    answers = [Fetched([person(1, email=f"{word}@example.org")]) for word in ("z", "first", "last")]
    land_answers(PEOPLE, answers, place.warehouse, place.state, place.home)
    assert place.newest()["1"] == ("last@example.org", False)


def test_what_lands_in_an_open_transaction_is_there_with_it_or_not_at_all(place: Place):
    place.land()
    answers = [Fetched([person(1)])]

    def land_inside() -> LandingResult:
        with place.warehouse.writer("a transaction") as session:
            pinned = PinnedWarehouse(session, place.warehouse)
            loader = PlainLoader(PEOPLE, pinned)
            landed = land_answers(PEOPLE, answers, pinned, place.state, place.home, loader=loader)
            if rolled_back:
                raise RetriableError("The gate says no.", "wait")
            return landed

    rolled_back = True
    with pytest.raises(RetriableError):
        land_inside()
    assert (place.newest(), place.rows("select * from landing.loads")) == ({}, [])
    rolled_back = False
    result = land_inside()
    assert place.newest() == {"1": ("person1@example.org", False)}
    noted = [row["load_id"] for row in place.rows("select load_id from landing.loads")]
    assert noted == list(result.load_ids)
