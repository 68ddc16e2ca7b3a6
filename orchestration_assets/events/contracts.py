"""What a first-party event must look like, one class a type; checked before it is accepted.

A new type is a class here and an entry in `FirstPartyEvent`; the OpenAPI page shows it by itself.
"""

import hashlib
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)

_MOST_ITEMS = 500
_MOST_REASONS = 5
# No control characters: neither store keeps a NUL in a text.
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Line = Annotated[str, StringConstraints(max_length=500)]
Url = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Amount = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=4)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Customer(_Part):
    """Whom an event is about; at least one of the three."""

    customer_id: Name | None = Field(default=None, description="The sender's id of the customer.")
    email: (
        Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$", max_length=320)] | None
    ) = Field(default=None, description="E-mail address, as the customer gave it.")
    visitor_id: Name | None = Field(default=None, description="Id of a browser or device.")

    @model_validator(mode="after")
    def _is_somebody(self) -> "Customer":
        if not (self.customer_id or self.email or self.visitor_id):
            raise ValueError("name customer_id, email or visitor_id")
        return self

    @property
    def subject(self) -> str:
        """What the events of this customer are kept in order by; no personal data in clear."""
        if self.customer_id:
            return f"customer:{self.customer_id}"
        if self.email:
            return f"email:{hashlib.sha256(self.email.strip().lower().encode()).hexdigest()[:32]}"
        return f"visitor:{self.visitor_id}"


class Item(_Part):
    """One line of a cart."""

    product_id: Name
    quantity: int = Field(ge=1, le=1_000_000)
    price: Amount


class Cart(_Part):
    """A cart as it stands now."""

    cart_id: Name
    currency: Currency
    total: Amount
    items: list[Item] = Field(max_length=_MOST_ITEMS)
    url: Url | None = None


class Checkout(Cart):
    """A checkout that was begun."""

    checkout_id: Name


class Page(_Part):
    """A page that was looked at."""

    url: Url
    title: Line | None = None
    referrer: Url | None = None


class _Event(_Part):
    event_id: Name = Field(description="Unique over all senders, for ever: a UUID.")
    occurred_at: AwareDatetime
    customer: Customer


class CartUpdated(_Event):
    """A customer changed a cart."""

    type: Literal["cart_updated"]
    data: Cart


class CheckoutStarted(_Event):
    """A customer began to check out."""

    type: Literal["checkout_started"]
    data: Checkout


class PageViewed(_Event):
    """A customer looked at a page."""

    type: Literal["page_viewed"]
    data: Page


FirstPartyEvent = Annotated[CartUpdated | CheckoutStarted | PageViewed, Field(discriminator="type")]
ADAPTER: TypeAdapter[CartUpdated | CheckoutStarted | PageViewed] = TypeAdapter(FirstPartyEvent)


class ContractError(ValueError):
    """An event that is not what its contract says.

    Attributes:
        reasons: field and what is expected of it, without the value.
    """

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


def checked(body: bytes, latest: datetime) -> CartUpdated | CheckoutStarted | PageViewed:
    """Read an event and hold it against the contract of its type.

    Args:
        body: one event as JSON.
        latest: what is said to happen later than this is refused: it would count as the newest
            word for as long as the sender's clock is ahead.

    Raises:
        ContractError: it is something else.
    """
    try:
        event = ADAPTER.validate_json(body)
    except ValidationError as error:
        raise ContractError(_reasons(error)) from None
    if event.occurred_at > latest:
        raise ContractError(["occurred_at: lies in the future"])
    return event


def _reasons(error: ValidationError) -> list[str]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    reasons = [_reason(one) for one in found[:_MOST_REASONS]]
    if len(found) > _MOST_REASONS:
        reasons.append(f"and {len(found) - _MOST_REASONS} more")
    return reasons


def _reason(one: Any) -> str:
    if one["type"].startswith("union_tag"):
        return "type: must be cart_updated, checkout_started or page_viewed"
    if one["type"] == "extra_forbidden":
        # The name is the sender's own text and may be anything.
        return f"{_place(one['loc'][:-1])}: has a field that the contract does not know"
    if one["type"] == "json_invalid":
        return "the body: is no JSON"
    return f"{_place(one['loc'])}: {one['msg']}"


def _place(location: tuple[Any, ...]) -> str:
    """Where a field stands, without the name of the union's member before it."""
    return ".".join(map(str, location[1:])) or "the event"
