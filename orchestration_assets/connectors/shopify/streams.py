"""The contracts of Shopify's streams: columns, personal-data classes, expected paths."""

from orchestration_assets.model import Field, Kind, PersonalData, Stream

_SYSTEM = "shopify"
# Shopify lists `destroy` among the general events, but names only products where it speaks of
# deletions (`DeletionEventSubjectType`).
_DELETIONS = (
    "Deletions come from the event log, which is kept for a year; a full read compared with what "
    "was landed finds those that it lacks."
)
_UNSURE_DELETIONS = (
    "Deletions come from the event log where the shop records them there; only a full read "
    "compared with what was landed is sure to find them."
)

_NO_DELETIONS = (
    "The event log knows no deletion of it: only a full read compared with what was landed finds "
    "one."
)


def _text(name: str, path: str, personal: PersonalData = PersonalData.NONE) -> Field:
    return Field(name, path, personal_data=personal)


def _time(name: str, path: str) -> Field:
    return Field(name, path, Kind.TIMESTAMP)


def _money(name: str, path: str) -> Field:
    return Field(name, f"{path}.shopMoney.amount", Kind.DECIMAL)


CUSTOMERS = Stream(
    system=_SYSTEM,
    name="customers",
    description=(
        "One row a customer account of the shop, guests with an order included. "
        + _UNSURE_DELETIONS
    ),
    record_id="legacyResourceId",
    source_at="updatedAt",
    fields=(
        _text("first_name", "firstName", PersonalData.PROFILE),
        _text("last_name", "lastName", PersonalData.PROFILE),
        _text("email", "defaultEmailAddress.emailAddress", PersonalData.CONTACT),
        _text("phone", "defaultPhoneNumber.phoneNumber", PersonalData.CONTACT),
        _text("email_marketing_state", "defaultEmailAddress.marketingState"),
        _text("email_marketing_opt_in_level", "defaultEmailAddress.marketingOptInLevel"),
        _time("email_marketing_updated_at", "defaultEmailAddress.marketingUpdatedAt"),
        _text("sms_marketing_state", "defaultPhoneNumber.marketingState"),
        _time("sms_marketing_updated_at", "defaultPhoneNumber.marketingUpdatedAt"),
        _text("address1", "defaultAddress.address1", PersonalData.CONTACT),
        _text("city", "defaultAddress.city", PersonalData.PROFILE),
        _text("zip", "defaultAddress.zip", PersonalData.PROFILE),
        _text("country_code", "defaultAddress.countryCodeV2", PersonalData.PROFILE),
        _text("state", "state"),
        Field("number_of_orders", "numberOfOrders", Kind.INTEGER, False, PersonalData.BEHAVIOUR),
        Field("amount_spent", "amountSpent.amount", Kind.DECIMAL, False, PersonalData.BEHAVIOUR),
        _text("amount_spent_currency", "amountSpent.currencyCode"),
        _text("locale", "locale", PersonalData.PROFILE),
        Field("tags", "tags", Kind.JSON, False, PersonalData.PROFILE),
        Field("verified_email", "verifiedEmail", Kind.BOOLEAN),
        _time("created_at", "createdAt"),
        _time("updated_at", "updatedAt"),
    ),
    known=frozenset(
        {
            "id",
            "legacyResourceId",
            "defaultEmailAddress",
            "defaultPhoneNumber",
            "defaultAddress",
            "amountSpent",
        }
    ),
    volatile=frozenset({"updatedAt"}),
    feeds_identity=True,
)

