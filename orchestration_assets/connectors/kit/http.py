"""One HTTP call to a system: paced, retried within bounds, its errors named by recovery.

Messages carry the system, the method, the path and the status. They never carry a query string,
a header or a body: those hold secrets and personal data.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import orjson

from orchestration_assets.connectors.kit.limits import RateLimiter
from orchestration_assets.errors import FatalError, RetriableError

if TYPE_CHECKING:
    import httpx

_SAFE_METHODS = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_TRANSIENT_STATUSES = frozenset({408, 425, 429})
# Where a response keeps its parsed body, so that a page is parsed once.
_PARSED = "accord.parsed"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Bounds of the retries of one call.

    Args:
        attempts: calls in all, the first included.
        connect_attempts: calls in all to a system that cannot be reached at all. A server that is
            gone stays away longer than one that is busy, and others wait behind the caller.
        seconds: no attempt begins later than this after the first.
        wait_initial: seconds before the second attempt; doubled each time.
        wait_max: longest back-off. A wait that the vendor asks for may be longer.
        wait_jitter: up to this many random seconds on top.
    """

    attempts: int = 5
    connect_attempts: int = 4
    seconds: float = 120.0
    wait_initial: float = 0.5
    wait_max: float = 20.0
    wait_jitter: float = 0.5


class _TransientError(Exception):
    """An attempt that may be repeated; its text is safe to log."""

    def __init__(
        self,
        outcome: str,
        *,
        sent: bool,
        retry_after: float | None = None,
        unreachable: bool = False,
    ) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.sent = sent
        self.retry_after = retry_after
        self.unreachable = unreachable


def standard_retry_after(response: "httpx.Response") -> float | None:
    """Seconds that `Retry-After` (a number or a date) asks for on a 429 or 503, else None."""
    if response.status_code not in (429, 503):
        return None
    text = response.headers.get("Retry-After", "").strip()
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None


