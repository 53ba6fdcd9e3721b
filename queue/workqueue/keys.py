"""The master key: 32 random bytes that wrap the keys of cases and the secrets that outlive it.

There may be several (keyfile.py): the first is the newest, and the others still open what they have wrapped.

    wrapped = the master key's id (4 bytes), nonce (12), AES-256-GCM of the secret, bound to its place
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from workqueue.errors import KeyRefused, PermanentQueueError
from workqueue.keyfile import KEY_BYTES, create, read_secrets, replace

KEY_ID_BYTES = 4
NONCE_BYTES = 12
_WRAPPING = b"wrapped keys"


def new_secret() -> bytes:
    """Return what a new master key is made of."""
    return secrets.token_bytes(KEY_BYTES)


class MasterKey:
    """32 secret bytes. What is used is derived from them; `key_id` names the key and tells nothing about it."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise KeyRefused("QUE-031")
        self._secret = secret
        self.key_id = self.derive(b"key id", KEY_ID_BYTES).hex()
        self._head = bytes.fromhex(self.key_id)
        self._wrapping = AESGCM(self.wrapping_key())

    def __repr__(self) -> str:
        return f"MasterKey({self.key_id})"

    def derive(self, purpose: bytes, length: int = KEY_BYTES) -> bytes:
        """Return a key for one purpose."""
        return HKDF(algorithm=SHA256(), length=length, salt=None, info=b"bistandsrobot " + purpose).derive(self._secret)

    def wrapping_key(self) -> bytes:
        """Return what wraps: derived, so that the master key itself encrypts nothing."""
        return self.derive(_WRAPPING)

    def wrap(self, place: bytes, secret: bytes) -> bytes:
        """Return a secret, wrapped for one place."""
        nonce = os.urandom(NONCE_BYTES)
        return self._head + nonce + self._wrapping.encrypt(nonce, secret, place)

    def unwrap(self, place: bytes, wrapped: bytes) -> bytes:
        """Return a secret that this key has wrapped. Raises PermanentQueueError when it was changed or belongs to another place."""
        start = KEY_ID_BYTES + NONCE_BYTES
        try:
            if wrapped[:KEY_ID_BYTES] != self._head:
                raise InvalidTag
            return self._wrapping.decrypt(wrapped[KEY_ID_BYTES:start], wrapped[start:], place)
        except (InvalidTag, ValueError):
            raise PermanentQueueError("QUE-035", detail="a wrapped key") from None

    @classmethod
    def load(cls, path: Path) -> MasterKey:
        """Read the key file, and return its first key. Raises KeyRefused as `read_secrets`."""
        return cls(read_secrets(path)[0])

    @classmethod
    def load_or_create(cls, path: Path, *, database: Path | None = None) -> MasterKey:
        """Read the key file, or make it when there is none. Two processes that start at once get the same key.

        With `database` given, a key that is missing while the database is there is refused: a lost key is never replaced in silence.
        """
        had_database = database is not None and database.exists()
        if not path.exists():
            if had_database:
                raise KeyRefused("QUE-033", detail=str(path))
            create(path, [new_secret()])
        return cls.load(path)


class MasterKeys:
    """The lines of the key file: any of them opens what it has wrapped. One that is not known is looked for in the file once more."""

    def __init__(self, keys: Sequence[MasterKey], *, read_again: Callable[[], Sequence[MasterKey]] | None = None) -> None:
        self._keys = {one.key_id: one for one in keys}
        self._read_again = read_again

    def __repr__(self) -> str:
        return f"MasterKeys({', '.join(self._keys)})"

    @classmethod
    def of(cls, key: MasterKey | MasterKeys) -> MasterKeys:
        """Return the keys of a file, or one key as if it were alone in a file."""
        return key if isinstance(key, MasterKeys) else cls([key])

    @classmethod
    def load(cls, path: Path) -> MasterKeys:
        """Read the key file. Raises KeyRefused as `read_secrets`."""

        def read() -> list[MasterKey]:
            return [MasterKey(one) for one in read_secrets(path)]

        return cls(read(), read_again=read)

    @classmethod
    def load_or_create(cls, path: Path, *, database: Path | None = None) -> MasterKeys:
        """Read the key file, or make it when there is none, as `MasterKey.load_or_create` does."""
        MasterKey.load_or_create(path, database=database)
        return cls.load(path)

    @property
    def first(self) -> MasterKey:
        """The first line's key: the newest."""
        return next(iter(self._keys.values()))

    @property
    def ids(self) -> tuple[str, ...]:
        """The names of all keys, in the file's order."""
        return tuple(self._keys)

    def known(self, key_id: str) -> MasterKey:
        """Return the key with that id. Raises KeyRefused when there is none, not even in the file as it is now."""
        found = self._keys.get(key_id)
        if found is None and self._read_again is not None:
            self._keys = {one.key_id: one for one in self._read_again()}
            found = self._keys.get(key_id)
        if found is None:
            raise KeyRefused("QUE-032", detail=f"key {key_id} is needed; there is {', '.join(self._keys)}")
        return found

    def unwrap(self, place: bytes, wrapped: bytes) -> bytes:
        """Return a secret that one of the keys has wrapped. Raises KeyRefused, or PermanentQueueError when it was changed."""
        return self.known(wrapped[:KEY_ID_BYTES].hex()).unwrap(place, wrapped)


def add_key(path: Path) -> str:
    """Put a new key first in the key file, and return its id."""
    new = new_secret()
    replace(path, [new, *read_secrets(path)])
    return MasterKey(new).key_id


def new_key_file(path: Path, *, beside: Path | None) -> str:
    """Make a file with a new key and, after it, those of the file `beside`; return the new one's id. A file that is there is left."""
    new = new_secret()
    if not create(path, [new, *(read_secrets(beside) if beside else ())]):
        raise KeyRefused("QUE-034", detail=f"{path}: there is a file of that name")
    return MasterKey(new).key_id


def remove_keys(path: Path, key_ids: Sequence[str]) -> None:
    """Take keys out of the key file; the others stay in their order."""
    replace(path, [one for one in read_secrets(path) if MasterKey(one).key_id not in key_ids])
