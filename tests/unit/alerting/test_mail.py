"""Alerts by e-mail, through a real mail server with and without encryption and login."""

import email
import email.policy
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from orchestration_assets.alerting.channel import RefusedError
from orchestration_assets.alerting.incidents import Incident, report
from orchestration_assets.alerting.mail import MailChannel, Server
from orchestration_assets.alerting.message import Action
from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import FatalError, RetriableError
from orchestration_assets.stages.tell import tell_people
from tests.unit.alerting.messages import message

PASSWORD = "very-secret"


class Mailbox:
    """Keeps what arrives; answers as it is told."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.answer = "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.answer.startswith("250"):
            parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(parsed, EmailMessage)
            self.mails.append(parsed)
            self.recipients += envelope.rcpt_tos
        return self.answer


@contextmanager
def mail_server(mailbox: Mailbox, **options: Any) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def channel(port: int, **changes: Any) -> MailChannel:
    fields = {"host": "127.0.0.1", "port": port, "security": "none", "user": ""}
    server = Server(**fields | {"sender": "accord@example.com"} | changes)
    return MailChannel(server, "crm@example.com")


def test_a_mail_says_what_there_is_to_know_and_belongs_to_its_thread() -> None:
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        for action in (Action.OPEN, Action.OPEN, Action.RESOLVE):
            sent = message(action=action, name=f"1.1.{action}.0", details=("e-mail: 4 rows",))
            channel(port).send(sent)
    first, again, resolved = mailbox.mails
    assert mailbox.recipients == ["crm@example.com"] * 3
    assert first["Subject"] == "Critical: Gate failed"
    for line in ("Since: 2026-11-25 12:00 UTC", "- e-mail: 4 rows", "Next step: Mend them."):
        assert line in first.get_content()
    assert first["Message-ID"] == again["Message-ID"] != resolved["Message-ID"]
    assert first["References"] == resolved["References"]


def test_a_headline_of_many_lines_makes_no_header_of_its_own() -> None:
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        channel(port).send(message(headline="Gate\r\nBcc: eve@example.org\nfailed"))
    (mail,) = mailbox.mails
    assert mail["Subject"] == "Gate Bcc: eve@example.org failed"
    assert mail["Bcc"] is None


def test_encryption_and_login_work_and_a_wrong_password_is_named_without_it(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> Any:
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)

    mailbox = Mailbox()
    options = {"tls_context": context, "require_starttls": True, "authenticator": check}
    with mail_server(mailbox, auth_required=True, **options) as port:
        login = {"security": "starttls", "user": "accord", "password": PASSWORD}
        channel(port, **login).send(message())
        with pytest.raises(FatalError, match="refuses the login") as raised:
            channel(port, **login | {"password": "wrong-secret"}).send(message())
        assert "wrong-secret" not in str(raised.value)
    assert len(mailbox.mails) == 1


def test_a_server_that_nobody_vouches_for_is_told_nothing(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    mailbox = Mailbox()
    with (
        mail_server(mailbox, tls_context=context) as port,
        pytest.raises(FatalError, match="certificate is not trusted"),
    ):
        channel(port, security="starttls").send(message())
    assert mailbox.mails == []


def test_a_password_never_goes_out_in_clear() -> None:
    with pytest.raises(FatalError, match="in clear"):
        channel(9, user="accord", password=PASSWORD).send(message())
    assert PASSWORD not in repr(Server("h", 1, "none", "u", "s", PASSWORD))


@pytest.mark.parametrize(
    ("answer", "error"),
    [("451 try later", RetriableError), ("554 no thanks", RefusedError)],
)
def test_a_server_that_takes_no_mail_is_named_by_what_can_be_done(
    answer: str, error: type[Exception]
) -> None:
    mailbox = Mailbox()
    mailbox.answer = answer
    with mail_server(mailbox) as port, pytest.raises(error) as raised:
        channel(port).send(message())
    assert "crm@example.com" not in str(raised.value)


def test_a_server_that_is_not_there_may_be_later() -> None:
    with pytest.raises(RetriableError, match="was not reached"):
        channel(9).send(message())


def test_a_server_without_encryption_is_a_wrong_setting() -> None:
    with mail_server(Mailbox()) as port, pytest.raises(FatalError, match="STARTTLS"):
        channel(port, security="starttls").send(message())


def test_who_answers_and_who_is_to_know_get_a_mail_of_a_critical_incident(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        monkeypatch.setenv("ACCORD_SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("ACCORD_SMTP_PORT", str(port))
        monkeypatch.setenv("ACCORD_SMTP_SECURITY", "none")
        deployment = Deployment()
        text = "row of ann@example.org, +33 6 12 34 56 78 failed"
        report(
            deployment.state, Incident("gate/a", "Gate failed", text, text, subject="layers.core")
        )
        assert tell_people(deployment) == {"delivered": 1, "failed": 0, "folded": 0}
        deployment.close()
    assert sorted(mailbox.recipients) == ["data-platform@example.com", "privacy@example.com"]
    assert all("ann@" not in str(mail) and "12 34" not in str(mail) for mail in mailbox.mails)
