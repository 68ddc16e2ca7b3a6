"""The payload of every journey, judged right before it is planned."""

from quality import codes, thresholds
from quality.rules import Rule, Suite
from quality.suites.phrases import (
    at_least,
    hold,
    no_rows,
    one_of,
    present,
    shaped,
    unique,
    usual_volume,
)

SEGMENTS = ("prospect", "new", "active", "lapsing", "lapsed")


def consented(purpose: str, channel: str) -> Rule:
    """Every row of the payload has a granted consent in the released model; absent means no."""
    return no_rows(
        "select p.customer_id from {batch} p left join released.fct_consents c "
        "on c.customer_id = p.customer_id and c.is_granted "
        f"and c.purpose = '{purpose}' and c.channel = '{channel}' where c.customer_id is null",
        f"every customer in the payload granted {purpose} by {channel}",
    )


WINBACK = Suite(
    name="winback_payload_is_complete_and_consented",
    table="journeys.jrn_lapsed_winback_email",
    key=("customer_id",),
    customer="customer_id",
    rows_due=False,
    expected=10,
    rules=(
        usual_volume("jrn_lapsed_winback_email"),
        present("customer_id", "every row names its customer"),
        unique("customer_id", "a customer is written to once"),
        hold(present("email", "every row has an address")),
        unique("email", "an address is written to once"),
        hold(shaped("email", thresholds.EMAIL_SHAPE, "addresses are well formed")),
        hold(present("last_order_date", "a lapsed customer has ordered before")),
        hold(at_least("lifetime_value", 0, "no lifetime value is negative")),
        hold(one_of("currency_code", codes.CURRENCIES, "currencies are ones we trade in")),
        consented("marketing", "email"),
    ),
)

ABANDONED_CART = Suite(
    name="abandoned_cart_payload_is_complete_and_consented",
    table="journeys.jrn_abandoned_cart_email",
    key=("customer_id",),
    customer="customer_id",
    rows_due=False,
    expected=10,
    rules=(
        usual_volume("jrn_abandoned_cart_email"),
        present("customer_id", "every row names its customer"),
        unique("customer_id", "a customer is reminded of one cart"),
        hold(present("email", "every row has an address")),
        unique("email", "an address is written to once"),
        hold(shaped("email", thresholds.EMAIL_SHAPE, "addresses are well formed")),
        unique("cart_id", "nobody is reminded of another's cart"),
        hold(
            at_least(
                "total_amount",
                0,
                "totals are neither negative nor absurd",
                thresholds.LARGEST_PLAUSIBLE_ORDER,
            )
        ),
        hold(one_of("currency_code", codes.CURRENCIES, "currencies are ones we trade in")),
        consented("marketing", "email"),
    ),
)

CUSTOMER_VALUE = Suite(
    name="customer_value_payload_is_complete_and_consented",
    table="journeys.jrn_customer_value_crm",
    key=("customer_id",),
    customer="customer_id",
    rows_due=False,
    expected=10,
    rules=(
        usual_volume("jrn_customer_value_crm"),
        present("customer_id", "every row names its customer"),
        unique("customer_id", "a customer is written once"),
        hold(present("hubspot_email", "every row has the key of its contact")),
        unique("hubspot_email", "a contact is written once"),
        hold(shaped("hubspot_email", thresholds.EMAIL_SHAPE, "contact keys are well formed")),
        hold(present("segment", "every customer stands somewhere")),
        hold(one_of("segment", SEGMENTS, "segments are known ones")),
        hold(at_least("order_count", 0, "nobody has fewer than no orders")),
        consented("customer_relationship", "crm"),
    ),
)
