"""Alerts by e-mail to a team's address, through an SMTP server."""

import hashlib
import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime, localtime

from orchestration_assets.alerting.channel import RefusedError
from orchestration_assets.alerting.message import Message
from orchestration_assets.errors import FatalError, RetriableError

_TIMEOUT_S = 8.0
_SUBJECT_CHARS = 200
_TRY_LATER = "the alert stays due and is tried again; `accord alerts list` shows it."


@dataclass(frozen=True, slots=True)
class Server:
    """The mail server.

    Args:
        host: its name.
        port: its port.
        security: `starttls`, `tls` from the first byte on, or `none`.
        user: name to log in with; empty: no login.
        password: of that name.
        sender: address that the mails come from.
    """

    host: str
    port: int
    security: str
    user: str
    sender: str
    password: str = field(repr=False, default="")


class MailChannel:
    """Sends alerts to one address."""

    def __init__(self, server: Server, recipient: str) -> None:
        self._server = server
        self._recipient = recipient

    def send(self, message: Message) -> None:
        """Send one mail; the mails of an incident belong to one thread.

        Raises:
            RetriableError: the server was not reached, or says that it may take the mail later.
            RefusedError: it does not take this mail.
            FatalError: it refuses the login, or a password would go out in clear.
        """
        server = self._server
        if server.user and server.security == "none":
            raise FatalError(
                "The mail server would be sent the password in clear.",
                "set ACCORD_SMTP_SECURITY to starttls or tls, or leave ACCORD_SMTP_USER empty.",
            )
        mail = compose_mail(message, server.sender, self._recipient)
        try:
            with self._connect() as session:
                session.send_message(mail)
        except smtplib.SMTPAuthenticationError as error:
            raise FatalError(
                f"The mail server refuses the login ({error.smtp_code}).",
                "check ACCORD_SMTP_USER and ACCORD_SMTP_PASSWORD.",
            ) from None
        except smtplib.SMTPResponseException as error:
            raise _answered(error.smtp_code) from None
        except smtplib.SMTPRecipientsRefused as error:
            raise _answered(max(code for code, _ in error.recipients.values())) from None
        except smtplib.SMTPNotSupportedError:
            raise FatalError(
                "The mail server knows no STARTTLS or no login.",
                "correct ACCORD_SMTP_SECURITY, ACCORD_SMTP_PORT or ACCORD_SMTP_USER.",
            ) from None
        except ssl.SSLError:
            raise FatalError(
                "The mail server's certificate is not trusted, or it speaks no TLS there.",
                "correct ACCORD_SMTP_HOST, ACCORD_SMTP_PORT or ACCORD_SMTP_SECURITY.",
            ) from None
        except (smtplib.SMTPException, OSError) as error:
            raise RetriableError(
                f"The mail server was not reached ({type(error).__name__}).", _TRY_LATER
            ) from None

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        if server.security == "tls":
            context = ssl.create_default_context()
            session: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=_TIMEOUT_S, context=context
            )
        else:
            session = smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT_S)
        try:
            if server.security == "starttls":
                session.starttls(context=ssl.create_default_context())
            if server.user:
                session.login(server.user, server.password)
        except BaseException:
            session.close()
            raise
        return session


def compose_mail(message: Message, sender: str, recipient: str) -> EmailMessage:
    """The mail for a message; sent twice it has the same identifier."""
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = recipient
    mail["Subject"] = " ".join(message.headline.split())[:_SUBJECT_CHARS]
    mail["Date"] = format_datetime(localtime())
    thread = _identifier(f"{message.key} {message.opened_at.isoformat()}")
    mail["Message-ID"] = _identifier(f"{message.name} {recipient}")
    mail["References"] = mail["In-Reply-To"] = thread
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_text(message))
    return mail


def _text(message: Message) -> str:
    parts = [message.what, ""]
    parts += [f"{name}: {value}" for name, value in message.facts.items()]
    parts += ["", *(f"- {line}" for line in message.details)] if message.details else []
    parts += ["", f"Next step: {message.next_step}"] if message.next_step else []
    parts += ["", *(f"{name}: {address}" for name, address in message.links.items())]
    return "\n".join(parts) + "\n"


def _identifier(text: str) -> str:
    return f"<{hashlib.sha256(text.encode()).hexdigest()[:32]}@accord.alerts>"


def _answered(code: int) -> RetriableError | RefusedError:
    """The error for a server's answer: 4xx may pass later, 5xx is about this mail."""
    if code < 500:
        return RetriableError(f"The mail server is busy ({code}).", _TRY_LATER)
    return RefusedError(
        f"The mail server refuses the mail ({code}).",
        "check the team's e-mail in config/raci.yml and ACCORD_SMTP_FROM.",
    )
