"""A system goes wrong as a whole: it loses its records, or has them twice; `restore` mends it."""

from sandbox.world.change import Changes
from sandbox.world.model import World

# Named so that `restore` finds them, whatever the form of the system's own identifiers.
TWIN_OF = "twin_of"


def lose(world: World, table: str, share: float) -> Changes:
    """Let a share of the living records vanish without a trace, the oldest ids first."""
    changes = Changes()
    living = {record_id for record_id, _ in world.live(table)}
    ids = [record_id for record_id in world.sorted_ids(table) if record_id in living]
    gone = set(ids[: round(len(ids) * share)])
    rows = world.tables[table]
    world.lost.setdefault(table, {}).update({key: rows[key] for key in gone})
    world.replace(table, {key: document for key, document in rows.items() if key not in gone})
    for record_id in gone:
        changes.note("lost", table, record_id)
    return changes


def double(world: World, table: str) -> Changes:
    """Give every living record a twin under a new id."""
    changes = Changes()
    system = table.partition(".")[0]
    for record_id, document in list(world.live(table)):
        twin = {**document, "person_id": None, TWIN_OF: record_id}
        twin_id = world.next_id(system)
        world.upsert(table, twin_id, twin)
        changes.note("doubled", table, twin_id)
    return changes


def restore(world: World) -> Changes:
    """Bring back what was lost, and take the twins away."""
    changes = Changes()
    for table, documents in world.lost.items():
        world.replace(table, {**documents, **world.tables[table]})
        for record_id in documents:
            changes.note("found", table, record_id)
    world.lost.clear()
    for table, rows in world.tables.items():
        twins = [record_id for record_id, document in rows.items() if TWIN_OF in document]
        if twins:
            world.replace(table, {key: rows[key] for key in rows.keys() - set(twins)})
        for record_id in twins:
            changes.note("twin_removed", table, record_id)
    return changes
