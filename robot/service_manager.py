"""Tells systemd how the daemon is: ready, alive, stopping (sd_notify). Without systemd nothing is sent."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping

import structlog

log = structlog.get_logger()

_BEATS_PER_LIMIT = 3
_MICROSECONDS = 1_000_000
_PATIENCE_S = 0.2
"""The event loop waits for the service manager's socket no longer than this."""


class ServiceManager:
    """Where the service manager listens, and how long the daemon may be silent: `watchdog_s`, None = it does not look."""

    def __init__(self, address: str | None, watchdog_s: float | None = None) -> None:
        self._address = address
        self._failing = False
        self.watchdog_s = watchdog_s if address else None

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> ServiceManager:
        """Return what the environment says (NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID); a value that is none is as if it was not there."""
        address = environment.get("NOTIFY_SOCKET")
        usec, pid = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
        is_ours = not pid or pid == str(os.getpid())
        limit = int(usec) / _MICROSECONDS if usec.isdecimal() and is_ours else 0
        return cls(address, limit or None)

    def ready(self) -> None:
        """Say that the daemon works from now on."""
        self._tell("READY=1")

    def stopping(self) -> None:
        """Say that it ends in good order."""
        self._tell("STOPPING=1")

    def status(self, text: str) -> None:
        """Say in one line what it is doing, for `systemctl status`."""
        self._tell("STATUS=" + " ".join(text.split()))

    async def keep_alive(self) -> None:
        """Say that the event loop turns, as often as the watchdog wants, until cancelled. A loop that stands still says nothing."""
        if self.watchdog_s is None:
            return
        while True:
            self._tell("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_s / _BEATS_PER_LIMIT)

    def _tell(self, what: str) -> None:
        if self._address is None:
            return
        # A name that begins with @ is one of Linux's, outside the file system.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.settimeout(_PATIENCE_S)
                sender.sendto(what.encode(), address)
        except OSError:
            # Tried again at the next word: who fell silent for good at one full buffer would be killed for it.
            if not self._failing:
                log.warning("service_manager.not_told", code="BOT-010")
            self._failing = True
        else:
            self._failing = False
