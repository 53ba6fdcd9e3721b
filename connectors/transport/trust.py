"""Whom we believe over TLS: authorities, revocation lists and our own certificate, read from their files."""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from pathlib import Path

import structlog

from connectors.transport import failures
from connectors.transport.failures import Failure
from connectors.transport.settings import TransportSettings

log = structlog.get_logger()

LOOK_EVERY_S = 60.0
"""So often, at most, it is looked whether new revocation lists have been put in place."""
_REVOKED = 23
_NO_LIST_IN_FORCE = frozenset({3, 11, 12})
"""OpenSSL's numbers (X509_V_ERR_...): certificate revoked; no list of its authority; a list that is not yet, or no more, in force."""
_Seen = tuple[int, int, int]


class Trust:
    """A verifying context, made anew when the file of revocation lists has changed: lists are short-lived, and the robot is not.

    A new file that cannot be read is told of once, and the lists read before go on; when their time is out nobody is believed.
    """

    def __init__(self, settings: TransportSettings, neighbour: str) -> None:
        self._settings = settings
        self._neighbour = neighbour
        self._seen = _seen(settings.crl_file)
        self._look_at = time.monotonic() + LOOK_EVERY_S
        self._told = False
        self.context = ssl_context(settings)

    def is_due(self) -> bool:
        """Say whether it is time to look for new lists."""
        return self._settings.crl_file is not None and time.monotonic() >= self._look_at

    async def look(self) -> bool:
        """Read new lists if there are any; return whether `context` is another one now."""
        self._look_at = time.monotonic() + LOOK_EVERY_S
        seen = _seen(self._settings.crl_file)
        if seen == self._seen:
            return False
        try:
            # In a thread: lists may be large, and other cases go on meanwhile, by the lists read before.
            self.context = await asyncio.to_thread(ssl_context, self._settings)
        except ValueError:
            if not self._told:
                log.warning("neighbour.lists_not_read", neighbour=self._neighbour, code="NET-021")
            self._told = True
            return False
        self._seen, self._told = seen, False
        log.info("neighbour.lists_read", neighbour=self._neighbour)
        return True


def _seen(file: Path | None) -> _Seen | None:
    """Return what changes when a file does; None = there is none."""
    try:
        found = os.stat(file) if file is not None else None
    except OSError:
        return None
    return None if found is None else (found.st_mtime_ns, found.st_size, found.st_ino)


def ssl_context(settings: TransportSettings) -> ssl.SSLContext:
    """Return a verifying context. Raises ValueError naming the setting whose file cannot be used."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError):
        raise ValueError("ca_file cannot be read as certificates in PEM form") from None
    if settings.crl_file is not None:
        _refuse_revoked(context, settings.crl_file)
    if settings.client_certificate_file is not None:
        try:
            context.load_cert_chain(settings.client_certificate_file, settings.client_key_file, password=_no_password)
        except (OSError, ssl.SSLError):
            raise ValueError("client_certificate_file and client_key_file cannot be read as a certificate and its key") from None
    return context


def why_not_trusted(error: BaseException) -> Failure:
    """Return what a failed handshake means, by the reason that OpenSSL gives."""
    error = getattr(error, "certificate_error", error)
    reason = error.verify_code if isinstance(error, ssl.SSLCertVerificationError) else None
    if reason == _REVOKED:
        return failures.REVOKED
    return failures.NO_LIST if reason in _NO_LIST_IN_FORCE else failures.NOT_TRUSTED


def _refuse_revoked(context: ssl.SSLContext, file: Path) -> None:
    """Let the context refuse what stands on the file's lists, and whatever no list that is in force tells of."""
    before = context.cert_store_stats()["crl"]
    try:
        context.load_verify_locations(file)
    except (OSError, ssl.SSLError):
        raise ValueError("crl_file cannot be read as revocation lists in PEM form") from None
    if context.cert_store_stats()["crl"] == before:
        raise ValueError("crl_file holds no revocation list in PEM form")
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF


def _no_password() -> str:
    # Without this OpenSSL would ask for one on the terminal and the daemon would hang.
    return ""
