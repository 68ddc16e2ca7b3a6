"""Names are checked, parameters are bound and never formatted."""

import pytest

from orchestration_assets.errors import FatalError
from orchestration_assets.warehouse.sql import bind, identifier, qualified


def test_named_parameters_become_the_drivers_own():
    assert bind("a = :x and b = :y", {"x": 1, "y": 2, "z": 3}, "${}") == (
        "a = $x and b = $y",
        {"x": 1, "y": 2},
    )


def test_casts_literals_comments_and_quoted_names_are_left_alone():
    sql = """select ':x', ":x", a::x /* :x */, :x -- :x"""
    text, used = bind(sql, {"x": 1}, "%({})s", double_percent=True)
    assert text == """select ':x', ":x", a::x /* :x */, %(x)s -- :x"""
    assert used == {"x": 1}


def test_percent_signs_are_doubled_only_where_parameters_are_bound():
    assert bind("a like '%b' and c = :x", {"x": 1}, "%({})s", double_percent=True)[0] == (
        "a like '%%b' and c = %(x)s"
    )
    assert bind("a like '%b'", {"x": 1}, "%({})s", double_percent=True)[0] == "a like '%b'"


@pytest.mark.parametrize("name", ["", "a b", 'a"b', "a;drop", "1a", "a" * 64, "a\n"])
def test_a_name_that_is_no_plain_identifier_is_refused(name: str):
    with pytest.raises(FatalError):
        identifier(name)


def test_a_qualified_name_is_quoted_part_by_part():
    assert qualified("raw_hubspot", "contacts") == '"raw_hubspot"."contacts"'
