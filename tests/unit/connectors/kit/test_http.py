"""The one way to call a system, over real HTTP on the loopback."""

import logging
import socket
import time

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from orchestration_assets.connectors.kit.client import make_client
from orchestration_assets.connectors.kit.http import ApiClient, RetryPolicy
from orchestration_assets.connectors.kit.limits import CallLimiter
from orchestration_assets.errors import FatalError, RetriableError

SECRET = "pat-very-secret"
PERSON = "ada@example.com"
QUICK = RetryPolicy(attempts=3, seconds=5, wait_initial=0.01, wait_max=0.05, wait_jitter=0.0)


def api(base_url: str, policy: RetryPolicy = QUICK, read_timeout_s: float = 5.0, **options):
    client = make_client(
        base_url, {"Authorization": f"Bearer {SECRET}"}, read_timeout_s=read_timeout_s
    )
    limiter = CallLimiter([(1000, 1.0)])
    return ApiClient(client, "vendor", limiter, "ACCORD_VENDOR_TOKEN", policy=policy, **options)


def answer_in_turn(server: HTTPServer, *answers: Response) -> list[Request]:
    """Serve the answers one after the other, the last one for ever; returns the requests."""
    seen: list[Request] = []

    def handle(request: Request) -> Response:
        seen.append(request)
        return answers[min(len(seen), len(answers)) - 1]

    server.expect_request("/things").respond_with_handler(handle)
    return seen


def ok() -> Response:
    return Response('{"ok": true}', content_type="application/json")


def test_an_answer_is_parsed(httpserver: HTTPServer) -> None:
    answer_in_turn(httpserver, ok())
    assert api(httpserver.url_for("/")).request("GET", "/things") == {"ok": True}


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again(httpserver: HTTPServer, status: int) -> None:
    seen = answer_in_turn(httpserver, Response(status=status), ok())
    assert api(httpserver.url_for("/")).request("GET", "/things") == {"ok": True}
    assert len(seen) == 2


def test_the_tries_are_bounded_and_the_error_names_system_call_and_next_step(
    httpserver: HTTPServer,
) -> None:
    seen = answer_in_turn(httpserver, Response(f"sorry {PERSON}", status=503))
    with pytest.raises(RetriableError) as caught:
        api(httpserver.url_for("/")).request("GET", "/things", params={"email": PERSON})
    assert len(seen) == 3
    assert "vendor: GET /things answered 503 after 3 attempts." in str(caught.value)
    assert "Next step:" in str(caught.value)
    assert PERSON not in str(caught.value)


def test_retry_after_is_waited_for(httpserver: HTTPServer) -> None:
    answer_in_turn(httpserver, Response(status=429, headers={"Retry-After": "0.3"}), ok())
    started = time.monotonic()
    api(httpserver.url_for("/")).request("GET", "/things")
    assert time.monotonic() - started >= 0.3


def test_a_wait_longer_than_the_bound_is_handed_to_the_caller(httpserver: HTTPServer) -> None:
    seen = answer_in_turn(httpserver, Response(status=429, headers={"Retry-After": "3600"}))
    started = time.monotonic()
    with pytest.raises(RetriableError) as caught:
        api(httpserver.url_for("/")).request("GET", "/things")
    assert caught.value.retry_after == 3600
    assert len(seen) == 1
    assert time.monotonic() - started < 2


def test_a_vendor_may_have_its_own_sign_of_throttling(httpserver: HTTPServer) -> None:
    throttled = Response('{"throttled": true}', content_type="application/json")
    answer_in_turn(httpserver, throttled, ok())

    def hook(response) -> float | None:
        return 0.01 if b"throttled" in response.content else None

    client = api(httpserver.url_for("/"), retry_after=hook)
    assert client.request("POST", "/things", json={}) == {"ok": True}


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_name_the_setting_and_are_not_tried_again(
    httpserver: HTTPServer, status: int
) -> None:
    seen = answer_in_turn(httpserver, Response(f"bad {SECRET}", status=status))
    with pytest.raises(FatalError, match="ACCORD_VENDOR_TOKEN") as caught:
        api(httpserver.url_for("/")).request("GET", "/things")
    assert SECRET not in str(caught.value)
    assert len(seen) == 1


