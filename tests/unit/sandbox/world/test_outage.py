"""A system loses its records or has them twice, and is whole again afterwards."""

import copy

from sandbox.world.generate import generate
from sandbox.world.outage import double, lose, restore

TABLE = "hubspot.contacts"


def test_what_was_lost_is_not_served_and_comes_back_as_it_was():
    world = generate(200, 5)
    before = copy.deepcopy(world.tables[TABLE])
    assert len(lose(world, TABLE, 0.9).ids[TABLE]) > 0.8 * len(before)
    served = {key for key, _ in world.changed_since(TABLE, None)}
    assert served == set(world.sorted_ids(TABLE)) == set(world.tables[TABLE])
    restore(world)
    assert world.tables[TABLE] == before
    assert world.sorted_ids(TABLE) == sorted(before, key=int)


def test_twins_have_ids_of_their_own_and_go_again():
    world = generate(200, 5)
    before = copy.deepcopy(world.tables[TABLE])
    started = world.clock()
    made = double(world, TABLE).ids[TABLE]
    assert {key for key, _ in world.changed_since(TABLE, started)} == set(made)
    assert not before.keys() & set(made)
    restore(world)
    assert world.tables[TABLE] == before
