"""Alarms that reach a person: what is ill goes out by webhook and mail when it has lasted, and again when it is over. No personal data."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path

import structlog

from robot.condition import Condition, Illness
from robot.settings_watching import Alarms, Mail

log = structlog.get_logger()

_HOUR = timedelta(hours=1)
_SECRET_LIMIT_BYTES = 1024


_WHY_NOT: tuple[tuple[type[Exception], str], ...] = (
    (smtplib.SMTPAuthenticationError, "it refuses user or password"),
    (smtplib.SMTPSenderRefused, "it refuses the sender"),
    (smtplib.SMTPRecipientsRefused, "it refuses every address"),
    (smtplib.SMTPResponseException, "it refuses the message"),
    (smtplib.SMTPNotSupportedError, "it does not speak what is set: starttls, or logging in"),
    (ssl.SSLCertVerificationError, "its certificate cannot be trusted: name, time, or an authority that is not in `alarms.ca_file`"),
    (TimeoutError, "no answer in time (`alarms.timeout_s`)"),
)


class NotTaken(OSError):
    """A message was not taken; the text says why in our words."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One message: `over` = the illness has ended. `test` = there is none: the message shows that messages come."""

    illness: Illness
    over: bool
    test: bool = False

    def subject(self, municipality: str) -> str:
        """Return a line that says it all."""
        return f"bistandsrobot {municipality}: {'TEST: ' if self.test else 'over: ' if self.over else ''}{self.illness.what}"

    def text(self, municipality: str) -> str:
        """Return the whole message for a person."""
        code = f" ({self.illness.code})" if self.illness.code else ""
        lines = [
            f"{self.illness.what}{code}",
            f"Since: {self.illness.since:%Y-%m-%d %H:%M:%S} UTC",
            "It is over." if self.over else f"What to do: {self.illness.remedy}",
            f"Robot of: {municipality}",
        ]
        return "\n".join(lines) + "\n"

    def data(self, municipality: str) -> dict[str, str]:
        """Return the message for programs; `text` is what chat services show."""
        return {
            "program": "bistandsrobot",
            "municipality": municipality,
            "state": "test" if self.test else "over" if self.over else "begun",
            "what": self.illness.what,
            "code": self.illness.code,
            "since": self.illness.since.isoformat(),
            "what_to_do": self.illness.remedy,
            "text": self.subject(municipality),
        }