@pytest.mark.parametrize("status", [302, 400, 404, 422])
def test_other_refusals_are_fatal(httpserver: HTTPServer, status: int) -> None:
    seen = answer_in_turn(httpserver, Response(PERSON, status=status))
    with pytest.raises(FatalError, match=f"answered {status}") as caught:
        api(httpserver.url_for("/")).request("GET", "/things")
    assert PERSON not in str(caught.value)
    assert len(seen) == 1


def test_a_refusal_can_be_left_to_the_caller(httpserver: HTTPServer) -> None:
    answer_in_turn(httpserver, Response(status=409))
    response = api(httpserver.url_for("/")).send("POST", "/things", accept=frozenset({409}))
    assert response.status_code == 409


def test_a_write_that_may_have_been_carried_out_is_not_repeated(httpserver: HTTPServer) -> None:
    seen = answer_in_turn(httpserver, Response(status=500), ok())
    with pytest.raises(RetriableError, match="after 1 attempt"):
        api(httpserver.url_for("/")).request("POST", "/things", json={"a": 1})
    assert len(seen) == 1


def test_a_throttled_write_is_repeated(httpserver: HTTPServer) -> None:
    answer_in_turn(httpserver, Response(status=429), ok())
    assert api(httpserver.url_for("/")).request("POST", "/things", json={}) == {"ok": True}


def test_an_idempotent_write_is_repeated_when_its_answer_is_lost(httpserver: HTTPServer) -> None:
    seen: list[Request] = []

    def slow_once(request: Request) -> Response:
        seen.append(request)
        if len(seen) == 1:
            time.sleep(0.5)
        return ok()

    httpserver.expect_request("/things").respond_with_handler(slow_once)
    client = api(httpserver.url_for("/"), read_timeout_s=0.2)
    assert client.request("POST", "/things", json={}, idempotent=True) == {"ok": True}


def test_an_unreachable_system_is_retriable_even_for_a_write() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    with pytest.raises(RetriableError, match=r"could not connect .* after 3 attempts"):
        api(f"http://127.0.0.1:{port}").request("POST", "/things", json={})


def test_a_system_that_is_gone_is_given_up_sooner_than_one_that_is_busy() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    policy = RetryPolicy(attempts=9, connect_attempts=2, wait_initial=0.01, wait_jitter=0.01)
    with pytest.raises(RetriableError, match=r"could not connect .* after 2 attempts"):
        api(f"http://127.0.0.1:{port}", policy=policy).request("GET", "/things")


def test_an_answer_cut_short_is_tried_again(httpserver: HTTPServer) -> None:
    seen = answer_in_turn(httpserver, Response('{"ok": tr', content_type="application/json"), ok())
    assert api(httpserver.url_for("/")).request("GET", "/things") == {"ok": True}
    assert len(seen) == 2


def test_credentials_never_go_to_another_host(httpserver: HTTPServer) -> None:
    with pytest.raises(ValueError, match="own host"):
        api(httpserver.url_for("/")).request("GET", "http://evil.example/things")


def test_logs_hold_no_secret_query_or_body(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    answer_in_turn(httpserver, Response(PERSON, status=500), ok())
    api(httpserver.url_for("/")).request(
        "POST", "/things", params={"q": PERSON}, json={"email": PERSON}, idempotent=True
    )
    streams = capsys.readouterr()
    # werkzeug is the test's server.
    ours = [record.getMessage() for record in caplog.records if record.name != "werkzeug"]
    written = "".join([streams.out, streams.err, *ours])
    assert PERSON not in written
    assert SECRET not in written


def test_a_missing_base_address_says_which_kind_of_setting_to_set() -> None:
    with pytest.raises(FatalError, match="BASE_URL"):
        make_client("", {})
