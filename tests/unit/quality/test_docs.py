"""The pages on the gates show rules, counts and names of records, and nothing of a row."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest

from quality.docs import INDEX, page_of, write_pages
from quality.findings import document
from quality.rules import Batch, Suite, SuiteResult
from quality.runner import run_suites
from quality.suites.phrases import at_least, hold, no_rows, present, shaped, unique
from quality.thresholds import EMAIL_SHAPE

ROWS = """
create schema core;
create table core.people as select * from (values
    ('a', 'ann@example.org', 1), ('b', 'secret.person@@example.org', 2),
    ('c', 'other person@example.org', 3), ('d<script>', null, -4)) rows(id, email, score);
create schema gate;
create table gate.changed_people as select * from core.people;
"""
BROKEN = Suite(
    "people_are_reachable",
    "core.people",
    (
        shaped("email", EMAIL_SHAPE, "addresses are well formed"),
        hold(at_least("score", 0, "scores are not negative")),
        unique("email", "an address belongs to one person"),
        no_rows("select id from {batch} where score < 0", "no row is below zero"),
        present("age", "every person has an age"),
    ),
    expected=5,
    key=("id",),
)
HELD = Suite(
    "people_have_scores",
    "core.people",
    (present("id", "every person has an id"), hold(at_least("score", 0, "no score is negative"))),
    expected=2,
    key=("id",),
)
MISSING = Suite("nothing_here", "core.nowhere", (present("id", "has an id"),), expected=1)
ADDRESS = re.compile(r"[\w.+-]+@+[\w-]*\.?[a-z]+")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[SuiteResult]:
    path = tmp_path_factory.mktemp("warehouse") / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(ROWS)
    changed = {"core.people": Batch("gate.changed_people")}
    return run_suites([BROKEN, HELD, MISSING], f"duckdb:///{path}", {}, changed)


@pytest.fixture(scope="module")
def documents(results: list[SuiteResult]) -> list[dict[str, Any]]:
    """The findings as they are read back from their files."""
    now = datetime.now(UTC)
    return [orjson.loads(orjson.dumps(document(one, now, "run-1"))) for one in results]


@pytest.fixture(scope="module")
def pages(documents: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("docs") / "gates"
    write_pages(documents, out)
    return out


def test_no_address_is_in_what_is_kept_or_shown(documents: list[dict[str, Any]], pages: Path):
    texts = [str(documents), *(path.read_text() for path in pages.iterdir())]
    assert [ADDRESS.findall(text) for text in texts] == [[]] * len(texts)
    assert "person@" not in "".join(texts)


def test_each_suite_has_a_page_under_its_own_name_and_the_list_leads_there(pages: Path):
    suites = (BROKEN, HELD, MISSING)
    assert {path.name for path in pages.iterdir()} == {INDEX, *(page_of(s.name) for s in suites)}
    index = (pages / INDEX).read_text()
    assert all(f'href="{page_of(suite.name)}"' in index for suite in suites)


def test_a_page_names_rules_counts_and_records_and_what_they_were_judged_over(pages: Path):
    text = (pages / page_of(BROKEN.name)).read_text()
    assert "Failed" in text
    for rule in BROKEN.rules:
        assert rule.words in text
    assert "blocks the whole set" in text
    assert "rows that changed" in text
    assert "<code>b</code> <code>c</code>" in text
    # Great Expectations' own words and figures.
    assert "values must match this regular expression" in text
    assert "2 unexpected values found" in text


def test_a_gate_that_holds_rows_alone_has_passed(pages: Path):
    text = (pages / page_of(HELD.name)).read_text()
    assert "Succeeded" in text
    assert "holds its rows back" in text


def test_a_gate_that_could_not_judge_says_why(pages: Path):
    text = (pages / page_of(MISSING.name)).read_text()
    assert "Failed" in text
    assert "see that the table exists" in text


def test_names_of_records_are_no_markup(pages: Path):
    text = (pages / page_of(BROKEN.name)).read_text()
    assert "d&lt;script&gt;" in text
    assert "<script" not in text


def test_the_pages_ask_no_other_host(pages: Path):
    for path in pages.iterdir():
        assert not re.search(r"(src|href)=[\"']?(https?:)?//", path.read_text()), path.name
