"""The queue's public names: durable work items, drafts, outbox and audit. All SQL of the program is in here."""

from __future__ import annotations

from workqueue.address import PostgresAddress
from workqueue.errors import (
    ERRORS,
    ErrorText,
    KeyRefused,
    NoSuchCase,
    NotAllowed,
    PermanentQueueError,
    QueueError,
    RetriableQueueError,
    StaleLease,
)
from workqueue.keys import MasterKey
from workqueue.records import (
    NORMAL,
    UNREAD,
    URGENT,
    Added,
    AuditEvent,
    Claimed,
    EffectDone,
    EffectStatus,
    Item,
    NewEffect,
    PulledCase,
    QueueClock,
    StoredEffect,
    StoredEvent,
    Unfinished,
)
from workqueue.states import EDGES, ENDED, LEASED, NOT_ENDED, RESTING, Edge, Outcome, State
from workqueue.store import WorkQueue
from workqueue.upgrading import is_made, upgrade

__all__ = [
    "EDGES",
    "ENDED",
    "ERRORS",
    "LEASED",
    "NORMAL",
    "NOT_ENDED",
    "RESTING",
    "UNREAD",
    "URGENT",
    "Added",
    "AuditEvent",
    "Claimed",
    "Edge",
    "EffectDone",
    "EffectStatus",
    "ErrorText",
    "Item",
    "KeyRefused",
    "MasterKey",
    "NewEffect",
    "NoSuchCase",
    "NotAllowed",
    "Outcome",
    "PermanentQueueError",
    "PostgresAddress",
    "PulledCase",
    "QueueClock",
    "QueueError",
    "RetriableQueueError",
    "StaleLease",
    "State",
    "StoredEffect",
    "StoredEvent",
    "Unfinished",
    "WorkQueue",
    "is_made",
    "upgrade",
]
