"""What PostgreSQL's errors mean to the queue, by their SQLSTATE. Its texts are never passed on: they quote values."""

from __future__ import annotations

import psycopg

from workqueue.errors import PermanentQueueError, QueueError, RetriableQueueError

_LOCKED, _FULL, _GONE, _READ_ONLY, _CROWDED = "QUE-001", "QUE-002", "QUE-005", "QUE-006", "QUE-007"
_DAMAGED, _REFUSED, _BUG = "QUE-003", "QUE-008", "QUE-004"

_RETRIABLE_STATES = {
    "25006": _READ_ONLY,
    "25P03": _GONE,  # idle in a transaction for too long
    "25P04": _GONE,  # a transaction for too long
    "53300": _CROWDED,
    "55P03": _LOCKED,  # waited too long for a lock
    "57014": _LOCKED,  # a statement took too long
    "XX000": _GONE,  # the server met a bug or a crash of its own
}
_RETRIABLE_CLASSES = {"08": _GONE, "40": _LOCKED, "53": _FULL, "57": _GONE, "58": _FULL}
_PERMANENT_STATES = {"42501": _REFUSED, "3D000": _REFUSED, "XX001": _DAMAGED, "XX002": _DAMAGED}
_PERMANENT_CLASSES = {"28": _REFUSED}

_AT_THE_DOOR = (
    ("too many", _CROWDED, "no connection is free"),
    ("remaining connection slots", _CROWDED, "no connection is free"),
    ("read-only", _READ_ONLY, "no server that takes writes"),
    ("hot standby", _READ_ONLY, "no server that takes writes"),
    ("authentication failed", _REFUSED, "user or password"),
    ("no password supplied", _REFUSED, "user or password"),
    ("no pg_hba.conf entry", _REFUSED, "not let in from here"),
    ("does not exist", _REFUSED, "no such database or user"),
    ("not permitted to log in", _REFUSED, "the user may not log in"),
    ("permission denied", _REFUSED, "the user may not connect"),
    ("certificate", _REFUSED, "certificate"),
    ("does not support SSL", _REFUSED, "no TLS"),
    ("starting up", _GONE, "it is starting"),
    ("shutting down", _GONE, "it is shutting down"),
    ("recovery", _GONE, "it is recovering"),
    ("refused", _GONE, "nobody listens there"),
    ("No such file", _GONE, "nobody listens there"),
    ("timeout", _GONE, "no answer in time"),
    ("could not translate", _GONE, "no such host"),
    ("resolve", _GONE, "no such host"),
)
"""The door gives no SQLSTATE, only a text: a word of it, what that means, and what we say instead."""
_PERMANENT = {_REFUSED, _DAMAGED, _BUG}
_LEAVE = {_GONE, _READ_ONLY}


def named(error: BaseException | None) -> QueueError:
    """Choose the error. What is told of the server's own is its SQLSTATE, and our name of the constraint or guard."""
    if not isinstance(error, psycopg.Error):
        return RetriableQueueError(_GONE, detail=type(error).__name__)
    code, detail = _code_of(error)
    return (PermanentQueueError if code in _PERMANENT else RetriableQueueError)(code, detail=detail)


def is_gone(error: BaseException | None) -> bool:
    """Say whether the connection is of no more use."""
    return isinstance(error, psycopg.Error) and _code_of(error)[0] in _LEAVE


def _code_of(error: psycopg.Error) -> tuple[str, str]:
    state = error.sqlstate
    if state is None:
        return _without_state(error)
    where = " ".join(name for name in (state, error.diag.table_name, error.diag.constraint_name) if name)
    known = _RETRIABLE_STATES | _PERMANENT_STATES
    classes = _RETRIABLE_CLASSES | _PERMANENT_CLASSES
    return known.get(state) or classes.get(state[:2]) or _BUG, where


def _without_state(error: psycopg.Error) -> tuple[str, str]:
    """Tell a connection that was lost or never made from what the driver itself refuses."""
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return _BUG, type(error).__name__
    text = str(error)
    return next(((code, said) for word, code, said in _AT_THE_DOOR if word in text), (_GONE, "the connection was lost"))
