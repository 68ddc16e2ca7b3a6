"""What steps outside dbt write, and from which columns: the one mapping that joins the lineage.

A table that a step of ours writes re-enters dbt as a source. The release is no part of this
mapping: a released column comes from the column of core that has its name.
"""

from collections.abc import Mapping

from orchestration_assets.governance.column_sources import Origin

_PEOPLE = "intermediate.int_person_records_unioned"
_RECORDS = "identity.customer_records"


def _people(*columns: str) -> tuple[str, ...]:
    return tuple(f"{_PEOPLE}.{column}" for column in columns)


# What two records of one person have in common; see `identity/`.
_MATCHED_BY = _people(
    "address",
    "city",
    "country_code",
    "email",
    "first_name",
    "last_name",
    "named_shopify_customer_id",
    "other_phone",
    "phone",
    "postal_code",
)
_RECORD = {
    "system": Origin(_people("system")),
    "record_id": Origin(_people("record_id")),
}
# A customer's id is that of its anchor record, hashed.
_CUSTOMER = Origin(_people("record_id", "system"), _MATCHED_BY)
BRIDGES: Mapping[str, Mapping[str, Origin]] = {
    _RECORDS: {
        **_RECORD,
        "customer_id": _CUSTOMER,
        "email": Origin(_people("email")),
        "phone_e164": Origin(_people("other_phone", "phone"), _people("country_code")),
        "first_loaded_at": Origin(_people("first_loaded_at")),
        "linked_by": Origin(deciding=_MATCHED_BY),
    },
    "identity.history": {
        **_RECORD,
        "customer_id_before": _CUSTOMER,
        "customer_id_after": _CUSTOMER,
        "changed_at": Origin(),
        # A steward's own words, where a decision moved the record, come from no table.
        "kind": Origin(deciding=_MATCHED_BY),
        "reason": Origin(deciding=_MATCHED_BY),
    },
}
