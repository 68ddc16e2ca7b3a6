"""All suites by what they guard."""

from collections.abc import Mapping

from quality.rules import Severity, Suite
from quality.suites.commerce import CARTS, REFUNDS, SUBSCRIPTIONS
from quality.suites.consents import CONSENTS
from quality.suites.customers import ACCOUNTS, CUSTOMERS, IDENTITIES
from quality.suites.history import CONSENTS_HISTORY, IDENTITIES_HISTORY
from quality.suites.journeys import ABANDONED_CART, CUSTOMER_VALUE, WINBACK
from quality.suites.marketing import CAMPAIGN_TOUCHES, CAMPAIGNS, COSTS
from quality.suites.orders import INTERACTIONS, ORDER_LINES, ORDERS, PRODUCTS
from quality.suites.service import MANUAL_OPERATIONS, SERVICE_CASES, SURVEY_ANSWERS

CORE_SUITES: tuple[Suite, ...] = (
    CUSTOMERS,
    IDENTITIES,
    IDENTITIES_HISTORY,
    ACCOUNTS,
    CAMPAIGNS,
    PRODUCTS,
    ORDERS,
    ORDER_LINES,
    REFUNDS,
    CARTS,
    SUBSCRIPTIONS,
    CONSENTS,
    CONSENTS_HISTORY,
    INTERACTIONS,
    CAMPAIGN_TOUCHES,
    SERVICE_CASES,
    SURVEY_ANSWERS,
    MANUAL_OPERATIONS,
    COSTS,
)

PAYLOAD_SUITES: Mapping[str, Suite] = {
    "jrn_abandoned_cart_email": ABANDONED_CART,
    "jrn_lapsed_winback_email": WINBACK,
    "jrn_customer_value_crm": CUSTOMER_VALUE,
}

ALL_SUITES: tuple[Suite, ...] = (*CORE_SUITES, *PAYLOAD_SUITES.values())


def blocking(suites: tuple[Suite, ...]) -> tuple[str, ...]:
    """Names of the suites without whose pass nothing may go on."""
    return tuple(suite.name for suite in suites if suite.severity is Severity.BLOCKING)


def suite_named(name: str) -> Suite:
    """The suite called `name`.

    Raises:
        KeyError: there is none, naming those that there are.
    """
    for suite in ALL_SUITES:
        if suite.name == name:
            return suite
    known = ", ".join(suite.name for suite in ALL_SUITES)
    raise KeyError(f"No suite is called {name!r}. Known suites: {known}.")
