"""A release is one judged, consistent set of tables, on both engines."""

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration_assets.errors import BlockedError
from orchestration_assets.state.verdicts import Verdict
from orchestration_assets.warehouse import progress
from orchestration_assets.warehouse.engine import Warehouse
from orchestration_assets.warehouse.release import last_release, payload_version, release
from orchestration_assets.warehouse.released_tables import RELEASED_TABLES, ensure_released_tables
from orchestration_assets.warehouse.session import Session
from tests.support.small_core import SUITE, TWO, build, customers, passing, publish, small_core


@pytest.fixture(params=["duckdb", "postgres"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    """A warehouse with a small core model on each engine."""
    url = f"duckdb:///{tmp_path / 'w.duckdb'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    return small_core(url, tmp_path)


def test_a_judged_version_is_copied_whole_with_its_verdict(warehouse: Warehouse) -> None:
    build(warehouse, "v1", TWO)
    consumed: list[int] = []
    result = publish(warehouse, passing(), consumed)
    assert (result.release_number, result.rows["dim_customers"], consumed) == (1, 2, [1])
    assert customers(warehouse) == {"a": 1, "b": 2}
    with warehouse.reader() as session:
        newest = last_release(session)
        verdicts = session.rows("select suite, passed, rows_judged from released.verdicts")
    assert newest is not None
    assert newest["model_version"] == "v1"
    assert newest["candidate_id"] == "candidate-1"
    assert newest["table_rows"]["dim_customers"] == 2
    assert verdicts == [{"suite": SUITE, "passed": True, "rows_judged": 2}]


def test_a_second_release_touches_only_what_differs(warehouse: Warehouse) -> None:
    build(warehouse, "v1", TWO)
    publish(warehouse, passing())
    build(
        warehouse,
        "v2",
        "delete from core.dim_customers where customer_id = 'a'",
        "update core.dim_customers set amount = 20 where customer_id = 'b'",
        "insert into core.dim_customers values ('c', 3), ('d', null)",
    )
    result = publish(warehouse, passing(3))
    assert result.release_number == 2
    assert (result.changed["dim_customers"], result.removed["dim_customers"]) == (3, 2)
    with warehouse.reader() as session:
        rows = session.rows("select customer_id, amount from released.dim_customers order by 1")
    assert [(row["customer_id"], row["amount"]) for row in rows][1:] == [("c", 3), ("d", None)]
    assert result.changed["fct_orders"] == 0


def test_releasing_a_version_again_uses_up_what_no_core_table_needed(warehouse: Warehouse) -> None:
    build(warehouse, "v1", TWO)
    consumed: list[int] = []
    first = publish(warehouse, passing(), consumed)
    second = publish(warehouse, passing(), consumed)
    assert (first.repeated, second.repeated) == (False, True)
    assert second.release_number == first.release_number
    assert consumed == [1, 1]


def test_a_build_of_an_earlier_candidate_is_neither_released_nor_used_up(
    warehouse: Warehouse,
) -> None:
    build(warehouse, "v1", TWO)
    publish(warehouse, passing())
    for version in ("v1", "v2"):
        build(warehouse, version)
        with warehouse.writer("reopen") as session:
            session.execute("update scope.state set candidate_id = 'of ' || :v", {"v": version})
        consumed: list[int] = []
        with pytest.raises(BlockedError, match="staging is not done") as held:
            publish(warehouse, passing(), consumed)
        assert "newer refresh" in held.value.next_step
        assert consumed == []


@pytest.mark.parametrize("step", progress.STEPS)
def test_each_step_must_be_done_for_the_candidate(warehouse: Warehouse, step: str) -> None:
    build(warehouse, "v1", TWO)
    with warehouse.writer("begin again") as session:
        progress.begin(session, step, ())
    with pytest.raises(BlockedError, match=f"{step} is not done"):
        publish(warehouse, passing())


def test_a_version_that_the_steps_did_not_end_with_is_refused(warehouse: Warehouse) -> None:
    build(warehouse, "v1", TWO)
    with warehouse.writer("other build") as session:
        progress.finish(session, progress.CORE, "v0")
    with pytest.raises(BlockedError, match="as another version"):
        publish(warehouse, passing())


def test_journeys_have_a_version_while_they_are_built_from_the_newest_release(
    warehouse: Warehouse,
) -> None:
    def version_after(*parts: str) -> str | None:
        with warehouse.writer("journeys") as session:
            progress.begin(session, progress.JOURNEYS, parts)
            if progress.add_parts(session, progress.JOURNEYS, parts, ["a", "b"]):
                progress.finish(session, progress.JOURNEYS, "p" + "".join(parts))
            return payload_version(session)

    build(warehouse, "v1", TWO)
    publish(warehouse, passing())
    assert (version_after("a"), version_after("b")) == (None, "pb")
    build(warehouse, "v2")
    publish(warehouse, passing())
    with warehouse.reader() as session:
        assert payload_version(session) is None
    assert (version_after("a"), version_after("a", "b")) == (None, "pab")


@pytest.mark.parametrize(
    ("verdicts", "says"),
    [
        (lambda version: {}, "no verdict"),
        (passing(passed=False), "a customer is one row"),
        (lambda version: passing()("v0"), "another version"),
        (passing(rows=5), "judged 5 rows"),
        (lambda version: {SUITE: Verdict(SUITE, version, "c", True, expected=3)}, "0 of 3"),
        (lambda version: {SUITE: Verdict(SUITE, version, "c", True)}, "0 of 0"),
    ],
)
def test_without_a_sound_pass_nothing_is_released(
    warehouse: Warehouse, verdicts: Callable[[str], dict[str, Verdict]], says: str
) -> None:
    build(warehouse, "v1", TWO)
    with pytest.raises(BlockedError, match=says) as held:
        publish(warehouse, verdicts)
    assert SUITE in held.value.message
    assert held.value.next_step
    with warehouse.reader() as session:
        assert last_release(session) is None


def test_a_model_rebuilt_after_its_verdict_is_held(warehouse: Warehouse) -> None:
    build(warehouse, "v1", TWO)
    judged = passing()("v1")
    build(warehouse, "v2", "update core.dim_customers set amount = -1")
    with pytest.raises(BlockedError, match="another version"):
        publish(warehouse, lambda version: judged)


def test_no_finished_build_and_no_required_suite_are_refused(warehouse: Warehouse) -> None:
    with pytest.raises(BlockedError, match="no finished build"):
        publish(warehouse, passing())
    build(warehouse, "v1", TWO)
    with pytest.raises(BlockedError, match="without a required suite"):
        release(warehouse, [], passing(), lambda session, number: None)


def test_a_release_that_fails_half_way_leaves_the_earlier_one(warehouse: Warehouse) -> None:
    build(warehouse, "v1", TWO)
    publish(warehouse, passing())
    build(warehouse, "v2", "update core.dim_customers set amount = 9")

    def killed(session: Session, number: int) -> None:
        raise RuntimeError("the process is gone")

    with pytest.raises(RuntimeError):
        release(warehouse, [SUITE], passing(), killed)
    assert customers(warehouse) == {"a": 1, "b": 2}
    assert publish(warehouse, passing()).release_number == 2
    assert customers(warehouse) == {"a": 9, "b": 9}


def test_empty_released_tables_exist_before_the_first_release(warehouse: Warehouse) -> None:
    with warehouse.writer("prepare") as session:
        ensure_released_tables(session)
        ensure_released_tables(session)
    with warehouse.reader() as session:
        assert all(session.table_exists("released", table) for table in RELEASED_TABLES)
        assert last_release(session) is None
