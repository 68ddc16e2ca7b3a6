"""What records that are no person's cost, and what they do to everybody else.

Into a warehouse of ordinary people come, one after the other: as many ordinary records as the first
case has, to compare with; one e-mail and postal address on 100,000 records; a chain of 10,000
records, each sharing one key with the next; 1,001 addresses on one phone. Each is one refresh.
Correct means: every case is reported under its reason, the chain is taken apart, people behind the
one address are told from each other by their names and phones, nobody who was there before has
another customer id, and a resolution of everybody ends in the same state.
"""

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks._alone import alone
from benchmarks._identity_people import SCHEMA, People, people
from benchmarks._identity_warehouse import PeopleWarehouse
from benchmarks._pair_quality import pair_quality
from benchmarks._peak_memory import PeakMemory

LEAST_PRECISION = 0.99
IDENTIFIERS = 1_001
_ADDRESS_SHARE, _CHAIN_SHARE = 0.5, 0.05
_ONE_ADDRESS = {"email": "till@mail.org"}
_ONE_HOUSE = {"address": "1 rue du Port", "city": "Port Neuf", "postal_code": "99000"}
_RECORD = ["system", "record_id"]
_CASES = ("ordinary", "address", "house", "chain", "identifiers")


@dataclass(frozen=True)
class Case:
    """One refresh.

    Attributes:
        records: how many came.
        seconds: what the refresh took.
        peak_mb: most memory of it.
        moved: records of before that went to another customer or are gone.
    """

    records: int
    seconds: float
    peak_mb: int | None
    moved: int


@dataclass(frozen=True)
class Outcome:
    """What all cases came to.

    Attributes:
        cases: by name.
        shared: (kind, reason) to the records of the largest shared identifier.
        quarantined: reason to the records of the largest cluster that was taken apart.
        largest: records of the largest customer of all.
        precision: of the people behind the one address, and of those in the one house.
        is_same: whether a full resolution ends in the same state.
    """

    cases: Mapping[str, Case]
    shared: Mapping[tuple[str, str], int]
    quarantined: Mapping[str, int]
    largest: int
    precision: Mapping[str, float]
    is_same: bool


def run(rows: int = 200_000) -> dict[str, Any]:
    """Measure each case.

    Args:
        rows: ordinary person records that are there before; half as many have the one address, as
            many live in the one house, and a twentieth are the chain.
    """
    with tempfile.TemporaryDirectory(prefix="accord-bench-") as folder:
        outcome = alone(_measure, Path(folder) / "people", rows)
    cases = outcome.cases
    return {
        "bench": "identity-pathology",
        "workload": {
            "records_before": rows,
            "records": {name: case.records for name, case in cases.items()},
            "measured": "identity.refresh in a warm process; staging is done before",
            "shared_identifiers": {
                f"{kind} {reason}": count for (kind, reason), count in outcome.shared.items()
            },
            "quarantined_clusters": dict(outcome.quarantined),
            "records_of_the_largest_customer": outcome.largest,
            "moved_of_before": {name: case.moved for name, case in cases.items()},
            "warehouse": "duckdb",
        },
        "correct": _is_correct(outcome),
        "figures": {f"seconds_{name}": round(case.seconds, 2) for name, case in cases.items()}
        | {
            f"peak_gib_{name}": None if case.peak_mb is None else round(case.peak_mb / 1024, 2)
            for name, case in cases.items()
        }
        | {f"precision_{name}": round(value, 5) for name, value in outcome.precision.items()},
        "ratios": {
            f"{name}_vs_ordinary": round(cases[name].seconds / cases["ordinary"].seconds, 2)
            for name in outcome.precision
        },
    }


def _is_correct(outcome: Outcome) -> bool:
    cases, reason = outcome.cases, "too_many_records"
    return (
        # Ordinary people may turn out to be known ones; no other case moves anybody.
        not any(cases[name].moved for name in _CASES[1:])
        and outcome.shared.get(("email", reason)) == cases["address"].records
        and outcome.shared.get(("phone", reason)) == cases["identifiers"].records
        and outcome.quarantined.get(reason) == cases["chain"].records
        and outcome.precision["address"] >= LEAST_PRECISION
        and outcome.is_same
    )


