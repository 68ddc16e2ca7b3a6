"""Customers, the records they are made of, and the accounts they belong to."""

from quality import codes, thresholds
from quality.rules import Rule, Suite
from quality.suites.phrases import (
    DELETED,
    at_least,
    hold,
    no_rows,
    not_before,
    one_of,
    present,
    shaped,
    unique,
    unique_together,
    usual_share_filled,
    usual_volume,
    warn,
)

_RECORDS_OF_A_CUSTOMER = (
    "coalesce(nullif(concat_ws(', ', 'hubspot:' || t.hubspot_contact_id,"
    " 'shopify:' || t.shopify_customer_id, 'klaviyo:' || t.klaviyo_profile_id), ''), t.customer_id)"
)

CUSTOMERS = Suite(
    name="customers_are_complete_and_unique",
    table="core.dim_customers",
    key=("customer_id",),
    customer="customer_id",
    exempt=DELETED,
    source=_RECORDS_OF_A_CUSTOMER,
    expected=17,
    rules=(
        usual_volume("dim_customers"),
        present("customer_id", "every customer has an id"),
        unique("customer_id", "a customer is one row"),
        warn(
            usual_share_filled(
                "email", "customer_email_share", "as many customers as usual have an address"
            )
        ),
        shaped("customer_id", r"^cus_[0-9a-f]{16}$", "customer ids have the usual shape"),
        present("email", "most customers can be reached by e-mail", thresholds.EMAIL_PRESENT_SHARE),
        shaped(
            "email",
            thresholds.EMAIL_SHAPE,
            "e-mail addresses are well formed",
            thresholds.EMAIL_SHAPE_SHARE,
        ),
        hold(shaped("phone_e164", thresholds.E164_SHAPE, "phone numbers are in E.164 form")),
        present("last_name", "many customers have a name", thresholds.NAME_PRESENT_SHARE),
        one_of(
            "country_code",
            codes.COUNTRIES,
            "countries are ISO codes",
            thresholds.COUNTRY_KNOWN_SHARE,
        ),
        hold(one_of("currency_code", codes.CURRENCIES, "currencies are ones we trade in")),
        hold(at_least("source_record_count", 1, "a customer stands on at least one source record")),
        hold(at_least("system_count", 1, "a customer is known to at least one system")),
        hold(at_least("order_count", 0, "nobody has fewer than no orders")),
        hold(at_least("lifetime_value", 0, "no lifetime value is negative")),
        hold(
            not_before("last_order_at", "first_order_at", "the last order is not before the first")
        ),
        present("is_deleted", "every customer is marked as deleted or not"),
    ),
)

IDENTITIES = Suite(
    name="identities_point_at_one_customer",
    table="core.dim_customer_identities",
    key=("system", "record_id"),
    customer="customer_id",
    source="t.system || ':' || t.record_id",
    expected=7,
    rules=(
        usual_volume("dim_customer_identities"),
        present("customer_id", "every source record belongs to a customer"),
        present("system", "every source record names its system"),
        present("record_id", "every source record has the vendor's id"),
        unique_together(("system", "record_id"), "a source record belongs to one customer only"),
        Rule(
            "system names are lower-case words",
            "ExpectColumnValuesToMatchRegex",
            {"column": "system", "regex": r"^[a-z][a-z0-9_]*$"},
        ),
        no_rows(
            "select i.system, i.record_id from {batch} i left join core.dim_customers c "
            "on c.customer_id = i.customer_id where c.customer_id is null",
            "every source record points at a customer that exists",
        ),
    ),
)

ACCOUNTS = Suite(
    name="accounts_are_complete_and_unique",
    table="core.dim_accounts",
    key=("account_id",),
    exempt=DELETED,
    rows_due=False,
    expected=6,
    rules=(
        usual_volume("dim_accounts"),
        present("account_id", "every account has an id"),
        unique("account_id", "an account is one row"),
        one_of(
            "country_code",
            codes.COUNTRIES,
            "countries are ISO codes",
            thresholds.COUNTRY_KNOWN_SHARE,
        ),
        hold(at_least("employee_count", 0, "nobody employs fewer than none")),
        present("is_deleted", "every account is marked as deleted or not"),
    ),
)
