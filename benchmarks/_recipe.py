"""How the records of a stream are made: SQL over a record's number and its version.

Names in the expressions: `i` numbers the records of a stream, `c` is the customer it is about, `v`
its version (0 and 1 come with the first load, 2 with the change), `products` their number. `hash`
stands for chance, so the same numbers give the same records. A column of a contract that is not
named here is null, and a stream that is not named here is empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

AT = "timestamptz '2025-01-01 00:00:00+00' + to_seconds"
CREATED = f"{AT}(i % 15000000)"
CHANGED = f"{AT}(i % 15000000 + v * 864000)"
COUNTRIES = "['France', 'DE', 'germany', 'Italia', 'ES', 'Belgium', 'CH', 'nowhere'][c % 8 + 1]"
CODES = "['FR', 'DE', 'IT', 'ES', 'BE', 'CH', 'NL', 'GB'][c % 8 + 1]"
EMAIL = "'first' || c % 5003 || '.last' || c % 20011 || '.' || c || '@example.com'"
PHONE = "'+336' || lpad(cast(c % 100000000 as text), 8, '0')"
PERSON = {
    "city": "'City ' || (c + v) % 499",
    "zip": "lpad(cast((c + v) % 95000 as text), 5, '0')",
}
AMOUNT = "cast(1000 + hash(i) % 40000 as decimal(18, 2)) / 100"


@dataclass(frozen=True)
class Recipe:
    """How to make the records of one stream.

    Attributes:
        share: records for each customer.
        columns: column of the contract to its SQL; the rest is null.
        record_id: SQL of the vendor's identifier.
        customer: SQL of the number of the customer; `{n}` is the number of customers.
        having: condition on `c` that leaves records out.
        versioned: each record of this rank has two versions in the first load.
        changes: whether a change of a customer brings new versions of these records.
    """

    share: float
    columns: Mapping[str, str]
    record_id: str = "cast(1000000 + i as text)"
    customer: str = "i"
    having: str = "true"
    versioned: int = 5
    changes: bool = True
    source_at: str = field(default=CHANGED)


def of_chance(seed: int) -> str:
    """SQL of a customer picked by chance, another one for every seed."""
    return f"cast(hash(i, {seed}) % {{n}} as bigint)"
