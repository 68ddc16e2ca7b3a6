"""Reading values out of nested records."""

from orchestration_assets.connectors.kit.records import get_path


def test_a_dotted_path_leads_through_objects() -> None:
    assert get_path({"a": {"b": {"c": 1}}}, "a.b.c") == 1


def test_what_is_absent_is_the_default() -> None:
    assert get_path({"a": None}, "a.b") is None
    assert get_path({"a": "text"}, "a.b", "none") == "none"


def test_a_null_is_no_absence() -> None:
    assert get_path({"a": {"b": None}}, "a.b", "none") is None


def test_a_key_that_holds_the_dots_wins() -> None:
    assert get_path({"a.b": 1, "a": {"b": 2}}, "a.b") == 1
