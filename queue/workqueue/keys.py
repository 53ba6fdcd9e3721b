"""The master key: a file with 32 random bytes, made at first start, which only the robot's user may read."""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import secrets
import stat
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from workqueue.errors import KeyRefused

KEY_BYTES = 32
KEY_ID_BYTES = 4
_FILE_LIMIT_BYTES = 1024


class MasterKey:
    """32 secret bytes. What is used is derived from them; `key_id` names the key and tells nothing about it."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise KeyRefused("QUE-031")
        self._secret = secret
        self.key_id = self.derive(b"key id", KEY_ID_BYTES).hex()

    def __repr__(self) -> str:
        return f"MasterKey({self.key_id})"

    def derive(self, purpose: bytes, length: int = KEY_BYTES) -> bytes:
        """Return a key for one purpose."""
        return HKDF(algorithm=SHA256(), length=length, salt=None, info=b"bistandsrobot " + purpose).derive(self._secret)

    @classmethod
    def load(cls, path: Path) -> MasterKey:
        """Read the key file.

        Raises KeyRefused when it is missing, when group or others may read or write it, or when it does not hold 32 bytes.
        """
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                text = file.read(_FILE_LIMIT_BYTES)
        except OSError as error:
            raise KeyRefused("QUE-034", detail=f"{path}: {type(error).__name__}") from None
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise KeyRefused("QUE-030", detail=str(path))
        try:
            return cls(base64.b64decode(text.strip(), validate=True))
        except (binascii.Error, ValueError, KeyRefused):
            raise KeyRefused("QUE-031", detail=str(path)) from None

    @classmethod
    def load_or_create(cls, path: Path, *, database: Path | None = None) -> MasterKey:
        """Read the key file, or make it when there is none. Two processes that start at once get the same key.

        With `database` given, a key that is missing while the database is there is refused: a lost key is never replaced in silence.
        """
        had_database = database is not None and database.exists()
        if not path.exists():
            if had_database:
                raise KeyRefused("QUE-033", detail=str(path))
            _create(path)
        return cls.load(path)


def _create(path: Path) -> None:
    """Put a whole key file in place in one step, or leave the one that another process put there first."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
        _flush_folder(path.parent)
    except OSError as error:
        raise KeyRefused("QUE-034", detail=f"{path}: {type(error).__name__}") from None


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
