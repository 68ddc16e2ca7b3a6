"""The ways in which vendors prove a webhook theirs; a connector declares one of these.

All refuse when no secret is set, look at every secret of a rotation, and compare in constant time.
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from orchestration_assets.connectors.kit.webhooks import SignatureRefused, WebhookRequest

TOLERANCE_S = 300.0
"""How far a signature's time may be from now, back and ahead."""
_DIGITS_AT_MOST = 14
_SIGNATURES_AT_MOST = 10
Encoding = Literal["base64", "hex"]


@dataclass(frozen=True, slots=True)
class BodySignature:
    """HMAC-SHA256 over the raw body, without a time: replays are left to the event's id.

    Attributes:
        headers: names under which the vendor sends it; where it sends two, they must agree.
        encoding: of the digest.
        prefix: what stands before it.
    """

    headers: tuple[str, ...]
    encoding: Encoding = "base64"
    prefix: str = ""

    def verify(self, request: WebhookRequest, secrets: Sequence[str]) -> None:
        """See `Webhook.verify`."""
        given = one_header(request.headers, *self.headers)
        keys = _keys(secrets)
        expected = (self.prefix + _digest(key, request.body, self.encoding) for key in keys)
        _require_match(expected, [given], self.headers[0])


@dataclass(frozen=True, slots=True)
class TimedSignature:
    """HMAC-SHA256 over a message that holds the body and a time from a header.

    Attributes:
        header: of the signature.
        timestamp_header: of the time.
        message: what is signed, made of the request and the timestamp as it was sent.
        ticks_per_s: 1000 where the time is in milliseconds.
        encoding: of the digest.
    """

    header: str
    timestamp_header: str
    message: Callable[[WebhookRequest, str], bytes]
    ticks_per_s: int = 1
    encoding: Encoding = "base64"

    def verify(self, request: WebhookRequest, secrets: Sequence[str]) -> None:
        """See `Webhook.verify`."""
        given = one_header(request.headers, self.header)
        timestamp = _timestamp(request, self.timestamp_header, self.ticks_per_s)
        message = self.message(request, timestamp)
        expected = (_digest(key, message, self.encoding) for key in _keys(secrets))
        _require_match(expected, [given], self.header)


@dataclass(frozen=True, slots=True)
class StandardWebhooks:
    """Standard Webhooks: `webhook-id`, time and body are signed, so the id is one to go by.

    Secrets are base64, with or without `whsec_` before it. The vendor may send several signatures.
    """

    def verify(self, request: WebhookRequest, secrets: Sequence[str]) -> None:
        """See `Webhook.verify`."""
        event_id = one_header(request.headers, "webhook-id")
        # `v1,...` has a comma of its own; a header that came twice has one before a blank.
        signatures = request.headers.get("webhook-signature", "")
        if ", " in signatures:
            raise _doubled("webhook-signature")
        if not signatures:
            raise _missing("webhook-signature")
        timestamp = _timestamp(request, "webhook-timestamp", 1)
        message = b".".join((_raw(event_id), _raw(timestamp), request.body))
        keys = (_decoded(secret) for secret in secrets)
        expected = ["v1," + _digest(key, message, "base64") for key in keys if key]
        if not expected:
            raise _no_secret()
        given = signatures.split(" ")[:_SIGNATURES_AT_MOST]
        _require_match(expected, given, "webhook-signature")


@dataclass(frozen=True, slots=True)
class HeaderSecret:
    """A secret in a header, for vendors that sign nothing. It proves the sender, not the body.

    Attributes:
        header: its name.
        prefix: what stands before the secret.
    """

    header: str = "authorization"
    prefix: str = "Bearer "

    def verify(self, request: WebhookRequest, secrets: Sequence[str]) -> None:
        """See `Webhook.verify`."""
        given = one_header(request.headers, self.header)
        expected = (self.prefix + secret for secret in _present(secrets))
        _require_match(expected, [given], self.header)


@dataclass(frozen=True, slots=True)
class PathSecret:
    """A secret as the last part of the path, for vendors that cannot send a header either.

    It proves the sender, not the body: fetch the object that the webhook names.
    """

    def verify(self, request: WebhookRequest, secrets: Sequence[str]) -> None:
        """See `Webhook.verify`."""
        given = urlsplit(request.url).path.rpartition("/")[2]
        _require_match(_present(secrets), [given], "the address")


def one_header(headers: Mapping[str, str], *names: str) -> str:
    """Value of the header that came under one of the names.

    Raises:
        SignatureRefused: there is none, or more than one that differ.
    """
    found = {headers[name].strip() for name in names if headers.get(name, "").strip()}
    if not found:
        raise _missing(names[0])
    if len(found) > 1 or "," in next(iter(found)):
        raise _doubled(names[0])
    return found.pop()


def _timestamp(request: WebhookRequest, header: str, ticks_per_s: int) -> str:
    text = one_header(request.headers, header)
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS_AT_MOST):
        raise SignatureRefused(f"{header} is no time.", "send it as the vendor does.")
    age_s = request.received_at.timestamp() - int(text) / ticks_per_s
    if age_s > TOLERANCE_S:
        raise SignatureRefused(
            f"{header} is more than {TOLERANCE_S:.0f} s old.",
            "let the vendor send it anew, and see that this machine's clock is right.",
        )
    if age_s < -TOLERANCE_S:
        raise SignatureRefused(
            f"{header} is more than {TOLERANCE_S:.0f} s ahead.",
            "see that this machine's clock is right.",
        )
    return text


def _digest(key: bytes, message: bytes, encoding: Encoding) -> str:
    digest = hmac.digest(key, message, "sha256")
    return digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()


def _require_match(expected: Iterable[str], given: Sequence[str], where: str) -> None:
    # Every pair is looked at, so that time tells nothing of which secret was close.
    found = False
    for right in expected:
        for text in given:
            found |= hmac.compare_digest(_raw(right), _raw(text))
    if not found:
        raise SignatureRefused(
            f"What stands in {where} fits none of the secrets that are set.",
            "compare the secret at the vendor with the one set here; the address and the body must"
            " arrive as they were sent.",
        )


def _present(secrets: Sequence[str]) -> list[str]:
    # An empty secret is one that everybody knows.
    present = [secret for secret in secrets if secret.strip()]
    if not present:
        raise _no_secret()
    return present


def _keys(secrets: Sequence[str]) -> list[bytes]:
    return [_raw(secret) for secret in _present(secrets)]


def _decoded(secret: str) -> bytes:
    """The key that a secret stands for; empty where it stands for none."""
    text = secret.strip().removeprefix("whsec_").rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _no_secret() -> SignatureRefused:
    return SignatureRefused(
        "No usable secret is set for these webhooks, so none can be trusted.",
        "set the system's webhook secret as the vendor shows it.",
    )


def _missing(header: str) -> SignatureRefused:
    return SignatureRefused(f"{header} is missing.", "send what the vendor sends.")


def _doubled(header: str) -> SignatureRefused:
    return SignatureRefused(
        f"{header} came more than once.", "see what stands between the vendor and the gateway."
    )
