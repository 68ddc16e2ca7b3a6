"""What was so when: periods of consent and of belonging to a customer."""

from quality.rules import Suite
from quality.suites.phrases import (
    no_rows,
    not_before,
    one_of,
    present,
    unique_together,
    usual_volume,
)

CONSENTS_HISTORY = Suite(
    name="consent_periods_do_not_overlap",
    table="core.fct_consents_history",
    key=("customer_id", "purpose", "channel", "valid_from"),
    customer="customer_id",
    rows_due=False,
    expected=8,
    rules=(
        usual_volume("fct_consents_history"),
        present("customer_id", "every period belongs to a customer"),
        present("valid_from", "every period has a beginning"),
        unique_together(
            ("customer_id", "purpose", "channel", "valid_from"),
            "of one customer, purpose and channel one period begins at a time",
        ),
        one_of("status", ("granted", "withdrawn"), "a consent is granted or withdrawn"),
        not_before("valid_to", "valid_from", "no period ends before it begins"),
        present("is_current", "every period is marked as current or not"),
        no_rows(
            "select customer_id, purpose, channel, max(valid_from) as valid_from "
            "from {batch} where is_current "
            "group by customer_id, purpose, channel having count(*) > 1",
            "of one customer, purpose and channel at most one period is current",
        ),
    ),
)

IDENTITIES_HISTORY = Suite(
    name="identity_periods_do_not_overlap",
    table="core.dim_customer_identities_history",
    key=("system", "record_id", "valid_from"),
    customer="customer_id",
    source="t.system || ':' || t.record_id",
    rows_due=False,
    expected=7,
    rules=(
        usual_volume("dim_customer_identities_history"),
        present("customer_id", "every period names its customer"),
        present("valid_from", "every period has a beginning"),
        unique_together(
            ("system", "record_id", "valid_from"), "of one record one period begins at a time"
        ),
        not_before("valid_to", "valid_from", "no period ends before it begins"),
        present("is_current", "every period is marked as current or not"),
        no_rows(
            "select system, record_id, max(valid_from) as valid_from from {batch} where is_current "
            "group by system, record_id having count(*) > 1",
            "a record belongs to at most one customer now",
        ),
    ),
)
