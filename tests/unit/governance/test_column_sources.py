"""Which columns a query's own columns come from, on both engines' SQL."""

import pytest

from orchestration_assets.governance.column_sources import Origin, origins

LIST = "cast(people.history as jsonb) -> 'email'"
TABLES = {"raw": {"people": ["id", "email", "phone", "system", "said_at", "history"]}}


def of(sql: str, dialect: str = "duckdb") -> dict[str, Origin]:
    return origins(sql, dialect, TABLES)


def test_a_star_over_common_table_expressions_is_traced_to_the_table():
    found = of(
        'with a as (select * from "db"."raw"."people"), b as (select email as address from a)'
        " select * from b"
    )
    assert found == {"address": Origin(("raw.people.email",))}


def test_what_chooses_a_value_is_told_apart_from_the_value():
    found = of(
        "with ranked as (select *, row_number() over (partition by id order by said_at) as r"
        " from raw.people) select max(case when r = 1 then email end) as email from ranked"
    )
    assert found["email"] == Origin(("raw.people.email",), ("raw.people.id", "raw.people.said_at"))


def test_a_case_between_constants_comes_from_what_it_asks_for():
    found = of("select case when email is null then 'none' else 'some' end as has from raw.people")
    assert found["has"] == Origin(("raw.people.email",))


def test_a_constant_is_decided_by_the_condition_it_is_stated_under():
    found = of("select 'withdrawn' as status from raw.people where phone is not null")
    assert found["status"] == Origin((), ("raw.people.phone",))


def test_a_union_comes_from_all_its_branches():
    found = of(
        "select email as way from raw.people union all select phone as way from raw.people"
        " union all select 'none' as way from raw.people"
    )
    assert found["way"] == Origin(("raw.people.email", "raw.people.phone"))


@pytest.mark.parametrize(
    ("dialect", "items"),
    [
        ("duckdb", "unnest(cast(json_extract(people.history, '$.email') as json[]))"),
        (
            "postgres",
            f"jsonb_array_elements(case when jsonb_typeof({LIST}) = 'array' then {LIST} end)",
        ),
    ],
)
def test_items_of_a_json_list_come_from_the_column_that_holds_it(dialect: str, items: str):
    found = of(
        "select people.id, (changes.item ->> 'value') as value from raw.people cross join lateral"
        f" (select {items} as item) as changes",
        dialect,
    )
    assert found["value"] == Origin(("raw.people.history",))


def test_a_count_and_a_plain_constant_come_from_nothing():
    found = of("select count(*) as n, 'x' as system from raw.people")
    assert found == {"n": Origin(), "system": Origin()}


def test_a_column_of_a_table_that_is_not_known_is_said_to_be_untraced():
    found = of("select q.x from (select * from raw.not_declared) as q")
    assert found["x"] == Origin(untraced=("*",))
