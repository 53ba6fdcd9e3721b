"""Which key opens what: the keys of cases, and the secrets that outlive the master key. Only here are they unwrapped.

A case's key is 32 random bytes, made when its first value is stored; when its row is deleted nothing of the case can be read again, not
even from a copy of the rest. What belongs to a case without a row (pulled by a program from before there were such keys, or forgotten)
is sealed with the store's own key.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager

from sqlalchemy import Connection, bindparam, insert, select

from workqueue.chain import NO_CASE
from workqueue.errors import KeyRefused, PermanentQueueError, RetriableQueueError
from workqueue.keyfile import KEY_BYTES
from workqueue.keys import MasterKey, MasterKeys
from workqueue.sealing import BY_CASE, BY_DATABASE, BY_STORE, CASE_KEY, SECRET, Box, old_box, sealed_by
from workqueue.statements import Prepared
from workqueue.tables import case_keys, secrets, store

BOXES_LIMIT = 2048
"""So many cases' keys are kept unwrapped in memory, about 2.5 kB each: more than a process has in hand."""
THE_STORE = 1
AUDIT = "audit"
STORE_VALUES = "store values"
OLD_VALUES = "stored values"
DERIVED = "derived keys"
CONTROL_SAMPLE = "control sample"
_FRESH = (AUDIT, STORE_VALUES, DERIVED)
_CASE_HEAD = bytes([BY_CASE])

_KEY_OF = select(case_keys.c.wrapped).where(case_keys.c.case_ref == bindparam("b_ref"))
_ADD_KEYS = Prepared(insert(case_keys))
_SECRETS = select(secrets.c.name, secrets.c.wrapped)
_WRAPPED_BY = select(store.c.key_id).where(store.c.id == THE_STORE).with_for_update(read=True)
"""Which master key wraps what is new, held until the transaction ends: a change of it waits, and then sees what was wrapped."""

Reading = Callable[[], AbstractContextManager[Connection]]


def wrapped_key(master: MasterKey, case_ref: str, key: bytes) -> bytes:
    """Return a case's key as it is stored."""
    return master.wrap(CASE_KEY.place(case_ref), key)


def wrapped_secret(master: MasterKey, name: str, secret: bytes) -> bytes:
    """Return a lasting secret as it is stored."""
    return master.wrap(SECRET.place(name), secret)


def fresh_secrets(key: MasterKey) -> dict[str, bytes]:
    """Return the secrets of a new database: random, but for what picks the control sample, so that a town can be played again."""
    return {name: os.urandom(KEY_BYTES) for name in _FRESH} | {CONTROL_SAMPLE: key.derive(b"control sample")}


def inherited_secrets(key: MasterKey) -> dict[str, bytes]:
    """Return the secrets of a database in which they were derived from the master key: the same as they were."""
    old_values = key.derive(b"stored values") + bytes.fromhex(key.key_id)
    return fresh_secrets(key) | {AUDIT: key.derive(b"audit"), OLD_VALUES: old_values}


