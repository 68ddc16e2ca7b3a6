"""The world's indexes follow every write."""

from datetime import UTC, datetime, timedelta

from sandbox.world.model import World

NOW = datetime(2026, 5, 4, tzinfo=UTC)
TABLE = "hubspot.contacts"


def small_world() -> World:
    world = World(NOW)
    for position in range(5):
        moment = NOW - timedelta(hours=10 - position)
        world.upsert(TABLE, str(100 + position), {"email": f"p{position}@example.org"}, at=moment)
    return world


def test_changes_come_in_order_of_time_with_inclusive_bounds():
    world = small_world()
    since, until = NOW - timedelta(hours=9), NOW - timedelta(hours=7)
    assert [key for key, _ in world.changed_since(TABLE, since, until)] == ["101", "102", "103"]


def test_a_changed_document_moves_to_the_end_and_is_listed_once():
    world = small_world()
    world.changed_since(TABLE, None)
    world.upsert(TABLE, "101", {"email": "new@example.org"})
    world.upsert(TABLE, "101", {"email": "newer@example.org"})
    assert [key for key, _ in world.changed_since(TABLE, None)] == [
        "100",
        "102",
        "103",
        "104",
        "101",
    ]


def test_a_write_with_an_older_time_is_sorted_in():
    world = small_world()
    world.changed_since(TABLE, None)
    world.upsert(TABLE, "200", {}, at=NOW - timedelta(hours=20))
    assert world.changed_since(TABLE, None)[0][0] == "200"


def test_a_document_is_found_by_its_new_value_only():
    world = small_world()
    assert world.find(TABLE, "email", " P1@EXAMPLE.org") == ["101"]
    world.upsert(TABLE, "101", {"email": "else@example.org"})
    assert world.find(TABLE, "email", "p1@example.org") == []
    assert world.find(TABLE, "email", "else@example.org") == ["101"]


def test_archived_documents_are_not_found_but_still_listed_as_changed():
    world = small_world()
    world.archive(TABLE, "102")
    assert world.find(TABLE, "email", "p2@example.org") == []
    assert world.changed_since(TABLE, NOW - timedelta(minutes=1))[-1][0] == "102"
    assert [key for key, _ in world.page_by_id(TABLE, None, 10)] == ["100", "101", "103", "104"]
    assert [key for key, _ in world.page_by_id(TABLE, None, 10, archived=True)] == ["102"]


def test_pages_by_identifier_go_on_after_the_last_one():
    world = small_world()
    assert [key for key, _ in world.page_by_id(TABLE, None, 2)] == ["100", "101"]
    world.upsert(TABLE, "99", {})
    assert [key for key, _ in world.page_by_id(TABLE, "101", 9)] == ["102", "103", "104"]
    assert world.page_by_id(TABLE, None, 1)[0][0] == "99"
