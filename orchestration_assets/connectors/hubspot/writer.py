"""Writing HubSpot contacts: batches of upserts by e-mail address, one result for each row."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from orchestration_assets.connectors.hubspot.answers import results_of
from orchestration_assets.connectors.hubspot.client import SYSTEM, HubSpotClient
from orchestration_assets.connectors.hubspot.properties import definition, encode
from orchestration_assets.connectors.hubspot.streams import OWN_PREFIX
from orchestration_assets.connectors.kit.http import RetryPolicy
from orchestration_assets.errors import AccordError, FatalError, RetriableError
from orchestration_assets.model import OutgoingRow, RowResult, RowStatus

if TYPE_CHECKING:
    import httpx

BATCH_SIZE = 100
# One batch that the vendor cannot digest must not hold up the others; two mean that it is down.
FAILURES_IN_A_ROW = 2


class HubSpotContactsWriter:
    """Writer of contacts, whose target key is the e-mail address.

    A batch can be sent again without harm: the upsert sets the same values on the same contact.

    Args:
        connection: `base_url`, `token`; optionally `requests_per_10s`.
        policy: bounds of the retries of one call.
        transport: replaces the network in special cases.
        read_timeout_s: seconds without a byte after which a call counts as lost.
    """

    system = SYSTEM
    object_name = "contacts"

    def __init__(
        self,
        connection: Mapping[str, str],
        *,
        policy: RetryPolicy | None = None,
        transport: "httpx.BaseTransport | None" = None,
        read_timeout_s: float = 60.0,
    ) -> None:
        self._client = HubSpotClient(
            connection, policy=policy, transport=transport, read_timeout_s=read_timeout_s
        )
        self._existing: set[str] = set()

    def write(self, rows: Sequence[OutgoingRow], options: Mapping[str, Any]) -> list[RowResult]:
        """Upsert the rows; see `Writer.write`. No options are read.

        When the system stops answering, or refuses the credentials after the first batches went
        through, the rows not yet answered are `UNKNOWN`.

        Raises:
            FatalError: refused credentials, or a property that neither exists nor is ours to make.
            RetriableError: the system stayed unavailable before anything was sent.
        """
        if not rows:
            return []
        self._ensure_properties(rows)
        results: list[RowResult] = []
        batches = list(_batches(rows))
        failures = 0
        for number, batch in enumerate(batches):
            try:
                results += self._send(batch)
                failures = 0
            except FatalError as error:
                if all(result.status is RowStatus.UNKNOWN for result in results):
                    raise
                return results + _unknown(batches[number:], error)
            except RetriableError as error:
                failures += 1
                if failures == FAILURES_IN_A_ROW:
                    return results + _unknown(batches[number:], error)
                results += _unknown([batch], error)
        return results

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _send(self, batch: Sequence[OutgoingRow]) -> list[RowResult]:
        """Send a batch; one refused as a whole is halved until the rows at fault stand alone."""
        response = self._client.upsert(self.object_name, [_input(row) for row in batch])
        body = orjson.loads(response.content) if response.content else {}
        if response.status_code < 300:
            return results_of(batch, body)
        if len(batch) == 1:
            return results_of(batch, {"errors": [{**body, "context": {}}]}, sole_row=True)
        middle = len(batch) // 2
        first = self._send(batch[:middle])
        try:
            return first + self._send(batch[middle:])
        except AccordError as error:
            return first + _unknown([batch[middle:]], error)

    def _ensure_properties(self, rows: Sequence[OutgoingRow]) -> None:
        wanted = {name for row in rows for name in row.payload}
        if not wanted <= self._existing:
            self._existing = self._client.property_names(self.object_name)
        missing = sorted(wanted - self._existing)
        foreign = [name for name in missing if not name.startswith(OWN_PREFIX)]
        if foreign:
            raise FatalError(
                f"hubspot: contacts have no property named {', '.join(foreign)}.",
                "correct the journey's payload, or add the property in HubSpot.",
            )
        for name in missing:
            values = (row.payload.get(name) for row in rows)
            self._client.create_property(self.object_name, definition(name, values))
            self._existing.add(name)


def _input(row: OutgoingRow) -> dict[str, Any]:
    return {
        "id": row.target_key,
        "idProperty": "email",
        "properties": encode(row.payload),
        "objectWriteTraceId": row.idempotency_key,
    }


def _batches(rows: Iterable[OutgoingRow]) -> Iterator[list[OutgoingRow]]:
    """Batches in which no address comes twice: HubSpot refuses such a batch as a whole."""
    waiting = list(rows)
    while waiting:
        batch: list[OutgoingRow] = []
        later: list[OutgoingRow] = []
        addresses: set[str] = set()
        for row in waiting:
            address = row.target_key.strip().casefold()
            if len(batch) < BATCH_SIZE and address not in addresses:
                addresses.add(address)
                batch.append(row)
            else:
                later.append(row)
        yield batch
        waiting = later


def _unknown(batches: Iterable[Sequence[OutgoingRow]], error: AccordError) -> list[RowResult]:
    return [
        RowResult(row.idempotency_key, RowStatus.UNKNOWN, reason=error.message)
        for batch in batches
        for row in batch
    ]
