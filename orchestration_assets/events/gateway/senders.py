"""Who may send first-party events: API keys, or signatures as Standard Webhooks has them."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

from orchestration_assets.errors import FatalError
from orchestration_assets.events.gateway.refusals import RefusalError

_HASHED = "sha256:"
_LEAST_CHARACTERS = 16
_TOLERANCE_S = 300.0
SIGNED = "signed"


class Senders:
    """Knows a sender by its key or its signature.

    Args:
        keys: name of the sender to its key, in clear or as `sha256:<hex>`.
        signing_secrets: `whsec_<base64>`, two during a rotation.

    Raises:
        FatalError: a key is too short to be one, or a secret is not what it should be.
    """

    def __init__(self, keys: Mapping[str, str], signing_secrets: Sequence[str]) -> None:
        self._digests = {name: _digest_of(name, key) for name, key in keys.items()}
        self._secrets = [_secret(text) for text in signing_secrets]

    def sender(self, headers: Mapping[str, str], body: bytes, received_at: datetime) -> str:
        """Return the name of the sender, `signed` for whoever has a signing secret.

        Args:
            headers: lower case.
            body: as it came.
            received_at: a signature's time may be five minutes from it.

        Raises:
            RefusalError: 401.
        """
        if "webhook-signature" in headers:
            return self._signer(headers, body, received_at)
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise _unknown("Send an API key (Authorization: Bearer KEY) or a signature.")
        digest = hashlib.sha256(key.strip().encode()).digest()
        # Every key is looked at, so that time tells nothing of which one was close.
        found = [n for n, known in self._digests.items() if hmac.compare_digest(known, digest)]
        if not found:
            raise _unknown("This API key is not known here.")
        return found[0]

    def _signer(self, headers: Mapping[str, str], body: bytes, received_at: datetime) -> str:
        name, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not name or not (at.isascii() and at.isdigit()) or len(at) > len("1700000000") + 1:
            raise _unknown("Send webhook-id and webhook-timestamp with webhook-signature.")
        if abs(received_at.timestamp() - int(at)) > _TOLERANCE_S:
            raise _unknown("The signature's time is too far from now: sign anew.")
        signed = name.encode() + b"." + at.encode() + b"." + body
        expected = [hmac.digest(secret, signed, "sha256") for secret in self._secrets]
        given = [_signature(text) for text in headers["webhook-signature"].split(" ")[:10]]
        matches = [hmac.compare_digest(a, b) for a in expected for b in given]
        if not any(matches):
            raise _unknown("The signature is not that of this body.")
        return SIGNED


def _digest_of(name: str, key: str) -> bytes:
    if key.startswith(_HASHED):
        try:
            digest = bytes.fromhex(key.removeprefix(_HASHED))
        except ValueError:
            digest = b""
        if len(digest) == hashlib.sha256().digest_size:
            return digest
        raise FatalError(
            f"The hash of the events key {name!r} is none of SHA-256.",
            "write it as sha256: and 64 hexadecimal digits in ACCORD_EVENTS_KEYS.",
        )
    if len(key) < _LEAST_CHARACTERS:
        raise FatalError(
            f"The events key {name!r} is shorter than {_LEAST_CHARACTERS} characters.",
            "put a long random one into ACCORD_EVENTS_KEYS.",
        )
    return hashlib.sha256(key.encode()).digest()


def _secret(text: str) -> bytes:
    try:
        secret = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) < _LEAST_CHARACTERS:
        raise FatalError(
            "A signing secret of first-party events is no base64 of 16 bytes or more.",
            "write whsec_ and the base64 of 24 random bytes in ACCORD_EVENTS_SIGNING_SECRETS.",
        )
    return secret


def _signature(text: str) -> bytes:
    version, _, encoded = text.partition(",")
    if version != "v1":
        return b""
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return b""
    # A signature written in another way is another one: base64 has spare bits at its end.
    return decoded if base64.b64encode(decoded).decode() == encoded else b""


def _unknown(message: str) -> RefusalError:
    return RefusalError(401, "not_authentic", message)