class Alarming:
    """Tells of each illness once when it has lasted for `after_s`, once when it is over, and never more than `most_per_hour`.

    A message that cannot be sent is tried again at the next look; that it cannot is logged once.
    """

    def __init__(
        self, settings: Alarms, municipality: str, condition: Condition, now: Callable[[], datetime], *, is_first: bool = True
    ) -> None:
        """`is_first` False = one of several workers, which tells of its own illnesses alone: the first one tells of what they all see."""
        self._settings = settings
        self._municipality = municipality
        self._condition = condition
        self._now = now
        self._is_first = is_first
        self._told: dict[str, Illness] = {}
        self._sent: deque[datetime] = deque()
        self._failing: set[str] = set()

    @property
    def is_on(self) -> bool:
        """Whether there is anybody to tell."""
        return self._settings.webhook_url is not None or self._settings.mail is not None

    async def look(self) -> None:
        """Send what there is to tell now."""
        if not self.is_on:
            return
        ill = {_name(one): one for one in self._condition.illnesses(of_its_own=not self._is_first)}
        lasted = timedelta(seconds=self._settings.after_s)
        new = [Alarm(one, over=False) for name, one in ill.items() if name not in self._told and self._now() - one.since >= lasted]
        over = [Alarm(one, over=True) for name, one in self._told.items() if name not in ill]
        for alarm in [*over, *new]:
            if not self._may_send() or not await self._send(alarm):
                return
            if alarm.over:
                del self._told[_name(alarm.illness)]
            else:
                self._told[_name(alarm.illness)] = alarm.illness

    async def by_each_way(self, alarm: Alarm) -> dict[str, str]:
        """Send one message by every way that is set; return what came of each: '' = it was taken."""
        return {way: await self._by(way, send, alarm) for way, send in self._ways()}

    def _ways(self) -> list[tuple[str, Callable[[Alarm], None]]]:
        ways: list[tuple[str, Callable[[Alarm], None]]] = [("webhook", self._post)] if self._settings.webhook_url is not None else []
        return [*ways, ("mail", self._mail)] if self._settings.mail is not None else ways

    def _may_send(self) -> bool:
        now = self._now()
        while self._sent and now - self._sent[0] >= _HOUR:
            self._sent.popleft()
        return len(self._sent) < self._settings.most_per_hour

    async def _send(self, alarm: Alarm) -> bool:
        """Send one message by every way; return whether it went by at least one."""
        went = "" in (await self.by_each_way(alarm)).values()
        if went:
            self._sent.append(self._now())
        return went

    async def _by(self, way: str, send: Callable[[Alarm], None], alarm: Alarm) -> str:
        """Send by one way; return why it was not taken, '' = it was."""
        try:
            async with asyncio.timeout(2 * self._settings.timeout_s):
                await asyncio.to_thread(send, alarm)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            if way not in self._failing:
                log.error("alarm.not_sent", way=way, code="BOT-012")
            self._failing.add(way)
            return why_not(error)
        if way in self._failing:
            log.info("alarm.sent_again", way=way)
        self._failing.discard(way)
        return ""

    def _post(self, alarm: Alarm) -> None:
        # Loaded here alone: who has no webhook does not wait for it at start.
        import httpx

        assert self._settings.webhook_url is not None
        verify = ssl.create_default_context(cafile=self._settings.ca_file)
        try:
            with httpx.Client(timeout=self._settings.timeout_s, verify=verify, trust_env=False) as client:
                client.post(self._settings.webhook_url, json=alarm.data(self._municipality)).raise_for_status()
        except httpx.HTTPStatusError as error:
            raise NotTaken(f"it answers {error.response.status_code}") from None
        except httpx.TimeoutException:
            raise TimeoutError from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise ssl.SSLCertVerificationError from None
            raise NotTaken(f"it cannot be reached ({type(error).__name__})") from None

    def _mail(self, alarm: Alarm) -> None:
        mail = self._settings.mail
        assert mail is not None
        context = ssl.create_default_context(cafile=self._settings.ca_file)
        if mail.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(mail.host, mail.port, timeout=self._settings.timeout_s, context=context)
        else:
            server = smtplib.SMTP(mail.host, mail.port, timeout=self._settings.timeout_s)
        with server:
            if mail.security == "starttls":
                server.starttls(context=context)
            if mail.user is not None and mail.password_file is not None:
                server.login(mail.user, _secret(mail.password_file))
            refused = server.send_message(self._message(alarm, mail))
        if alarm.test and refused:
            raise NotTaken(f"it refuses {len(refused)} of {len(mail.to)} addresses")

    def _message(self, alarm: Alarm, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = alarm.subject(self._municipality)
        message["From"] = mail.sender
        message["To"] = ", ".join(mail.to)
        message["Date"] = format_datetime(self._now())
        message["Message-ID"] = make_msgid(domain=mail.sender.partition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(alarm.text(self._municipality))
        return message


def _name(illness: Illness) -> str:
    """Return what stays the same while an illness lasts: its words may hold a number that changes."""
    return "".join(sign for sign in illness.what if not sign.isdecimal())


def _secret(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.read(_SECRET_LIMIT_BYTES).decode().strip()
    except (OSError, ValueError) as error:
        raise NotTaken(f"its password file cannot be read ({type(error).__name__})") from None


def why_not(error: Exception) -> str:
    """Return why a message was not taken, in our words: a server's own may quote what it was told."""
    if isinstance(error, NotTaken):
        return str(error)
    said = next((words for kind, words in _WHY_NOT if isinstance(error, kind)), f"it cannot be reached ({type(error).__name__})")
    return f"{said} ({error.smtp_code})" if isinstance(error, smtplib.SMTPResponseException) else said