class ApiClient:
    """Calls one system with one set of credentials. Safe to share between threads.

    Args:
        client: made by `make_client`; closed by `close`.
        system: name for messages.
        limiter: asked before every attempt, retries included.
        secret_setting: setting that holds the credentials (`ACCORD_HUBSPOT_TOKEN`), for messages.
        policy: bounds of the retries.
        retry_after: vendor's own sign of throttling. Asked about every answer, whatever its
            status: seconds to wait make the answer a throttled one, None leaves it to its status.
        error_code: picks a code that is safe to print (`VALIDATION_ERROR`) from a refusal.
    """

    def __init__(
        self,
        client: "httpx.Client",
        system: str,
        limiter: RateLimiter,
        secret_setting: str,
        *,
        policy: RetryPolicy | None = None,
        retry_after: "Callable[[httpx.Response], float | None]" = standard_retry_after,
        error_code: "Callable[[httpx.Response], str | None] | None" = None,
    ) -> None:
        self.system = system
        self._client = client
        self._limiter = limiter
        self._secret_setting = secret_setting
        self._policy = policy or RetryPolicy()
        self._retry_after = retry_after
        self._error_code = error_code

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
        accept: frozenset[int] = frozenset(),
        cost: float = 1.0,
    ) -> Any:
        """Like `send`, returning the parsed JSON body (None where the body is empty)."""
        response = self.send(
            method,
            path,
            params=params,
            json=json,
            headers=headers,
            idempotent=idempotent,
            accept=accept,
            cost=cost,
            expect_json=True,
        )
        return response.extensions.get(_PARSED)

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
        accept: frozenset[int] = frozenset(),
        cost: float = 1.0,
        expect_json: bool = False,
    ) -> "httpx.Response":
        """Make the call until it is answered for good or the bounds are reached.

        Args:
            method: HTTP method.
            path: begins with `/`; never another host, which would be handed the credentials.
            params: query string. None values must be left out.
            json: body; sent as JSON.
            headers: on top of the client's.
            idempotent: repeating it does no harm. By default true for GET, HEAD, PUT and DELETE.
                Where it is false, only calls that surely had no effect are repeated: those
                throttled, and those whose connection never came about.
            accept: statuses from 400 on that the caller reads itself (400, 404, 409).
            cost: points for the limiter.
            expect_json: an unreadable body counts as a failed attempt.

        Raises:
            FatalError: refused credentials (401, 403), or a status that retrying cannot help.
            RetriableError: the system stayed unavailable.
        """
        if not path.startswith("/"):
            raise ValueError("path must begin with / and stay on the system's own host")
        call = f"{method} {path.partition('?')[0]}"
        safe = method in _SAFE_METHODS if idempotent is None else idempotent
        body = None if json is None else orjson.dumps(json)
        sent_headers = dict(headers or {})
        if body is not None:
            sent_headers.setdefault("Content-Type", "application/json")

        def attempt() -> "httpx.Response":
            response = self._attempt(method, path, params, body, sent_headers, cost)
            return self._judge(response, call, accept, expect_json)

        return self._with_retries(attempt, call, safe)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _with_retries(
        self, attempt: "Callable[[], httpx.Response]", call: str, safe: bool
    ) -> "httpx.Response":
        import stamina

        policy = self._policy
        started = time.monotonic()
        made = 0

        def may_retry(error: Exception) -> bool | float:
            if not isinstance(error, _TransientError) or (error.sent and not safe):
                return False
            if error.unreachable and made >= policy.connect_attempts:
                return False
            wait = error.retry_after
            if wait is None:
                return True
            # Waiting longer than the bound would only hold a worker: let the caller come back.
            return wait if time.monotonic() - started + wait <= policy.seconds else False

        try:
            for context in stamina.retry_context(
                on=may_retry,
                attempts=policy.attempts,
                timeout=policy.seconds,
                wait_initial=policy.wait_initial,
                wait_max=policy.wait_max,
                wait_jitter=policy.wait_jitter,
            ).with_name(f"{self.system} {call}", (), {}):
                with context:
                    made += 1
                    return attempt()
        except _TransientError as error:
            tries = "1 attempt" if made == 1 else f"{made} attempts"
            raise RetriableError(
                f"{self.system}: {call} {error.outcome} after {tries}.",
                "check the system's status page; the same call is made again at the next run.",
                retry_after=error.retry_after,
            ) from None
        raise AssertionError("a retry loop ends with an answer or an error")

    def _attempt(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None,
        body: bytes | None,
        headers: Mapping[str, str],
        cost: float,
    ) -> "httpx.Response":
        import httpx

        if not self._limiter.acquire(cost, timeout=self._policy.seconds):
            raise _TransientError("found no room within the rate limit", sent=False)
        try:
            return self._client.request(method, path, params=params, content=body, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise _TransientError(
                f"could not connect ({type(error).__name__})", sent=False, unreachable=True
            ) from None
        except httpx.RequestError as error:
            raise _TransientError(f"got no answer ({type(error).__name__})", sent=True) from None

    def _judge(
        self, response: "httpx.Response", call: str, accept: frozenset[int], expect_json: bool
    ) -> "httpx.Response":
        status = response.status_code
        wait = self._retry_after(response)
        if wait is not None or status in _TRANSIENT_STATUSES:
            outcome = "was throttled" if status < 400 else f"answered {status}"
            # Throttled calls were not carried out; a 503 that names a wait may have been.
            raise _TransientError(outcome, sent=status >= 500 or status == 408, retry_after=wait)
        if status >= 500:
            raise _TransientError(f"answered {status}", sent=True)
        if status in accept or status < 300:
            if expect_json and response.content:
                try:
                    response.extensions[_PARSED] = orjson.loads(response.content)
                except orjson.JSONDecodeError:
                    raise _TransientError(
                        f"answered {status} without readable JSON", sent=True
                    ) from None
            return response
        raise self._refusal(response, call)

    def _refusal(self, response: "httpx.Response", call: str) -> FatalError:
        status = response.status_code
        if status == 401:
            return FatalError(
                f"{self.system}: {call} answered 401: the credentials were refused.",
                f"set {self._secret_setting} to a valid token and run again.",
            )
        if status == 403:
            return FatalError(
                f"{self.system}: {call} answered 403: the credentials may not make this call.",
                f"give the token in {self._secret_setting} the scope for this path, or replace it.",
            )
        code = self._error_code(response) if self._error_code else None
        reason = f" ({code})" if code else ""
        step = "check the system's base address and version in the settings"
        if 400 <= status < 500:
            step = "check the version of the system's API and the connector's request"
        return FatalError(f"{self.system}: {call} answered {status}{reason}.", f"{step}.")
