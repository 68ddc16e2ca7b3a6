"""Log lines go to standard error without secrets or personal data."""

import json
import logging

import pytest
import structlog

from orchestration_assets.logs import REDACTED, clean_text, configure_logging, redact


def test_values_of_private_keys_are_replaced_at_any_depth():
    event = {
        "event": "sent",
        "token": "abc",
        "rows": 3,
        "person": {"email": "ann@example.com", "phone_e164": "+33600000000", "id": 7},
        "people": [{"first_name": "Ann"}],
    }
    assert redact(None, "info", event) == {
        "event": "sent",
        "token": REDACTED,
        "rows": 3,
        "person": {"email": REDACTED, "phone_e164": REDACTED, "id": 7},
        "people": [{"first_name": REDACTED}],
    }


def test_counts_about_private_things_stay():
    event = {"event": "x", "email_count": 4, "base_url": "http://127.0.0.1:9"}
    assert redact(None, "info", event) == event


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("bad address ann.b+c@example.co.uk here", "bad address [e-mail] here"),
        ("postgresql://me:pw@db/accord", f"postgresql://{REDACTED}@db/accord"),
        ("Authorization Bearer abc.def", f"Authorization Bearer {REDACTED}"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_texts_lose_addresses_and_credentials(text: str, clean: str):
    assert clean_text(text) == clean


def test_json_lines_go_to_standard_error(capsys: pytest.CaptureFixture[str]):
    configure_logging("INFO", "json")
    structlog.get_logger("one").info("landed", rows=2, email="ann@example.com")
    logging.getLogger("two").warning("write to %s", "ann@example.com")
    logging.getLogger("httpx").info("GET /people/ann")
    captured = capsys.readouterr()
    assert captured.out == ""
    first, second = (json.loads(line) for line in captured.err.splitlines())
    assert (first["event"], first["rows"], first["email"]) == ("landed", 2, REDACTED)
    assert second["event"] == "write to [e-mail]"


def test_the_level_hides_what_is_below_it(capsys: pytest.CaptureFixture[str]):
    configure_logging("warning", "console")
    structlog.get_logger("one").info("quiet")
    assert capsys.readouterr().err == ""
