"""Encryption of one stored value: AES-256-GCM, bound to its place, padded so that its length tells little.

A sealed value is: its key's head, nonce (12), then the encrypted body and its tag. The head's first byte tells which key:

    1   the database's only key, in databases from before each case had its own; 4 bytes that were the master key's id follow
    2   the key of the case that it belongs to (case_keys)
    3   the store's own key (secrets): what belongs to no case, or to one that has no key

The body is: compressed or not (1), length (4), the JSON, and zeros up to a bucket: the least size of the column doubled as often as
needed. Compressing what is larger than that lets nearly all drafts, long or short, land in the same bucket.
"""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from workqueue.errors import PermanentQueueError
from workqueue.keys import NONCE_BYTES

BY_DATABASE, BY_CASE, BY_STORE = 1, 2, 3
_OLD_HEAD_BYTES = 5
_HEAD = struct.Struct(">BI")
_FAST = 1
VALUE_LIMIT_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Column:
    """An encrypted column. `least_bytes` = its smallest bucket, chosen so that a row fills whole pages of 4 kB, or a third of one."""

    table: str
    name: str
    least_bytes: int
    sealed_as: str = ""
    """The table's name in what is sealed, where the column has moved to another since."""

    def place(self, row: str) -> bytes:
        """Return what binds a value to its row: moved elsewhere it cannot be opened."""
        return f"{self.sealed_as or self.table}|{row}|{self.name}".encode()


NUMBER = Column("items", "number", 128)
ASSIGNED_TO = Column("items", "assigned_to", 128)
DRAFT = Column("drafts", "content", 15 * 1024)
PAYLOAD = Column("effects", "payload", 1024)
REFERENCE = Column("effects", "reference", 256)
DETAILS = Column("event_details", "details", 512, sealed_as="events")
KEY_CHECK = Column("store", "key_check", 64)
CASE_KEY = Column("case_keys", "wrapped", 32)
SECRET = Column("secrets", "wrapped", 32)
"""The last two hold keys, wrapped (keys.py)."""


class Box:
    """One key: seals JSON values and opens them again. `head` = what the sealed values begin with."""

    __slots__ = ("_box", "_head")

    def __init__(self, key: bytes, head: bytes) -> None:
        self._box = AESGCM(key)
        self._head = head

    def seal(self, column: Column, row: str, value: Any) -> bytes:
        """Return the value, encrypted for one row of one column. `value` is anything that is JSON, None too."""
        return self.seal_text(column, row, orjson.dumps(value))

    def seal_text(self, column: Column, row: str, text: bytes) -> bytes:
        """Do the same with a value that `as_text` has made JSON already. What fits in the least bucket is not compressed."""
        if len(text) > VALUE_LIMIT_BYTES:
            raise PermanentQueueError("QUE-017", detail=f"{column.table}.{column.name}, {len(text)} bytes")
        compressed = _HEAD.size + len(text) > column.least_bytes
        body = zlib.compress(text, _FAST) if compressed else text
        padded = (_HEAD.pack(compressed, len(body)) + body).ljust(_bucket(column.least_bytes, _HEAD.size + len(body)), b"\0")
        nonce = os.urandom(NONCE_BYTES)
        return self._head + nonce + self._box.encrypt(nonce, padded, column.place(row))

    def open(self, column: Column, row: str, sealed: bytes) -> Any:
        """Return a sealed value.

        Raises PermanentQueueError when it was changed, moved from another row, or sealed with another key.
        """
        start = len(self._head)
        nonce, body = sealed[start : start + NONCE_BYTES], sealed[start + NONCE_BYTES :]
        try:
            if sealed[:start] != self._head:
                raise InvalidTag
            padded = self._box.decrypt(nonce, body, column.place(row))
        except (InvalidTag, ValueError):
            raise PermanentQueueError("QUE-035", detail=f"{column.table}.{column.name}") from None
        compressed, length = _HEAD.unpack_from(padded)
        text = padded[_HEAD.size : _HEAD.size + length]
        return orjson.loads(zlib.decompressobj().decompress(text, VALUE_LIMIT_BYTES) if compressed else text)


def old_box(key: bytes, key_id: str) -> Box:
    """Return the box of a database from before each case had a key of its own."""
    return Box(key, bytes([BY_DATABASE]) + bytes.fromhex(key_id))


def sealed_by(sealed: bytes) -> int:
    """Return which kind of key has sealed a value, 0 = there is none that could have."""
    return sealed[0] if len(sealed) > _OLD_HEAD_BYTES + NONCE_BYTES else 0


def as_text(value: Any) -> bytes:
    """Return a value as the JSON text that is sealed."""
    return orjson.dumps(value)


def digest(text: bytes) -> str:
    """Return the SHA-256 of a value's text as it is sealed: the same when it is opened again and written anew."""
    return hashlib.sha256(text).hexdigest()


def _bucket(least: int, needed: int) -> int:
    size = least
    while size < needed:
        size *= 2
    return size
