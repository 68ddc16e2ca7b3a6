"""The identity step over changes: in parts as over everybody, decisions, guards, history."""

import random

import pytest

from orchestration_assets.identity.clusters import customer_id
from orchestration_assets.identity.decisions import APART, TOGETHER, make_decision
from orchestration_assets.identity.keys import MOST_RECORDS_OF_A_BLOCK, MOST_RECORDS_OF_A_KEY
from tests.unit.identity.people_world import PeopleWorld

LYON = {"city": "Lyon", "postal_code": "69003"}
FIRST = ("Ann", "Paul", "Sandra", "Louis", "Zoe")
LAST = ("Lee", "Roth", "Vernay")


def person(record_id: str, first: str | None, last: str | None, **more: str | None) -> dict:
    return {"record_id": record_id, "first_name": first, "last_name": last} | more


def crowd(dice: random.Random, ids: range) -> list[dict]:
    """People who share names, homes, addresses and numbers more than any real ones do."""
    return [
        person(
            f"r{number}",
            dice.choice((*FIRST, None)),
            dice.choice(LAST),
            email=dice.choice((None, f"m{dice.randrange(25)}@x.org", "info@x.org")),
            phone=dice.choice((None, f"06401122{dice.randrange(12):02d}")),
            address=dice.choice((None, f"{dice.randrange(6)} rue des Lilas")),
            **dice.choice((LYON, {})),
        )
        for number in ids
    ]


@pytest.mark.parametrize("seed", [1, 2])
def test_steps_end_where_a_run_over_everybody_does(duck: PeopleWorld, seed: int) -> None:
    dice = random.Random(seed)
    duck.put(crowd(dice, range(60)))
    duck.resolve()
    for step in range(3):
        known = [int(name.rpartition("r")[2]) for name in duck.customers()]
        gone = dice.sample(known, 4)
        duck.remove([("crm", f"r{number}") for number in gone])
        changed = dice.sample([number for number in known if number not in gone], 6)
        added = range(60 + 10 * step, 70 + 10 * step)
        duck.put(crowd(dice, added) + [crowd(dice, range(n, n + 1))[0] for n in changed])
        counted = duck.resolve().customers
        stepwise = duck.state()
        assert duck.resolve(full=True).customers == counted
        assert duck.state() == stepwise, f"step {step}"
    assert stepwise["links"]
    assert stepwise["shared"]
    assert stepwise["review"]


def test_both_engines_resolve_alike(duck: PeopleWorld, postgres_url: str, tmp_path) -> None:
    other = PeopleWorld(postgres_url, tmp_path)
    for world in (duck, other):
        dice = random.Random(9)
        for ids in (range(50), range(50, 65), range(40, 50)):
            world.put(crowd(dice, ids))
            world.resolve()
    assert duck.state() == other.state()


def test_a_block_that_grows_past_its_limit_and_back_is_followed(duck: PeopleWorld) -> None:
    # Nothing but name and city: each on its own is in reach of all others by one block only.
    def neighbours(count: int) -> list[dict]:
        return [
            person(f"n{n}", "Zebulon", "Quistorp", email=f"z{n}@x.org", **LYON)
            for n in range(count)
        ]

    duck.put(neighbours(3))
    duck.resolve()
    assert len(duck.state()["links"]) == 3
    duck.put(neighbours(MOST_RECORDS_OF_A_BLOCK + 1)[3:])
    duck.resolve()
    assert duck.state()["links"] == []
    duck.remove([("crm", f"n{MOST_RECORDS_OF_A_BLOCK}")])
    duck.resolve()
    count = MOST_RECORDS_OF_A_BLOCK
    assert len(duck.state()["links"]) == count * (count - 1) // 2


