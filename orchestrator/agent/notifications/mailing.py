"""Sending one mail through a mail server."""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from orchestrator.agent.configuration.channels import Mail, Security
from orchestrator.agent.notifications.courier import Undelivered
from orchestrator.agent.notifications.wording import Message, headline, paragraphs

_PATIENCE_SECONDS: Final = 20.0
_FOR_GOOD: Final = 500


def mail_of(message: Message, mail: Mail) -> EmailMessage:
    """Return the mail that says it; a second try of it has the same id."""
    made = EmailMessage()
    made["Subject"] = f"[{message.news.severity}] {headline(message)}"
    made["From"], made["To"] = mail.sender, ", ".join(mail.receivers)
    made["Date"] = format_datetime(message.at)
    made["Message-ID"] = f"<{message.number}@{mail.sender.partition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content("\n\n".join((headline(message), *paragraphs(message))) + "\n")
    return made


def send(message: EmailMessage, mail: Mail, password: str) -> None:
    """Send a mail; raises Undelivered."""
    try:
        with _connected(mail) as server:
            if mail.security is Security.STARTTLS:
                server.starttls(context=ssl.create_default_context())
            if mail.username:
                server.login(mail.username, password)
            server.send_message(message)
    except smtplib.SMTPRecipientsRefused:
        raise Undelivered(
            "the mail server takes none of those to whom it goes", again=None
        ) from None
    except smtplib.SMTPResponseException as error:
        final = error.smtp_code >= _FOR_GOOD
        why = f"the mail server answers {error.smtp_code}"
        raise Undelivered(why, again=None if final else 0.0) from None
    except smtplib.SMTPNotSupportedError:
        raise Undelivered("the mail server offers no STARTTLS or no login", again=None) from None
    except ssl.SSLCertVerificationError as error:
        why = f"the certificate of the mail server is not trusted ({error.verify_message})"
        raise Undelivered(why) from None
    except (smtplib.SMTPException, OSError) as error:
        raise Undelivered(f"the mail server does not answer ({type(error).__name__})") from None


def _connected(mail: Mail) -> smtplib.SMTP:
    if mail.security is Security.TLS:
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(mail.host, mail.port, timeout=_PATIENCE_SECONDS, context=context)
    return smtplib.SMTP(mail.host, mail.port, timeout=_PATIENCE_SECONDS)
