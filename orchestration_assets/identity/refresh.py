"""One run of the identity step: from person records to customers, as small as the change allows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
import structlog

from orchestration_assets.identity import tables
from orchestration_assets.identity.clusters import Clusters, cluster
from orchestration_assets.identity.keys import match_keys
from orchestration_assets.identity.links import find_links
from orchestration_assets.identity.normalise import normalised
from orchestration_assets.warehouse import progress
from orchestration_assets.warehouse.engine import Warehouse
from orchestration_assets.warehouse.scope import create_scope_tables, extend_with_customers
from orchestration_assets.warehouse.session import Session

Assignment = Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class IdentityResult:
    """What one run did.

    Attributes:
        records: person records of the warehouse.
        customers: customers of the warehouse.
        resolved: records that were compared in this run.
        new: customers that did not exist before.
        merged: customers that ended because their records joined another one.
        split: customers of before whose records now belong to several.
        shared_identifiers: keys of the warehouse that do not link on their own.
        taken_apart: clusters of this run that were cut down as too big or contradictory.
        touched: customers added to the scope.
    """

    records: int
    customers: int
    resolved: int
    new: int
    merged: int
    split: int
    shared_identifiers: int
    taken_apart: int
    touched: int


def refresh(warehouse: Warehouse, default_region: str, *, full: bool = False) -> IdentityResult:
    """Resolve the records in scope, and everybody on the first run.

    All of it is one transaction: assignments, history, the touched customers of the scope, and that
    the step is done for the candidate in scope.

    Args:
        warehouse: it must hold the model `int_person_records_unioned` and an open scope.
        default_region: ISO country for phone numbers of records that name no country.
        full: resolve everybody anew; the result is the same, ids included.

    Raises:
        RetriableError: the writer lock did not come in time.
    """
    with warehouse.writer("resolve identities") as session:
        create_scope_tables(session)
        tables.create_tables(session)
        everybody = full or not session.scalar("select count(*) from identity.record_keys")
        if everybody:
            people, keys, counts = _everybody(session, default_region)
            changed = _records(people)
        else:
            people, keys, counts = _affected(session, default_region)
            changed = tables.changed_records(session)
        before = tables.assignments(session, everybody=everybody)
        links = find_links(people, keys, counts)
        clusters = cluster(people, links.links)
        after = dict(zip(_records(people), clusters.customer_ids, strict=True))
        tables.store(
            session, _customer_records(people, clusters), _dated(links.shared), everybody=everybody
        )
        _write_history(session, before, after)
        moved = [key for key in {*before, *after} if before.get(key) != after.get(key)]
        tables.take_activity_along(session, sorted(moved))
        touched = _touched(before, after, changed) | tables.customers_of_activity(session)
        added = extend_with_customers(session, touched)
        progress.begin(session, progress.IDENTITY, ())
        progress.finish(session, progress.IDENTITY, "")
        result = _result(session, before, after, clusters, added)
    structlog.get_logger(__name__).info("identity_refreshed", everybody=everybody, new=result.new)
    return result


def _everybody(session: Session, region: str) -> tuple[pa.Table, pa.Table, pa.Table]:
    people = normalised(tables.everybody(session), region)
    keys = match_keys(people)
    session.replace("identity", "record_keys", tables.stored_keys(keys))
    counts = keys.group_by("key_hash").aggregate([("position", "count")])
    return people, keys, counts.rename_columns(["key_hash", "records"])


def _affected(session: Session, region: str) -> tuple[pa.Table, pa.Table, pa.Table]:
    changed = normalised(tables.open_work(session), region)
    tables.replace_keys(session, match_keys(changed))
    people = normalised(tables.affected(session), region)
    return people, match_keys(people), tables.key_counts(session)


def _records(people: pa.Table) -> list[tuple[str, str]]:
    return list(zip(people["system"].to_pylist(), people["record_id"].to_pylist(), strict=True))


def _customer_records(people: pa.Table, clusters: Clusters) -> pa.Table:
    return pa.table(
        {
            "customer_id": pa.array(clusters.customer_ids, pa.string()),
            "system": people["system"],
            "record_id": people["record_id"],
            "email": people["email"],
            "phone_e164": pc.coalesce(people["phone"], people["other_phone"]),
            "first_loaded_at": people["first_loaded_at"],
            "linked_by": pa.array(clusters.linked_by, pa.string()),
        }
    )


def _dated(shared: pa.Table) -> pa.Table:
    now = pa.array([datetime.now(UTC)] * shared.num_rows, tables.UTC)
    return shared.append_column("found_at", now)


def _write_history(session: Session, before: Assignment, after: Assignment) -> None:
    now = datetime.now(UTC)
    moved = [
        {
            "system": record[0],
            "record_id": record[1],
            "customer_id_before": customer,
            "customer_id_after": after.get(record),
            "changed_at": now,
        }
        for record, customer in before.items()
        if after.get(record) != customer
    ]
    schema = tables.TABLES["history"]
    session.append("identity", "history", pa.Table.from_pylist(moved, schema=schema))


def _touched(before: Assignment, after: Assignment, changed: Iterable[tuple[str, str]]) -> set[str]:
    """Customers of changed records, and both customers of every record that moved."""
    touched = set()
    for record in {*before, *after}:
        was, now = before.get(record), after.get(record)
        if was != now:
            touched |= {was, now}
    for record in changed:
        touched |= {before.get(record), after.get(record)}
    return {customer for customer in touched if customer}


def _result(
    session: Session, before: Assignment, after: Assignment, clusters: Clusters, added: int
) -> IdentityResult:
    old, new = set(before.values()), set(after.values())
    heirs: dict[str, set[str]] = {}
    for record, customer in before.items():
        if record in after:
            heirs.setdefault(customer, set()).add(after[record])
    count = "select count(*) from identity."
    return IdentityResult(
        records=session.scalar(count + "customer_records"),
        customers=session.scalar(
            "select count(distinct customer_id) from identity.customer_records"
        ),
        resolved=len(after),
        new=len(new - old),
        merged=len([customer for customer in old - new if customer in heirs]),
        split=len([customer for customer, found in heirs.items() if len(found) > 1]),
        shared_identifiers=session.scalar(count + "shared_identifiers"),
        taken_apart=clusters.taken_apart,
        touched=added,
    )
