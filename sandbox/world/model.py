"""The world that every vendor server serves: tables of flat documents, in memory.

A document is a dict. Besides its own fields it always has `created_at` and `updated_at` (aware
UTC datetimes), `archived_at` (None while it lives; a deleted Shopify record is an archived document
that its server no longer shows) and, where the record is a person, `person_id`: the truth, which no
server ever shows. Times that a vendor names differently but that mean the same are not stored
twice: Klaviyo's `created` and `updated` and HubSpot's `lastmodifieddate` and `hs_lastmodifieddate`
are `created_at` and `updated_at`. Other times are aware UTC datetimes, money is text with two
decimals, lists and objects are Python lists and dicts. A malformed value is text that does not
parse.

Everything runs in one thread. Change documents only through `upsert` and `archive`, never in place:
the indexes follow those two calls.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sandbox.world.ids import IdSequence

Document = dict[str, Any]

TABLES = (
    "hubspot.contacts",
    "hubspot.companies",
    "hubspot.deals",
    "hubspot.tickets",
    "hubspot.feedback_submissions",
    "shopify.customers",
    "shopify.orders",
    "shopify.products",
    "shopify.abandoned_checkouts",
    "shopify.subscription_contracts",
    "klaviyo.profiles",
    "klaviyo.campaigns",
    "klaviyo.events",
    "klaviyo.lists",
    "klaviyo.metrics",
    "klaviyo.list_members",
)
PEOPLE_TABLES = ("hubspot.contacts", "shopify.customers", "klaviyo.profiles")


class Change(NamedTuple):
    """One document that changed; `before` is empty where it is new."""

    table: str
    record_id: str
    before: Document
    after: Document


def normalise(value: object) -> str:
    """Form under which `find` compares: no outer blanks, no case."""
    return str(value).strip().casefold()


def _id_order(record_id: str) -> tuple[int, str]:
    return len(record_id), record_id


class World:
    """All tables, their time and change indexes, and the clock of the sandbox.

    Args:
        now: time at which the world was generated; the clock goes on from there. None: real time.
        seed: seed that it was generated from.
        customers: number of people it was generated for.
        noise: factor on all error rates (0 none, 1 as measured in the field, 2 twice that).
    """

    def __init__(
        self, now: datetime | None = None, seed: int = 0, customers: int = 0, noise: float = 1.0
    ) -> None:
        real = datetime.now(UTC)
        self.now: datetime = now or real.replace(second=0, microsecond=0)
        self._offset = (now - real) if now else timedelta(0)
        self.seed, self.customers, self.noise = seed, customers, noise
        self.tables: dict[str, dict[str, Document]] = {table: {} for table in TABLES}
        self.mutations = 0
        self.listeners: list[Callable[[Change], None]] = []
        self.remembered: dict[tuple[str, str], Document] = {}
        self.lost: dict[str, dict[str, Document]] = {}
        self._sequence = IdSequence(seed)
        self._last_tick = self.now
        self._changes: dict[str, list[tuple[datetime, str]]] = {}
        self._ids: dict[str, list[str]] = {}
        self._lookups: dict[tuple[str, str], dict[str, list[str]]] = {}

    def clock(self) -> datetime:
        """Current time of the world, to the millisecond; it never goes back."""
        tick = datetime.now(UTC) + self._offset
        tick = tick.replace(microsecond=tick.microsecond // 1000 * 1000)
        self._last_tick = max(self._last_tick, tick)
        return self._last_tick

    def next_id(self, system: str) -> str:
        """A new identifier in the form of the system: digits, or 26 characters for Klaviyo."""
        return self._sequence.next(system)

    def next_ids(self, system: str, count: int) -> list[str]:
        """`count` new identifiers, in rising order."""
        return self._sequence.many(system, count)

    def upsert(
        self, table: str, record_id: str, changes: Mapping[str, Any], at: datetime | None = None
    ) -> Document:
        """Merge `changes` into the document (made where missing) and move `updated_at`.

        Args:
            table: one of `TABLES`.
            record_id: the vendor's identifier.
            changes: fields to set; fields left out keep their value.
            at: the new `updated_at`; the clock where None.
        """
        moment = at or self.clock()
        rows = self.tables[table]
        document = rows.get(record_id)
        is_new = document is None
        if document is None:
            document = {"created_at": moment, "archived_at": None, "person_id": None}
            rows[record_id] = document
        previous = {} if is_new else document.copy()
        document.update(changes)
        document["updated_at"] = moment
        self._follow(table, record_id, previous, document, is_new)
        for listener in self.listeners:
            listener(Change(table, record_id, previous, document))
        return document

    def replace(self, table: str, documents: dict[str, Document]) -> None:
        """Let the table hold exactly these documents, as if the others had never been."""
        self.tables[table] = documents
        self._changes.pop(table, None)
        self._ids.pop(table, None)
        for key in [key for key in self._lookups if key[0] == table]:
            del self._lookups[key]

    def archive(self, table: str, record_id: str, at: datetime | None = None) -> None:
        """Mark the document as archived (deleted, in Shopify's words)."""
        moment = at or self.clock()
        self.upsert(table, record_id, {"archived_at": moment}, at=moment)

    def live(self, table: str) -> Iterable[tuple[str, Document]]:
        """Pairs of id and document that are not archived, in no promised order."""
        return (item for item in self.tables[table].items() if item[1]["archived_at"] is None)

    def changed_since(
        self, table: str, since: datetime | None, until: datetime | None = None
    ) -> list[tuple[str, Document]]:
        """Documents with `since <= updated_at <= until` in order of (updated_at, id).

        Archived ones are included; servers leave them out where the vendor does.
        """
        entries = self._change_index(table)
        start = 0 if since is None else bisect_left(entries, (since, ""))
        stop = len(entries) if until is None else bisect_right(entries, (until, "\U0010ffff"))
        rows = self.tables[table]
        return [
            (record_id, rows[record_id])
            for at, record_id in entries[start:stop]
            if rows[record_id]["updated_at"] == at
        ]

    def page_by_id(
        self, table: str, after: str | None, limit: int, *, archived: bool = False
    ) -> list[tuple[str, Document]]:
        """The next documents in order of identifier, `after` excluded."""
        ids = self.sorted_ids(table)
        start = 0 if after is None else bisect_right(ids, _id_order(after), key=_id_order)
        rows, page = self.tables[table], []
        for position in range(start, len(ids)):
            document = rows[ids[position]]
            if (document["archived_at"] is not None) is archived:
                page.append((ids[position], document))
                if len(page) == limit:
                    break
        return page

    def sorted_ids(self, table: str) -> list[str]:
        """All identifiers of the table, archived ones included, shorter ones first."""
        ids = self._ids.get(table)
        if ids is None or len(ids) != len(self.tables[table]):
            ids = self._ids[table] = sorted(self.tables[table], key=_id_order)
        return ids

    def find(self, table: str, field: str, value: object) -> list[str]:
        """Identifiers of the living documents whose field equals the value, oldest first.

        Outer blanks and case do not count. Values in lists and objects are not looked into.
        """
        lookup = self._lookup(table, field)
        rows = self.tables[table]
        ids = lookup.get(normalise(value), [])
        return [record_id for record_id in ids if rows[record_id]["archived_at"] is None]

    def truth(self) -> Iterable[tuple[str, str, str]]:
        """Rows of (system, record id, person id) for every record that is a person."""
        for table in PEOPLE_TABLES:
            for record_id, document in self.tables[table].items():
                if document["person_id"] is not None:
                    yield table.partition(".")[0], record_id, document["person_id"]

    def _lookup(self, table: str, field: str) -> dict[str, list[str]]:
        lookup = self._lookups.get((table, field))
        if lookup is None:
            lookup = self._lookups[table, field] = {}
            for record_id in self.sorted_ids(table):
                value = self.tables[table][record_id].get(field)
                if value is not None:
                    lookup.setdefault(normalise(value), []).append(record_id)
        return lookup

    def _change_index(self, table: str) -> list[tuple[datetime, str]]:
        entries = self._changes.get(table)
        rows = self.tables[table]
        if entries is None or len(entries) > 2 * len(rows) + 1000:
            entries = sorted((document["updated_at"], key) for key, document in rows.items())
            self._changes[table] = entries
        return entries

    def _follow(
        self, table: str, record_id: str, before: Document, after: Document, is_new: bool
    ) -> None:
        """Keep the indexes in step; stale change entries are skipped when read."""
        entries = self._changes.get(table)
        entry = (after["updated_at"], record_id)
        if entries is not None and before.get("updated_at") != after["updated_at"]:
            if entries and entry < entries[-1]:
                entries.insert(bisect_left(entries, entry), entry)
            else:
                entries.append(entry)
        ids = self._ids.get(table)
        if ids is not None and is_new:
            if ids and _id_order(record_id) < _id_order(ids[-1]):
                del self._ids[table]
            else:
                ids.append(record_id)
        for (name, field), lookup in self._lookups.items():
            if name == table and before.get(field) != after.get(field):
                if before.get(field) is not None:
                    lookup[normalise(before[field])].remove(record_id)
                if after.get(field) is not None:
                    lookup.setdefault(normalise(after[field]), []).append(record_id)
