"""What every vendor's webhook is to the outbox."""

import base64
import hmac
from typing import Protocol


class Message(Protocol):
    """One request that is sent until it is taken."""

    @property
    def system(self) -> str:
        """Who sends it."""
        ...

    @property
    def lane(self) -> str:
        """Messages of one lane are sent in order."""
        ...

    def body(self, attempt: int) -> bytes:
        """The body of an attempt, the first being 0."""
        ...

    def headers(self, address: str, body: bytes, secret: str) -> dict[str, str]:
        """The headers with the signature, made now.

        Args:
            address: the full address that is called, as the receiver knows it.
            body: as it is sent.
            secret: to sign with.
        """
        ...


def signature(secret: str, message: bytes) -> str:
    """Base64 of the HMAC-SHA256, as both vendors write it."""
    return base64.b64encode(hmac.digest(secret.encode(), message, "sha256")).decode()
