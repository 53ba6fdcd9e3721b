"""Encryption of one stored value: AES-256-GCM, bound to its place, padded so that its length tells little.

A sealed value is: format (1 byte), key id (4), nonce (12), then the encrypted body and its tag. The body is: compressed or not (1),
length (4), the JSON, and zeros up to a bucket: the least size of the column doubled as often as needed. Compressing first lets nearly
all drafts, long or short, land in the same bucket.
"""

from __future__ import annotations

import hashlib
import secrets
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from workqueue.errors import PermanentQueueError
from workqueue.keys import MasterKey

_FORMAT = b"\x01"
_NONCE_BYTES = 12
_HEAD = struct.Struct(">BI")
_COMPRESS_ABOVE_BYTES = 512
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


class Sealer:
    """Seals JSON values and opens them again."""

    def __init__(self, key: MasterKey) -> None:
        self._box = AESGCM(key.derive(b"stored values"))
        self._head = _FORMAT + bytes.fromhex(key.key_id)

    def seal(self, column: Column, row: str, value: Any) -> bytes:
        """Return the value, encrypted for one row of one column. `value` is anything that is JSON, None too."""
        text = orjson.dumps(value)
        if len(text) > VALUE_LIMIT_BYTES:
            raise PermanentQueueError("QUE-017", detail=f"{column.table}.{column.name}, {len(text)} bytes")
        compressed = len(text) > _COMPRESS_ABOVE_BYTES
        body = zlib.compress(text, _FAST) if compressed else text
        padded = (_HEAD.pack(compressed, len(body)) + body).ljust(_bucket(column.least_bytes, _HEAD.size + len(body)), b"\0")
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return self._head + nonce + self._box.encrypt(nonce, padded, column.place(row))

    def open(self, column: Column, row: str, sealed: bytes) -> Any:
        """Return a sealed value.

        Raises PermanentQueueError when it was changed, moved from another row, or sealed with another key.
        """
        start = len(self._head)
        nonce, body = sealed[start : start + _NONCE_BYTES], sealed[start + _NONCE_BYTES :]
        try:
            if sealed[:start] != self._head:
                raise InvalidTag
            padded = self._box.decrypt(nonce, body, column.place(row))
        except (InvalidTag, ValueError):
            raise PermanentQueueError("QUE-035", detail=f"{column.table}.{column.name}") from None
        compressed, length = _HEAD.unpack_from(padded)
        text = padded[_HEAD.size : _HEAD.size + length]
        return orjson.loads(zlib.decompressobj().decompress(text, VALUE_LIMIT_BYTES) if compressed else text)


def digest(value: Any) -> str:
    """Return the SHA-256 of a value as it is sealed: the same when it is opened again."""
    return hashlib.sha256(orjson.dumps(value)).hexdigest()


def _bucket(least: int, needed: int) -> int:
    size = least
    while size < needed:
        size *= 2
    return size