class Keyring:
    """The keys of one open database. May be used from any thread."""

    def __init__(self, keys: MasterKeys, lasting: Mapping[str, bytes], reading: Reading) -> None:
        self.masters = keys
        self._lasting = lasting
        self._reading = reading
        self._store = Box(lasting[STORE_VALUES], bytes([BY_STORE]))
        old = lasting.get(OLD_VALUES)
        self._old = old_box(old[:KEY_BYTES], old[KEY_BYTES:].hex()) if old else None
        self._boxes: OrderedDict[str, Box] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def of(cls, tx: Connection, keys: MasterKeys, reading: Reading) -> Keyring:
        """Unwrap the lasting secrets. Raises KeyRefused when the key that they are wrapped by is not there."""
        rows = tx.execute(_SECRETS).all()
        lasting = {row.name: keys.unwrap(SECRET.place(row.name), row.wrapped) for row in rows}
        if missing := [name for name in _FRESH if name not in lasting]:
            raise PermanentQueueError("QUE-038", detail=", ".join(missing))
        return cls(keys, lasting, reading)

    @property
    def audit_root(self) -> bytes:
        """What the keys that bind the audit's details are made from."""
        return self._lasting[AUDIT]

    def derived(self, purpose: str) -> bytes:
        """Return 32 secret bytes for one purpose, the same as long as the database lives."""
        kept = self._lasting.get(purpose) if purpose == CONTROL_SAMPLE else None
        return kept or hmac.digest(self._lasting[DERIVED], purpose.encode(), "sha256")

    def to_seal(self, case_ref: str, tx: Connection | None = None) -> Box:
        """Return what seals a case's values: its own key; the store's when it has none, or one that is damaged."""
        try:
            return self._box(case_ref, tx) or self._store
        except PermanentQueueError:
            return self._store

    def to_open(self, case_ref: str, sealed: bytes, tx: Connection | None = None) -> Box:
        """Return what opens a value of a case.

        Raises PermanentQueueError when the case's key has been deleted, or when no key of this database can have sealed the value.
        """
        kind = sealed_by(sealed)
        if kind == BY_CASE:
            box = self._box(case_ref, tx)
            if box is None:
                raise PermanentQueueError("QUE-037", detail=case_ref)
            return box
        known = self._store if kind == BY_STORE else self._old if kind == BY_DATABASE else None
        if known is None:
            raise PermanentQueueError("QUE-035", detail=case_ref)
        return known

    def learn(self, case_ref: str, wrapped: bytes | None) -> None:
        """Take in a case's key as it was read, so that it need not be read again. A wrapped key that is damaged is left for later."""
        if wrapped is None or case_ref in self._boxes:
            return
        with contextlib.suppress(PermanentQueueError):
            self._keep(case_ref, self._unwrap(case_ref, wrapped))

    def make(self, case_ref: str) -> bytes:
        """Return a new key for a case that has none, to be stored by `store_keys` in the transaction that stores the case."""
        key = os.urandom(KEY_BYTES)
        self._keep(case_ref, Box(key, _CASE_HEAD))
        return key

    def store_keys(self, tx: Connection, made: Mapping[str, bytes]) -> None:
        """Store new keys, wrapped by the master key that the database goes by now."""
        if not made:
            return
        key_id = tx.execute(_WRAPPED_BY).scalar_one()
        with _until_it_is_there():
            master = self.masters.known(key_id)
        wrapped = ((ref, wrapped_key(master, ref, key)) for ref, key in made.items())
        _ADD_KEYS.change_many(tx, [{"case_ref": ref, "key_id": master.key_id, "wrapped": one} for ref, one in wrapped])

    def forget(self, case_refs: Iterable[str]) -> None:
        """Drop keys from memory."""
        with self._lock:
            for case_ref in case_refs:
                self._boxes.pop(case_ref, None)

    def _box(self, case_ref: str, tx: Connection | None) -> Box | None:
        if case_ref == NO_CASE:
            return None
        with self._lock:
            box = self._boxes.get(case_ref)
            if box is not None:
                self._boxes.move_to_end(case_ref)
                return box
        if tx is None:
            with self._reading() as own:
                wrapped = own.execute(_KEY_OF, {"b_ref": case_ref}).scalar_one_or_none()
        else:
            wrapped = tx.execute(_KEY_OF, {"b_ref": case_ref}).scalar_one_or_none()
        return None if wrapped is None else self._keep(case_ref, self._unwrap(case_ref, wrapped))

    def _unwrap(self, case_ref: str, wrapped: bytes) -> Box:
        with _until_it_is_there():
            return Box(self.masters.unwrap(CASE_KEY.place(case_ref), wrapped), _CASE_HEAD)

    def _keep(self, case_ref: str, box: Box) -> Box:
        with self._lock:
            self._boxes[case_ref] = box
            self._boxes.move_to_end(case_ref)
            while len(self._boxes) > BOXES_LIMIT:
                self._boxes.popitem(last=False)
        return box


@contextlib.contextmanager
def _until_it_is_there() -> Iterator[None]:
    """A master key that is not in this machine's file yet holds work up, and no case is to blame for it."""
    try:
        yield
    except KeyRefused as error:
        raise RetriableQueueError("QUE-040", detail=error.detail) from None
