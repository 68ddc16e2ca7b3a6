"""The runner passes only what was really judged, on both engines."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import psycopg
import pytest

from quality.rules import Batch, Rule, Suite
from quality.runner import run_suite, run_suites
from quality.suites.phrases import (
    at_least,
    no_rows,
    not_before,
    one_of,
    present,
    shaped,
    unique,
    unique_together,
    usual_volume,
)
from quality.thresholds import EMAIL_SHAPE, volume_parameters

ROWS = """
create schema core;
create table core.people (id varchar, email varchar, country varchar, score decimal(18, 2),
    first_at timestamp, last_at timestamp);
insert into core.people values
    ('a', 'ann@example.org', 'FR', 1.50, '2026-01-01', '2026-02-01'),
    ('b', 'bob@example.org', 'DE', 0, '2026-01-01', '2026-01-01'),
    ('c', null, null, 3, null, null);
create table core.empty (id varchar);
create table core.broken as select 'x' as id, 'secret.person at example.org' as email, -1 as score;
"""

RULES = (
    usual_volume("people"),
    present("id", "every person has an id"),
    unique("id", "a person is one row"),
    unique_together(("id", "country"), "an id and a country come together once"),
    shaped("email", EMAIL_SHAPE, "addresses are well formed"),
    one_of("country", ("FR", "DE"), "countries are known"),
    at_least("score", 0, "scores are not negative"),
    not_before("last_at", "first_at", "the last is not before the first"),
    no_rows("select id from {batch} where id = 'z'", "nobody is called z"),
)
PEOPLE = Suite("people_are_complete", "core.people", RULES, expected=9)
USUAL = volume_parameters(["people", "broken"], {"people": 3})


@pytest.fixture(params=["duckdb", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a small warehouse on each engine."""
    if request.param == "duckdb":
        path = tmp_path / "warehouse.duckdb"
        with duckdb.connect(str(path)) as connection:
            connection.execute(ROWS)
        yield f"duckdb:///{path}"
        return
    address = request.getfixturevalue("postgres_url")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(ROWS.encode())
    yield address


def test_a_sound_table_passes_with_every_rule_evaluated(url: str) -> None:
    result = run_suite(PEOPLE, url, USUAL)
    assert result.passed, result.reason
    assert (result.evaluated, result.expected, result.rows) == (9, 9, 3)


def test_broken_rows_are_counted_and_never_shown(url: str) -> None:
    suite = Suite(
        "broken_people_are_found",
        "core.broken",
        (
            shaped("email", EMAIL_SHAPE, "addresses are well formed"),
            at_least("score", 0, "scores are not negative"),
            no_rows("select id from {batch} where score < 0", "no row is below zero"),
        ),
        expected=3,
    )
    result = run_suite(suite, url)
    assert not result.passed
    assert [(item.unexpected_count) for item in result.failures] == [1, 1, 1]
    assert result.failures[0].share == 1.0
    assert "secret.person" not in repr(result)


def test_a_missing_column_fails_the_suite_and_is_named(url: str) -> None:
    suite = Suite(
        "ages_are_present",
        "core.people",
        (present("id", "has an id"), present("age", "has an age")),
        expected=2,
    )
    result = run_suite(suite, url)
    assert not result.passed
    assert result.evaluated == 1
    assert "1 of 2 rules" in (result.error or "")
    assert [item.column for item in result.failures] == ["age"]


def test_all_suites_of_a_call_are_judged_when_one_cannot_be(url: str) -> None:
    missing = Suite("nothing_here", "core.nowhere", (present("id", "has an id"),), expected=1)
    first, second = run_suites([missing, PEOPLE], url, USUAL)
    assert not first.passed
    assert "core.nowhere" in str(first.error)
    assert second.passed


def test_an_empty_table_fails_where_rows_are_due_and_passes_where_none_are(url: str) -> None:
    rules = (present("id", "has an id"),)
    due = run_suite(Suite("rows_are_there", "core.empty", rules, expected=1), url)
    optional = Suite("rows_may_be_there", "core.empty", rules, expected=1, rows_due=False)
    assert not due.passed
    assert "empty" in str(due.error)
    assert run_suite(optional, url).passed


def test_a_table_that_lost_most_of_its_rows_fails(url: str) -> None:
    result = run_suite(PEOPLE, url, volume_parameters(["people"], {"people": 1_000}))
    assert not result.passed
    assert [item.rule for item in result.failures] == [
        "the table is about as large as in the last release"
    ]
    assert result.failures[0].observed == "3"


def test_a_parameter_that_is_not_handed_in_fails_the_suite(url: str) -> None:
    assert not run_suite(PEOPLE, url).passed


def test_rules_on_single_rows_look_at_the_rows_that_changed(url: str) -> None:
    rules = (at_least("score", 1, "scores are at least one"), usual_volume("people"))
    suite = Suite("people_score", "core.people", rules, expected=2)
    copies = {"changed_people": "select * from core.people where id <> 'a'"}
    by_change = {"core.people": Batch("changed_people", copies=copies)}
    found = [run_suites([suite], url, USUAL, which)[0] for which in (by_change, None)]
    assert [(one.rows_judged, one.rows) for one in found] == [(2, 3), (3, 3)]
    assert [one.failures[0].unexpected_count for one in found] == [1, 1]


def test_an_empty_suite_fails() -> None:
    result = run_suite(Suite("nothing_is_asked", "core.people", (), expected=0), "duckdb:///x")
    assert not result.passed


def test_a_suite_that_lost_a_rule_fails(url: str) -> None:
    result = run_suite(Suite("a_rule_is_gone", "core.people", RULES[:8], expected=9), url, USUAL)
    assert not result.passed
    assert "8 rules but 9" in str(result.error)


def test_an_expectation_that_does_not_exist_fails(url: str) -> None:
    suite = Suite(
        "asks_for_the_impossible", "core.people", (Rule("is true", "ExpectTruth"),), expected=1
    )
    result = run_suite(suite, url)
    assert not result.passed
    assert "could not run" in str(result.error)


def test_a_warehouse_that_does_not_answer_fails_every_suite(tmp_path: Path) -> None:
    results = run_suites([PEOPLE], f"duckdb:///{tmp_path / 'missing.duckdb'}", USUAL)
    assert [item.passed for item in results] == [False]
    assert results[0].error


def test_the_file_is_let_go_after_every_run(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(ROWS)
    broken = Suite("ages_are_present", "core.people", (present("age", "has an age"),), expected=1)
    run_suites([PEOPLE, broken], f"duckdb:///{path}", USUAL)
    with duckdb.connect(str(path), config={"enable_external_access": "false"}) as connection:
        connection.execute("create table core.written_afterwards (id int)")
