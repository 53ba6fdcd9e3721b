"""The faults of a soak: a share of all requests fails in every way the simulators know, and a neighbour is closed now and then."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

_LIMIT_S = 60.0
CASE_SYSTEM: tuple[dict[str, Any], ...] = (
    {"kind": "http_500", "share": 0.004},
    {"kind": "error", "share": 0.003},
    {"kind": "slow", "share": 0.01, "delay_s": 0.5},
    {"kind": "cut", "share": 0.003},
    {"kind": "reset", "share": 0.003},
    {"kind": "answer_lost", "share": 0.004},
    {"kind": "http_429", "share": 0.001},
    {"kind": "login_page", "share": 0.001},
    {"kind": "timeout", "share": 0.0005, "delay_s": 5},
    {"kind": "zip_bomb", "share": 0.0001},
    {"kind": "huge", "share": 0.00002},
)
REGISTERS: tuple[dict[str, Any], ...] = (
    {"kind": "http_500", "share": 0.01},
    {"kind": "error", "share": 0.01},
    {"kind": "slow", "share": 0.02, "delay_s": 0.5},
    {"kind": "cut", "share": 0.005},
    {"kind": "reset", "share": 0.01},
    {"kind": "answer_lost", "share": 0.01},
    {"kind": "http_429", "share": 0.002},
    {"kind": "login_page", "share": 0.002},
    {"kind": "timeout", "share": 0.002, "delay_s": 5},
    {"kind": "xml_bomb", "share": 0.001},
    {"kind": "zip_bomb", "share": 0.001},
    {"kind": "huge", "share": 0.0002},
    *({"kind": "error", "source": source, "share": 0.01} for source in ("FK", "PM", "SO", "CSN", "AF", "SKV")),
    {"kind": "timeout", "source": "SO", "share": 0.01, "delay_s": 1},
    {"kind": "slow", "source": "CSN", "share": 0.02, "delay_s": 1},
)
"""Shares of the requests, each drawn by itself: about one in thirty to the case system, one in eight to the registers."""
CLOSED_EVERY = timedelta(days=11)
CLOSED_FOR = timedelta(hours=6)


@dataclass
class FaultyNeighbours:
    """Both neighbours' faults. `tick` closes one of them and opens it again by the world's time."""

    case_system: str
    registers: str
    next_at: datetime
    closed: Counter[str] = field(default_factory=Counter)
    _fired_before: Counter[str] = field(default_factory=Counter)
    _closed_now: tuple[str, int, datetime] | None = None
    _ended: bool = False

    def begin(self) -> None:
        """Order all the faults."""
        for url, orders in ((self.case_system, CASE_SYSTEM), (self.registers, REGISTERS)):
            for number, order in enumerate(orders):
                httpx.post(f"{url}/admin/faults", json={**order, "seed": number}, timeout=_LIMIT_S).raise_for_status()

    def tick(self, now: datetime) -> None:
        """Open what has been closed long enough, and close one when it is time: each neighbour in turn."""
        if self._closed_now is not None and now >= self._closed_now[2]:
            self._open()
        if self._closed_now is None and now >= self.next_at:
            name = ("case_system", "registers")[self.closed.total() % 2]
            url, kind = (self.case_system, "http_500") if name == "case_system" else (self.registers, "reset")
            # The first order that fires is the one that counts, and those in force pick few: all the others meet this one.
            answer = httpx.post(f"{url}/admin/faults", json={"kind": kind}, timeout=_LIMIT_S).raise_for_status()
            self.closed[name] += 1
            self._closed_now, self.next_at = (url, int(answer.json()["id"]), now + CLOSED_FOR), now + CLOSED_EVERY

    def end(self) -> None:
        """Lift every fault, once what they did is noted. Done once."""
        if self._ended:
            return
        self._closed_now, self._ended = None, True
        self._fired_before = self.fired()
        for url in (self.case_system, self.registers):
            httpx.delete(f"{url}/admin/faults", timeout=_LIMIT_S).raise_for_status()

    def fired(self) -> Counter[str]:
        """Return how many requests have met each kind of fault, by neighbour; a register's own by its name."""
        found = Counter(self._fired_before)
        for name, url in (("case_system", self.case_system), ("registers", self.registers)):
            for fault in httpx.get(f"{url}/admin/faults", timeout=_LIMIT_S).raise_for_status().json()["faults"]:
                found[f"{name}.{fault['source'] + '.' if fault['source'] else ''}{fault['kind']}"] += fault["fired"]
        return found

    def _open(self) -> None:
        assert self._closed_now is not None
        url, number, _ = self._closed_now
        name = "case_system" if url == self.case_system else "registers"
        for fault in httpx.get(f"{url}/admin/faults", timeout=_LIMIT_S).raise_for_status().json()["faults"]:
            if fault["id"] == number:
                self._fired_before[f"{name}.closed"] += fault["fired"]
        httpx.delete(f"{url}/admin/faults/{number}", timeout=_LIMIT_S).raise_for_status()
        self._closed_now = None
