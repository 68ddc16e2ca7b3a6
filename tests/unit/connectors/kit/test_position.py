"""A position never steps over a record, and never stands still."""

from orchestration_assets.connectors.kit.position import SEEN_LIMIT, Position

T1, T2 = "2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z"


def test_a_later_time_becomes_the_new_boundary_and_drops_the_page() -> None:
    position = Position().after_page([("a", T1), ("b", T2)], "next")
    assert position == Position(T2, None, frozenset({"b"}))


def test_a_page_that_lies_at_the_boundary_is_followed_by_the_vendors_next() -> None:
    position = Position(T1, None, frozenset({"a"})).after_page([("b", T1)], "next")
    assert position == Position(T1, "next", frozenset({"a", "b"}))


def test_a_page_before_the_boundary_leaves_it_and_goes_on() -> None:
    start = Position(T2, None, frozenset({"b"}))
    assert start.after_page([("a", T1)], "next") == Position(T2, "next", frozenset({"b"}))


def test_records_without_a_time_do_not_move_the_boundary() -> None:
    assert Position(T1).after_page([("a", None)], "next").since == T1


def test_too_many_records_at_one_time_are_not_remembered() -> None:
    many = [(str(number), T1) for number in range(SEEN_LIMIT + 1)]
    position = Position().after_page(many, None)
    assert position.seen is None
    assert position.after_page([("a", T1)], None).seen is None
    assert not position.is_behind([("a", T1)])


def test_it_is_behind_a_later_time_and_an_unseen_record_at_the_same_time() -> None:
    position = Position(T1, None, frozenset({"a"}))
    assert not position.is_behind([("a", T1)])
    assert position.is_behind([("b", T1)])
    assert position.is_behind([("a", T2)])
    assert Position().is_behind([("a", T1)])


def test_times_are_compared_as_times_and_not_as_text() -> None:
    position = Position("2026-01-01T01:00:00+01:00", None, frozenset({"a"}))
    assert not position.is_behind([("a", "2026-01-01T00:00:00.000Z")])


def test_it_survives_being_written_as_json() -> None:
    for position in (Position(), Position(T1, "p", frozenset({"a"})), Position(T1, None, None)):
        assert Position.from_json(position.to_json()) == position
