"""A sender for e-mail: a message in text and HTML, handed to the operator's SMTP server.

The Message-ID is made of the outbox id, so that a message that comes twice after a crash of ours is one message to
whoever receives it (RFC 5322 §3.6.4).
"""

from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.policy import SMTPUTF8 as WIRE_UTF8
from email.utils import format_datetime, parseaddr

from ostiary.server.core.credentials import read_email
from ostiary.server.core.millis import SECOND
from ostiary.server.core.ports import Ports
from ostiary.server.delivery.messages import Rendered
from ostiary.server.delivery.outbound import ForbiddenError
from ostiary.server.delivery.outbound_mail import Relay, RelayError
from ostiary.server.delivery.routes import PermanentError, TransientError


class SmtpSender:
    """Writes the message, and hands it over."""

    def __init__(self, relay: Relay, ports: Ports, sender: str) -> None:
        """`sender`: `Ostiary <no-reply@example.com>`. Raises ValueError where it is no address."""
        self._relay = relay
        self._ports = ports
        self._sender = read_sender(sender)

    def __repr__(self) -> str:
        return f"SmtpSender({self._relay!r})"

    async def send(self, message: Rendered) -> str:
        """Hand it over; the Message-ID."""
        moment = self._ports.clock.undisturbed()  # receivers compare it with theirs: no dev clock
        try:
            to, sender = message.to, self._sender.addr_spec  # as they are stored: nothing is mapped once more
            message_id = f"<{message.id}@{sender.rpartition('@')[2]}>"
            written = write(message, self._sender, to, message_id, moment)
            await self._relay.hand_over(sender, to, written)
        except RelayError as error:
            if error.permanent:
                raise PermanentError(str(error)) from error
            raise TransientError(str(error)) from error
        except ForbiddenError as error:
            raise TransientError(str(error)) from error
        except OSError:  # a certificate that is not the server's is a ValueError, too
            raise
        except ValueError as error:  # the library's, which looks at addresses once more
            raise PermanentError("the address can't be written to") from error
        return message_id


def read_sender(text: str) -> Address:
    """The operator's own address, with or without a name. Raises ValueError."""
    name, address = parseaddr(text)
    read = read_email(address)
    if read is None or not name.isprintable():
        raise ValueError("it is an address, or a name and an address: Ostiary <no-reply@example.com>")
    local, domain = address.rpartition("@")[0], read.rpartition("@")[2]
    return Address(display_name=name, addr_spec=f"{local}@{domain}")


def write(message: Rendered, sender: Address, to: str, message_id: str, moment: int) -> bytes:
    """The message in bytes, lines ended by CRLF. Raises ValueError where a header can't hold what it should."""
    letter = EmailMessage()
    letter["From"] = sender
    local, _, domain = to.rpartition("@")
    letter["To"] = Address(username=local, domain=domain)
    letter["Subject"] = message.subject or ""
    letter["Date"] = format_datetime(datetime.fromtimestamp(moment // SECOND, UTC))
    letter["Message-ID"] = message_id
    letter["Content-Language"] = message.lang
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: nobody's machine answers a machine
    letter.set_content(message.text, cte=_encoding(message.text))
    if message.html is not None:
        letter.add_alternative(message.html, subtype="html", cte=_encoding(message.html))
    return letter.as_bytes(policy=WIRE if to.isascii() else WIRE_UTF8)


def _encoding(text: str) -> str:
    """Seven bits and short lines, whatever the server knows (RFC 2045 §6): the shorter of the two ways."""
    return "quoted-printable" if text.isascii() else "base64"
