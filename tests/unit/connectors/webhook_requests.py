"""Requests as vendors send them, signed here by the few lines that their documents give."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime

from orchestration_assets.connectors.kit.webhooks import WebhookRequest

SECRET = "the secret that is set"
OLD_SECRET = "the one before it"
NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
URL = "https://events.example.com/v1/webhooks/hubspot"


def request(
    body: bytes,
    headers: dict[str, str] | None = None,
    *,
    url: str = URL,
    method: str = "POST",
    at: datetime = NOW,
) -> WebhookRequest:
    return WebhookRequest(method, url, headers or {}, body, at)


def shopify(body: bytes, topic: str, *, secret: str = SECRET, **more: str) -> WebhookRequest:
    """A request of Shopify's; `more` are further headers, with underscores."""
    extra = {name.replace("_", "-"): value for name, value in more.items()}
    signed = {"x-shopify-topic": topic, "x-shopify-hmac-sha256": digest(secret, body)}
    return request(body, signed | extra, url="https://events.example.com/v1/webhooks/shopify")


def hubspot(
    body: bytes,
    *,
    secret: str = SECRET,
    url: str = URL,
    signed_url: str | None = None,
    at: datetime = NOW,
) -> WebhookRequest:
    """A request of HubSpot's that was signed at `at` and arrives now."""
    timestamp = str(int(at.timestamp() * 1000))
    message = b"POST" + (signed_url or url).encode() + body + timestamp.encode()
    headers = {
        "x-hubspot-signature-v3": digest(secret, message),
        "x-hubspot-request-timestamp": timestamp,
    }
    return request(body, headers, url=url)


def digest(secret: str, message: bytes) -> str:
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()
