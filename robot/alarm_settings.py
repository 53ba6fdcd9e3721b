"""What of the alarms' settings can never work: it must be said at start, for else it shows only when an alarm does not come."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from robot.settings_watching import Alarms


def is_loopback(host: str | None) -> bool:
    """Say whether a host is this machine itself."""
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return host == "localhost"


def unusable(alarms: Alarms) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each key that cannot be as it is, and what is allowed."""
    if alarms.webhook_url is not None and not is_address(alarms.webhook_url):
        yield ("webhook_url",), "an address is http:// or https:// with a host"
    if alarms.mail is not None and alarms.mail.security == "none" and not is_loopback(alarms.mail.host):
        yield ("mail", "security"), "none is only for a server on this machine; starttls or tls"
    if alarms.mail is not None and (alarms.mail.user is None) != (alarms.mail.password_file is None):
        yield ("mail", "user"), "user and password_file go together"
    if alarms.ca_file is not None:
        try:
            ssl.create_default_context(cafile=alarms.ca_file)
        except (OSError, ValueError) as error:
            yield ("ca_file",), f"it cannot be read as certificates ({type(error).__name__})"


def is_address(url: str) -> bool:
    """Say whether a text is an address on the web, with a host."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