def test_a_withdrawn_link_restores_the_ids_of_before(either: PeopleWorld) -> None:
    email, phone = {"email": "ann@x.org"}, {"phone": "0640112233"}
    either.put([person("a", "Ann", "Lee", **email)])
    either.put([person("b", "Ann", "Lee", **phone)])
    either.resolve()
    before = either.customers()
    assert len(set(before.values())) == 2
    either.put([person("c", "Ann", "Lee", **email, **phone)])
    either.resolve()
    assert set(either.customers().values()) == {before["crm:a"]}
    word = make_decision("d1", APART, ("crm", "b"), ("crm", "c"), "two cousins")
    result = either.resolve([word])
    after = either.customers()
    assert {name: after[name] for name in before} == before
    assert after["crm:c"] == before["crm:a"]
    assert result.split == 1
    moves = either.rows("select record_id, kind, reason from identity.history order by changed_at")
    assert moves == [
        {"record_id": "b", "kind": "merge", "reason": "linked by phone"},
        {"record_id": "b", "kind": "unlink", "reason": "two cousins"},
    ]
    either.resolve([word], full=True)
    assert either.customers() == after
    either.resolve([])
    assert set(either.customers().values()) == {before["crm:a"]}


def test_a_stewards_word_joins_what_nothing_else_does(either: PeopleWorld) -> None:
    either.put([person("a", "Ann", "Lee", email="a@x.org"), person("b", "Maria", "Diaz")])
    either.resolve()
    assert len(set(either.customers().values())) == 2
    word = make_decision("d1", TOGETHER, ("crm", "a"), ("crm", "b"), "she married")
    either.resolve([word])
    assert len(set(either.customers().values())) == 1
    assert (
        either.rows("select linked_by from identity.customer_records")
        == [{"linked_by": "steward"}] * 2
    )
    either.put([person("c", "Ann", "Lee", email="a@x.org")])
    either.resolve([word])
    assert len(set(either.customers().values())) == 1


def test_many_identifiers_on_one_person_merge_nobody_else(duck: PeopleWorld) -> None:
    duck.put([person("x", "Zoe", "Roth", email="zoe@x.org"), person("y", "Zoe", "Roth")])
    duck.resolve()
    before = duck.customers()
    duck.put(
        person(f"i{n}", "Ann", "Lee", phone="0640112233", email=f"ann{n}@x.org")
        for n in range(MOST_RECORDS_OF_A_KEY + 1)
    )
    duck.resolve()
    after = duck.customers()
    assert {name: after[name] for name in before} == before
    assert len(set(after.values())) == len(after)
    assert duck.rows("select reason, records from identity.shared_identifiers") == [
        {"reason": "too_many_records", "records": MOST_RECORDS_OF_A_KEY + 1}
    ]


def test_a_chain_is_quarantined_with_its_reason_and_heals(duck: PeopleWorld) -> None:
    def link(n: int) -> dict:
        return person(
            f"c{n}", "Ann", "Lee", email=f"a{n // 2}@x.org", phone=f"06401{(n + 1) // 2:05d}"
        )

    duck.put([link(n) for n in range(80)])
    result = duck.resolve()
    assert result.taken_apart == 1
    assert len(set(duck.customers().values())) == 80
    quarantined = duck.rows(
        "select reason, records, customer_id from identity.quarantined_clusters"
    )
    assert quarantined == [
        {"reason": "too_many_records", "records": 80, "customer_id": customer_id("crm", "c0")}
    ]
    duck.remove([("crm", f"c{n}") for n in range(3, 80)])
    duck.resolve()
    assert len(set(duck.customers().values())) == 1
    assert duck.rows("select * from identity.quarantined_clusters") == []


def test_other_weights_resolve_everybody_anew(duck: PeopleWorld) -> None:
    duck.put([person("a", "Ann", "Lee", email="a@x.org")])
    duck.resolve()
    with duck.warehouse.writer("as if made with others") as session:
        session.execute("update identity.settings set value = 'x' where name = 'weights'")
        session.execute("delete from identity.record_keys")
    assert duck.resolve().resolved == 1
    assert duck.rows("select count(*) as n from identity.record_keys") != [{"n": 0}]


@pytest.mark.parametrize("full", [False, True])
def test_the_last_record_leaves_too(duck: PeopleWorld, full: bool) -> None:
    duck.put([person("a", "Ann", "Lee", email="a@x.org")])
    duck.resolve()
    duck.remove([("crm", "a")])
    duck.resolve(full=full)
    assert duck.customers() == {}
    assert [row["kind"] for row in duck.rows("select kind from identity.history")] == ["erased"]
    assert duck.rows("select record_id from identity.moved_people") == [{"record_id": "a"}]