ORDERS = Stream(
    system=_SYSTEM,
    name="orders",
    description=(
        "One row an order, its line items and refunds inside; amounts in the shop's currency, "
        "after returns and edits. " + _UNSURE_DELETIONS
    ),
    record_id="legacyResourceId",
    source_at="updatedAt",
    fields=(
        _text("name", "name"),
        _text("customer_id", "customer.legacyResourceId", PersonalData.IDENTIFIER),
        _text("email", "email", PersonalData.CONTACT),
        _text("phone", "phone", PersonalData.CONTACT),
        _text("currency_code", "currencyCode"),
        _money("total_price", "currentTotalPriceSet"),
        _money("subtotal_price", "currentSubtotalPriceSet"),
        _money("total_tax", "currentTotalTaxSet"),
        _money("total_shipping", "currentShippingPriceSet"),
        _money("total_discounts", "currentTotalDiscountsSet"),
        _money("total_refunded", "totalRefundedSet"),
        _text("financial_status", "displayFinancialStatus"),
        _text("fulfillment_status", "displayFulfillmentStatus"),
        _text("source_name", "sourceName"),
        Field("line_items", "lineItems", Kind.JSON, False, PersonalData.BEHAVIOUR),
        Field("refunds", "refunds", Kind.JSON, False, PersonalData.BEHAVIOUR),
        _time("created_at", "createdAt"),
        _time("processed_at", "processedAt"),
        _time("updated_at", "updatedAt"),
        _time("cancelled_at", "cancelledAt"),
    ),
    known=frozenset(
        {
            "id",
            "legacyResourceId",
            "customer",
            "currentTotalPriceSet",
            "currentSubtotalPriceSet",
            "currentTotalTaxSet",
            "currentShippingPriceSet",
            "currentTotalDiscountsSet",
            "totalRefundedSet",
        }
    ),
    volatile=frozenset({"updatedAt"}),
)

PRODUCTS = Stream(
    system=_SYSTEM,
    name="products",
    description="One row a product of the catalogue, its variants inside. " + _DELETIONS,
    record_id="legacyResourceId",
    source_at="updatedAt",
    fields=(
        _text("title", "title"),
        _text("handle", "handle"),
        _text("vendor", "vendor"),
        _text("product_type", "productType"),
        _text("status", "status"),
        Field("variants", "variants", Kind.JSON),
        _time("created_at", "createdAt"),
        _time("updated_at", "updatedAt"),
    ),
    known=frozenset({"id", "legacyResourceId"}),
    volatile=frozenset({"updatedAt"}),
)

ABANDONED_CHECKOUTS = Stream(
    system=_SYSTEM,
    name="abandoned_checkouts",
    description=(
        "One row a checkout that its customer left before paying, those completed later included; "
        "its lines inside, amounts in the shop's currency. The link that takes up the checkout "
        "opens it for whoever holds it: it is never asked for. " + _NO_DELETIONS
    ),
    record_id="legacyResourceId",
    source_at="updatedAt",
    fields=(
        _text("name", "name"),
        _text("customer_id", "customer.legacyResourceId", PersonalData.IDENTIFIER),
        _text("currency_code", "totalPriceSet.shopMoney.currencyCode"),
        _money("total_price", "totalPriceSet"),
        _money("subtotal_price", "subtotalPriceSet"),
        Field("line_items", "lineItems", Kind.JSON, False, PersonalData.BEHAVIOUR),
        _time("created_at", "createdAt"),
        _time("completed_at", "completedAt"),
        _time("updated_at", "updatedAt"),
    ),
    known=frozenset({"id", "legacyResourceId", "customer", "totalPriceSet", "subtotalPriceSet"}),
    volatile=frozenset({"updatedAt"}),
)

SUBSCRIPTION_CONTRACTS = Stream(
    system=_SYSTEM,
    name="subscription_contracts",
    description=(
        "One row a contract under which a customer is billed again and again, its lines inside; "
        "amounts in the contract's currency. " + _NO_DELETIONS
    ),
    record_id="legacyResourceId",
    source_at="updatedAt",
    fields=(
        _text("customer_id", "customer.legacyResourceId", PersonalData.IDENTIFIER),
        _text("status", "status"),
        _text("currency_code", "currencyCode"),
        Field("recurring_amount", "recurringAmount", Kind.DECIMAL),
        _text("billing_interval", "billingPolicy.interval"),
        Field("billing_interval_count", "billingPolicy.intervalCount", Kind.INTEGER),
        _time("next_billing_at", "nextBillingDate"),
        Field("lines", "lines", Kind.JSON, False, PersonalData.BEHAVIOUR),
        _time("created_at", "createdAt"),
        _time("updated_at", "updatedAt"),
    ),
    known=frozenset({"id", "legacyResourceId", "customer", "billingPolicy"}),
    volatile=frozenset({"updatedAt"}),
)

STREAMS: dict[str, Stream] = {
    stream.name: stream
    for stream in (CUSTOMERS, ORDERS, PRODUCTS, ABANDONED_CHECKOUTS, SUBSCRIPTION_CONTRACTS)
}
