"""Figures for Prometheus: what happened is counted from the log's own events, what is now is read from the queue once in a while.

No label holds anything about a case: outcomes, codes, reasons, states, neighbours.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from robot.figures import Figures
from robot.neighbours import Neighbours

NAMESPACE = "bistandsrobot"
_STEP_S = (0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300)
_PROBLEMS = frozenset({"warning", "error", "critical", "exception"})
_ALERTED = (("robot.paused_itself", "BOT-023"), ("case.failed", "BUG-001"), ("job.failed", "BUG-003"), ("alarm.not_sent", "BOT-012"))
"""The events, with their codes, of which a single one is an alert in deploy/prometheus-alerts.yaml."""


class Metrics:
    """One process's figures. `seen` is a step in the log's way: it looks at every event of level info and above.

    `neighbours` = what counts the questions to them; it is read when somebody asks for the figures.
    """

    def __init__(self, neighbours: Neighbours | None = None) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no types
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.registry.register(neighbours or Neighbours())
        self._cases = self._counter("cases", "Cases that left the robot, by outcome.", "outcome")
        self._proposals = self._counter("proposals", "Proposals in drafts, by kind.", "proposal")
        self._blanks = self._counter("blanks", "Rows left blank in drafts, by reason.", "reason")
        self._pulled = self._counter("pulled", "New applications put in the queue.")
        self._rescues = self._counter("lease_rescues", "Cases taken back from a worker that was not heard of.")
        self._most = self._gauge("cases_in_flight_most", "Cases that this process has in hand at most: the setting.")
        self._later = self._counter("tried_later", "Cases put off to be tried again, by code.", "code")
        self._problems = self._counter("problems", "Warnings and errors in the log, by event and code.", "event", "code")
        for told in _ALERTED:
            self._problems.labels(*told)  # from 0: Prometheus sees no increase in what is 1 from the beginning
        self._steps = Histogram(
            "step_seconds", "Time of a step of a case.", ["step"], namespace=NAMESPACE, registry=self.registry, buckets=_STEP_S
        )
        self._lost = self._gauge("neighbour_lost", "1 while a neighbour is left alone because it fails.", "neighbour")
        self._queue = self._gauge("queue_cases", "Versions of cases by state.", "state")
        self._oldest = self._gauge("queue_oldest_seconds", "Age of the oldest case by state, since it was pulled.", "state")
        self._margin = self._gauge("deadline_margin_seconds", "Time left to the nearest deadline; below 0 = past, NaN = none hurries.")
        self._head_age = self._gauge("audit_head_age_seconds", "Time since the audit's end was last kept elsewhere, or was seen unchanged.")
        self._disk = self._gauge("disk_free_bytes", "Space left where the database file is.")
        self._size = self._gauge("database_bytes", "Size of the database file with its log.")
        self._certificates = self._gauge("certificate_days_left", "Days until a certificate ends.", "neighbour", "file")
        self._lists_left = self._gauge("revocation_list_days_left", "Days that a revocation list has left.", "neighbour", "file")
        self._lists_of = self._gauge("revocation_list_days", "Days that it was made for.", "neighbour", "file")
        self._paused = self._gauge("paused", "1 while no new cases are taken: of a kind, of all, or by the hours.", "what")
        self._database_up = self._gauge("database_up", "1 while the database can be used.")
        self._looked_at = self._gauge("figures_taken_seconds", "When the queue's figures were last read, in seconds since 1970.")

    def seen(self, _logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Count an event, and pass it on as it is."""
        name = event.get("event")
        match name:
            case "case.finished":
                self._finished(event)
            case "case.rescued":
                self._rescues.inc()
            case "case.tried_later":
                self._later.labels(event.get("code", "")).inc()
            case "pull.done":
                self._pulled.inc(event.get("added", 0))
            case "neighbour.lost" | "neighbour.back":
                self._lost.labels(event.get("neighbour", "")).set(name == "neighbour.lost")
        if method in _PROBLEMS:
            self._problems.labels(str(name), event.get("code", "")).inc()
        return event

    def take(self, figures: Figures) -> None:
        """Show what was read from the queue."""
        self._database_up.set(figures.database_up)
        if not figures.database_up:
            return
        self._looked_at.set(figures.at.timestamp())
        self._oldest.clear()
        for state, number in figures.counts.items():
            self._queue.labels(state).set(number)
        for state, age_s in figures.oldest_s.items():
            self._oldest.labels(state).set(age_s)
        self._paused.clear()
        for pause in figures.pauses:
            self._paused.labels(pause.what).set(1)
        if figures.at_rest:
            self._paused.labels("hours").set(1)
        for (neighbour, file), days in figures.certificate_days.items():
            self._certificates.labels(neighbour, file).set(days)
        for (neighbour, file), lists in figures.list_days.items():
            self._lists_left.labels(neighbour, file).set(_number(lists.left))
            self._lists_of.labels(neighbour, file).set(_number(lists.of))
        for gauge, value in (
            (self._margin, figures.deadline_margin_s),
            (self._head_age, figures.head_age_s),
            (self._disk, figures.disk_free_bytes),
            (self._size, figures.database_bytes),
            (self._most, figures.cases_in_flight_most),
        ):
            gauge.set(_number(value))

    def text(self) -> bytes:
        """Return all figures as Prometheus reads them."""
        return generate_latest(self.registry)

    def _finished(self, event: MutableMapping[str, Any]) -> None:
        self._cases.labels(event.get("outcome", "")).inc()
        if event.get("proposal"):
            self._proposals.labels(event["proposal"]).inc()
        for reason in event.get("blanks", ()):
            self._blanks.labels(reason).inc()
        for step, ms in event.get("ms", {}).items():
            self._steps.labels(step).observe(ms / 1000)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, namespace=NAMESPACE, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, namespace=NAMESPACE, registry=self.registry)


def _number(value: float | None) -> float:
    """A figure that is not known is not a number, never zero."""
    return float("nan") if value is None else value
