"""What arrives broken is held, everything else goes on, and a source made whole lets it go."""

import os
import shutil
from pathlib import Path
from unittest import mock

import pytest

from orchestration_assets.errors import FatalError
from orchestration_assets.stages.held_loads import accept_held, discard_held
from orchestration_assets.state.verdicts import newest_verdicts
from orchestration_assets.warehouse.scope import open_scope, unconsumed_loads
from quality.suites import landing
from tests.support.held_world import HeldWorld, company

KEY = "landing/hubspot.companies"


@pytest.fixture(scope="module")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a world that was filled."""
    home = tmp_path_factory.mktemp("filled")
    with mock.patch.dict(os.environ, {"ACCORD_HOME": str(home)}):
        fill(HeldWorld())
    return home


@pytest.fixture
def world(filled_home: Path) -> HeldWorld:
    """A hundred companies and two deals that a release took in."""
    shutil.copytree(filled_home, os.environ["ACCORD_HOME"], dirs_exist_ok=True)
    world = HeldWorld()
    put_all(world)
    return world


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> HeldWorld:
    """The same on each engine."""
    if request.param == "duckdb":
        return request.getfixturevalue("world")
    monkeypatch.setenv("ACCORD_WAREHOUSE_URL", request.getfixturevalue("postgres_url"))
    world = HeldWorld()
    fill(world)
    return world


def put_all(world: HeldWorld) -> None:
    world.vendors["companies"].put(*[company(number) for number in range(100)])
    world.vendors["deals"].put(company(1), company(2))


def fill(world: HeldWorld) -> None:
    put_all(world)
    world.land()
    world.land("deals")
    assert world.refresh() == {"hubspot.companies": 100, "hubspot.deals": 2}


def other_news(world: HeldWorld) -> dict[str, int]:
    """Something sound lands of another stream; what a scope then holds."""
    world.vendors["deals"].put(company(3, hours_ago=1))
    world.land("deals")
    return world.scope()


def test_a_source_that_came_back_empty_deletes_nothing_until_it_is_whole_again(either: HeldWorld):
    vendor = either.vendors["companies"]
    everything = dict(vendor.now)
    vendor.now.clear()
    assert either.land(full=True).rows_deleted == 100

    assert other_news(either) == {"hubspot.deals": 1}
    assert len(either.living()) == 100
    incident = either.incidents()[KEY]
    assert incident["body"]["owner"] == "crm"
    assert incident["body"]["rows"] == 100
    assert "suddenly empty" in str(incident["body"]["details"])
    assert "dim_accounts" in str(incident["body"]["details"])
    assert "accord quarantine release load hubspot.companies" in incident["body"]["next_step"]

    vendor.now |= everything
    assert either.land(full=True).rows_landed == 0
    assert "hubspot.companies" not in either.scope()
    assert (len(either.living()), either.incidents()) == (100, {})


def test_a_source_that_lost_nine_in_ten_records_deletes_none_of_them(world: HeldWorld):
    vendor = world.vendors["companies"]
    everything = dict(vendor.now)
    vendor.forget(*range(10, 100))
    vendor.put(company(5, hours_ago=1, city="Paris"))
    world.land(full=True)

    assert other_news(world) == {"hubspot.deals": 1}
    assert (len(world.living()), list(world.incidents())) == (100, [KEY])
    assert "living records: at most 25 within a day" in world.held()[0]["rule"]

    vendor.now |= {**everything, "5": vendor.now["5"]}
    assert world.land(full=True).rows_landed == 1
    assert world.scope()["hubspot.companies"] == 1
    assert (len(world.living()), world.incidents(), world.held()) == (100, {}, [])


def test_a_few_deletions_pass_and_many_small_ones_of_a_day_do_not(either: HeldWorld):
    vendor = either.vendors["companies"]
    for number in range(3):
        ids = range(number * 10, number * 10 + 10)
        gone = [{"id": str(n), "updatedAt": company(1)["updatedAt"]} for n in ids]
        vendor.put(*gone, deleted=True)
        either.land()
        either.refresh()

    assert either.statuses()[-3:] == ["passed", "passed", "held"]
    assert len(either.living()) == 80


def test_twice_the_records_under_new_names_are_held_until_a_person_accepts(either: HeldWorld):
    either.vendors["companies"].put(*[company(1000 + n, hours_ago=1) for n in range(200)])
    either.land()

    assert other_news(either) == {"hubspot.deals": 1}
    assert "new at once than before: at most 100" in either.held()[0]["rule"]
    assert [one.partition(":")[0] for one in unconsumed_loads(either.deployment.warehouse)] == [
        "hubspot.deals"
    ]
    with pytest.raises(FatalError, match="reason"):
        accept_held(either.deployment, "hubspot", "companies", reason=" ", by="ann")
    accept_held(either.deployment, "hubspot", "companies", reason="we bought a firm", by="ann")

    assert either.incidents() == {}
    assert either.scope()["hubspot.companies"] == 200
    accepted = either.rows("select * from landing.readings where status = 'accepted'")[0]
    assert (accepted["reason"], accepted["decided_by"]) == ("we bought a firm", "ann")
    assert "new at once" in accepted["rule"]


def test_what_a_person_discards_never_counts_and_comes_again_with_a_full_reading(world: HeldWorld):
    vendor = world.vendors["companies"]
    vendor.put(*[company(1000 + n, hours_ago=1) for n in range(200)])
    world.land()
    world.scope()
    discard_held(world.deployment, "hubspot", "companies", reason="a test import", by="ann")

    assert world.scope() == {}
    assert (len(world.living()), world.incidents()) == (100, {})
    vendor.forget(*range(1000, 1199))
    world.land(full=True)
    assert world.scope() == {"hubspot.companies": 1}


def test_changed_types_hold_the_load_and_a_corrected_source_lets_it_go(either: HeldWorld):
    vendor = either.vendors["companies"]
    wrong = [company(n, hours_ago=2, city="Nice", numberofemployees="many") for n in range(40)]
    vendor.put(*wrong, *[company(n, hours_ago=2, city="Nice") for n in range(40, 60)])
    either.land()

    assert other_news(either) == {"hubspot.deals": 1}
    assert either.held()[0]["rows"] == 20
    assert "40 do" in either.held()[0]["rule"]
    vendor.put(*[company(n, hours_ago=1, city="Nice") for n in range(40)])
    either.land()
    assert either.scope()["hubspot.companies"] == 60
    assert either.incidents() == {}


def test_a_reading_of_which_every_record_is_rejected_is_told_of(world: HeldWorld):
    vendor = world.vendors["companies"]
    vendor.put(*[company(n, hours_ago=2, numberofemployees="many") for n in range(40)])
    assert world.land().rows_landed == 0

    assert unconsumed_loads(world.deployment.warehouse)
    assert world.scope() == {}
    assert list(world.incidents()) == [KEY]
    vendor.put(*[company(n, hours_ago=1, city="Nice") for n in range(40)])
    world.land()
    assert world.scope() == {"hubspot.companies": 40}
    assert world.incidents() == {}


def test_a_few_rejected_records_hold_nothing(world: HeldWorld):
    wrong = [company(n, hours_ago=2, numberofemployees="many") for n in range(5)]
    world.vendors["companies"].put(*wrong, company(50, hours_ago=2, city="Nice"))
    world.land()
    assert world.scope() == {"hubspot.companies": 1}


def test_rejections_that_trickle_in_are_judged_together(world: HeldWorld):
    for number in range(3):
        ids, ago = range(number * 4, number * 4 + 4), 2 - number / 10
        wrong = [company(n, hours_ago=ago, numberofemployees="many") for n in ids]
        world.vendors["companies"].put(*wrong, company(50 + number, hours_ago=ago, city="Nice"))
        world.land()
        world.scope()
    assert world.statuses()[-3:] == ["passed", "passed", "held"]
    assert list(world.incidents()) == [KEY]


def test_a_column_that_comes_empty_is_held_and_corrections_replace_it(either: HeldWorld):
    vendor = either.vendors["companies"]
    vendor.put(*[company(n, hours_ago=2, city="") for n in range(60)])
    either.land()
    assert either.scope() == {}
    assert "70% of many records fill in city" in either.held()[0]["rule"]
    vendor.put(*[company(n, hours_ago=1, city="Nice") for n in range(60)])
    either.land()
    assert either.scope() == {"hubspot.companies": 60}
    assert (either.statuses()[-2:], either.incidents()) == (["obsolete", "passed"], {})


def test_changes_from_the_future_and_from_an_old_state_are_held(world: HeldWorld):
    vendor = world.vendors["companies"]
    vendor.put(company(1, hours_ago=-48, city="Nice"))
    world.land()
    assert world.scope() == {}
    assert "in the future" in world.held()[0]["rule"]
    vendor.put(*[company(n, hours_ago=500, city="Nice") for n in range(50)])
    world.land()
    assert world.scope() == {}
    assert "set back" in world.held()[1]["rule"]


def test_one_bad_reading_among_several_is_found_and_the_others_pass(world: HeldWorld):
    vendor = world.vendors["companies"]
    for changed in (company(1, hours_ago=3, city="Nice"), company(2, hours_ago=-90)):
        vendor.put(changed)
        world.land()
    vendor.put(company(3, hours_ago=1, city="Nice"))
    world.land()
    assert world.scope() == {"hubspot.companies": 2}
    assert world.statuses()[-3:] == ["passed", "held", "passed"]


def test_what_was_not_judged_is_in_no_scope(world: HeldWorld):
    world.vendors["companies"].put(company(1, hours_ago=1, city="Nice"))
    world.land()
    assert open_scope(world.deployment.warehouse).is_empty
    assert len(world.living()) == 100
    assert world.scope() == {"hubspot.companies": 1}


def test_a_suite_that_cannot_be_judged_lets_nothing_through_and_says_so(
    world: HeldWorld, monkeypatch: pytest.MonkeyPatch
):
    world.vendors["companies"].put(company(1, hours_ago=1, city="Nice"))
    world.land()
    with monkeypatch.context() as broken:
        rule = landing.no_rows("select nowhere from {batch}", "this is asked in vain")
        broken.setattr(landing, "present", lambda *_: rule)
        assert world.scope() == {}
    assert "not judged" in world.incidents()[KEY]["title"]
    assert unconsumed_loads(world.deployment.warehouse)
    assert world.scope() == {"hubspot.companies": 1}
    assert world.incidents() == {}


def test_a_verdict_is_kept_for_exactly_the_loads_that_were_judged(world: HeldWorld):
    world.vendors["companies"].put(company(1, hours_ago=1, city="Nice"))
    world.land()
    world.scope()
    newest = world.rows("select verdict from landing.readings order by started_at desc limit 1")
    verdict = newest_verdicts(world.deployment.state, newest[0]["verdict"])
    judged = verdict["arrived_whole"]
    assert (judged.passed, judged.rows, judged.evaluated) == (True, 1, judged.expected)


def test_single_records_that_were_fetched_pass_and_are_taken_in(either: HeldWorld):
    vendor = either.vendors["companies"]
    vendor.put(company(5, hours_ago=1, city="Paris"), company(100, hours_ago=1))
    vendor.forget(6)
    either.fetch("5", "6", "100", "7")

    assert either.scope() == {"hubspot.companies": 3}
    assert either.statuses()[-1] == "passed"
    assert either.living() == {str(number) for number in range(101)} - {"6"}
    either.land()
    assert either.scope() == {"hubspot.companies": 3}


def test_a_source_that_knows_nobody_any_more_deletes_nothing_by_being_asked(world: HeldWorld):
    world.vendors["companies"].now.clear()
    world.fetch(*map(str, range(40)))

    assert other_news(world) == {"hubspot.deals": 1}
    assert (len(world.living()), list(world.incidents())) == (100, [KEY])


def test_no_history_begins_with_a_record_that_was_fetched():
    world = HeldWorld()
    world.vendors["companies"].put(*[company(number) for number in range(400)])
    world.fetch("1", "2")
    assert world.refresh() == {"hubspot.companies": 2}

    assert world.land().rows_landed == 398
    assert world.refresh() == {"hubspot.companies": 398}
    assert (world.statuses(), world.incidents()) == (["passed", "passed"], {})
