"""The rows of a journey as the warehouse has them, and what each of them would send."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson

from orchestration_assets.activation.journeys import Journey
from orchestration_assets.errors import FatalError
from orchestration_assets.warehouse import held_rows
from orchestration_assets.warehouse.session import Session
from orchestration_assets.warehouse.sql import identifier, qualified


def rows_of(
    session: Session, journey: Journey, customers: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """The rows of the journey with `_granted`, from the released consents, and `_held`.

    Args:
        session: of the warehouse.
        journey: the journey, whose model is built.
        customers: ids of the customers whose rows are wanted; None for all.

    Raises:
        FatalError: the journey's table lacks a column; names it.
    """
    columns = ["customer_id", journey.target_key, *journey.payload.values()]
    present = session.columns("journeys", journey.name)
    missing = sorted(set(columns) - set(present))
    if missing:
        raise FatalError(
            f"The table journeys.{journey.name} lacks {', '.join(missing)}.",
            "build the journey's model, or correct the names in its YAML block.",
        )
    wanted = ", ".join(f"j.{identifier(name)}" for name in dict.fromkeys(columns))
    needed = {"customer_id", "purpose", "channel", "is_granted"}
    known = needed <= set(session.columns("released", "fct_consents"))
    granted = (
        "exists (select 1 from released.fct_consents as c where c.customer_id = j.customer_id "
        "and c.purpose = :purpose and c.channel = :channel and c.is_granted)"
    )
    # What its gate holds of the payload, row by row.
    kept = "false"
    if held_rows.any_held(session, journey.name):
        kept = f"j.customer_id in ({held_rows.keys_of(journey.name)})"
    params: dict[str, Any] = {"purpose": journey.purpose, "channel": journey.channel}
    among = ""
    if customers is not None:
        among = " where j.customer_id in (select unnest(:customers::text[]))"
        params["customers"] = list(customers)
    return session.rows(
        f"select {wanted}, {granted if known else 'false'} as _granted, {kept} as _held"
        f" from {qualified('journeys', journey.name)} as j{among}",
        params,
    )


def payload_of(journey: Journey, row: Mapping[str, Any]) -> dict[str, Any]:
    """What a row sends, by property of the destination."""
    return {name: _json(row[column]) for name, column in journey.payload.items()}


def digest_of(journey: Journey, payload: Mapping[str, Any]) -> str:
    """Stands for what makes a payload another one: all of it but `journey.unhashed`."""
    return hashed({name: payload[name] for name in payload if name not in journey.unhashed})


def hashed(value: Any) -> str:
    """SHA-256 of a value that JSON can say, whatever the order of its keys."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _json(value: Any) -> Any:
    """A value as JSON has it: whole decimals as integers, moments as ISO 8601 in UTC."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value
