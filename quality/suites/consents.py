"""What customers allowed and forbade."""

from quality.rules import Suite
from quality.suites.phrases import (
    at_least,
    no_rows,
    one_of,
    present,
    unique_together,
    usual_share_of,
    usual_volume,
    warn,
)

CONSENTS = Suite(
    name="consents_are_unambiguous",
    table="core.fct_consents",
    key=("customer_id", "purpose", "channel"),
    customer="customer_id",
    expected=14,
    rules=(
        usual_volume("fct_consents"),
        present("customer_id", "every consent belongs to a customer"),
        present("purpose", "every consent names its purpose"),
        present("channel", "every consent names its channel"),
        unique_together(
            ("customer_id", "purpose", "channel"),
            "there is one decision for each customer, purpose and channel",
        ),
        one_of("purpose", ("marketing", "customer_relationship"), "purposes are known ones"),
        one_of("channel", ("email", "sms", "crm"), "channels are known ones"),
        present("status", "every consent says granted or withdrawn"),
        one_of("status", ("granted", "withdrawn"), "a consent is granted or withdrawn"),
        present("is_granted", "the decision is never left open"),
        warn(
            usual_share_of(
                "is_granted",
                True,
                "consent_granted_share",
                "as many consents as usual are granted",
            )
        ),
        warn(
            usual_share_of(
                "is_granted",
                False,
                "consent_not_granted_share",
                "no more consents than usual are granted",
            )
        ),
        at_least("source_count", 1, "a decision stands on at least one statement"),
        no_rows(
            "select customer_id, purpose, channel from {batch} "
            "where is_granted <> (status = 'granted')",
            "the flag and the status of a consent agree",
        ),
    ),
)