def _measure(folder: Path, rows: int) -> Outcome:
    warehouse = PeopleWarehouse(folder)
    warehouse.make()
    size = round(rows * _ADDRESS_SHARE)
    made = people(rows + size)
    warehouse.fill(made.records.slice(0, rows))
    warehouse.resolve()
    crowds = {
        "address": _alike(people(size, seed=2, first=10 * rows), _ONE_ADDRESS),
        "house": _alike(people(size, seed=3, first=15 * rows), _ONE_HOUSE),
    }
    landed = {
        "ordinary": made.records.slice(rows),
        **{name: crowd.records for name, crowd in crowds.items()},
        "chain": _chain(round(rows * _CHAIN_SHARE), first=20 * rows),
        "identifiers": _many_addresses(IDENTIFIERS, first=30 * rows),
    }
    cases = {name: _case(warehouse, records) for name, records in landed.items()}
    stepwise = warehouse.state()
    return Outcome(
        cases=cases,
        shared={
            (row["kind"], row["reason"]): int(row["records"])
            for row in warehouse.rows(
                "select kind, reason, max(records) as records from identity.shared_identifiers"
                " group by kind, reason"
            )
        },
        quarantined={
            row["reason"]: int(row["records"])
            for row in warehouse.rows(
                "select reason, max(records) as records from identity.quarantined_clusters"
                " group by reason"
            )
        },
        largest=_largest(warehouse),
        precision={name: _precision(warehouse, crowd) for name, crowd in crowds.items()},
        is_same=_resolved_anew(warehouse) == stepwise,
    )


def _case(warehouse: PeopleWarehouse, records: pa.Table) -> Case:
    warehouse.land(records)
    before = warehouse.customers()
    with PeakMemory() as memory:
        began = time.perf_counter()
        warehouse.resolve()
        seconds = time.perf_counter() - began
    after = warehouse.customers().rename_columns(["system", "record_id", "now", "component_now"])
    both = before.join(after, _RECORD)
    stayed = pc.fill_null(pc.equal(both["customer_id"], both["now"]), fill_value=False)
    return Case(
        records=records.num_rows,
        seconds=seconds,
        peak_mb=memory.peak_mb,
        moved=both.num_rows - int(pc.sum(stayed).as_py()),
    )


def _resolved_anew(warehouse: PeopleWarehouse) -> Mapping[str, tuple[int, int]]:
    warehouse.resolve(full=True)
    return warehouse.state()


def _largest(warehouse: PeopleWarehouse) -> int:
    found = warehouse.rows(
        "select max(records) as records from"
        " (select count(*) as records from identity.customer_records group by customer_id)"
    )
    return int(found[0]["records"])


def _precision(warehouse: PeopleWarehouse, crowd: People) -> float:
    truth = crowd.records.select(_RECORD).append_column("person", pa.array(crowd.person))
    customers = warehouse.customers().select([*_RECORD, "customer_id"])
    return pair_quality(truth, customers.rename_columns([*_RECORD, "customer"]), _RECORD).precision


def _alike(made: People, same: Mapping[str, str]) -> People:
    """The same people, all with these values."""
    records = made.records
    for name, value in same.items():
        column = pa.array([value] * records.num_rows, pa.string())
        records = records.set_column(records.schema.get_field_index(name), name, column)
    return People(records, made.person)


def _chain(count: int, first: int) -> pa.Table:
    """Records of one name, each with the e-mail of the one before or the phone of the next."""
    return _records(
        count,
        first,
        email=[f"link{number // 2}@mail.org" for number in range(count)],
        phone=[f"+3362{(number + 1) // 2:07d}" for number in range(count)],
        name=("Ann", "Chaine"),
    )


def _many_addresses(count: int, first: int) -> pa.Table:
    """Records of one person with one phone, each with an e-mail of its own."""
    return _records(
        count,
        first,
        email=[f"alias{number}@mail.org" for number in range(count)],
        phone=["+33630000000"] * count,
        name=("Ann", "Alias"),
    )


def _records(
    count: int, first: int, *, email: list[str], phone: list[str], name: tuple[str, str]
) -> pa.Table:
    blank = pa.nulls(count, pa.string())
    landed = people(count, first=first).records["landed_at"]
    return pa.table(
        {
            "system": ["hubspot"] * count,
            "record_id": [str(first + number) for number in range(count)],
            "email": email,
            "phone": phone,
            "first_name": [name[0]] * count,
            "last_name": [name[1]] * count,
            "address": blank,
            "city": blank,
            "postal_code": blank,
            "landed_at": landed,
        },
        schema=SCHEMA,
    )
