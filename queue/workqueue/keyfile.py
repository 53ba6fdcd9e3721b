"""The file that the master keys stand in: one on each line, the newest first. It is only ever put in place whole.

A systemd credential of the name `CREDENTIAL` may stand in for it: it is read the same way, and never written.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from workqueue.errors import KeyRefused

KEY_BYTES = 32
LINES_LIMIT = 16
CREDENTIAL = "master-key"
_CREDENTIALS_FOLDER = "CREDENTIALS_DIRECTORY"
_FILE_LIMIT_BYTES = 1024


def credential() -> Path | None:
    """Return where systemd has put the credential, None when it has not.

    One that cannot be reached is there all the same: it is refused when it is read, and no other key is taken for it.
    """
    folder = os.environ.get(_CREDENTIALS_FOLDER)
    place = Path(folder) / CREDENTIAL if folder else None
    if place is not None:
        try:
            place.stat()
        except PermissionError:
            return place
        except OSError:
            return None
    return place


def read_secrets(path: Path) -> tuple[bytes, ...]:
    """Read the key file: 32 bytes in base64 on each line.

    Raises KeyRefused when it is missing, when group or others may read or write it, or when a line does not hold 32 bytes.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(_FILE_LIMIT_BYTES)
    except OSError as error:
        raise KeyRefused("QUE-034", detail=f"{path}: {type(error).__name__}") from None
    # A systemd credential is kept from others by its folder and an access list, which shows as the group's bits.
    if mode & (stat.S_IRWXG | stat.S_IRWXO) and path != credential():
        raise KeyRefused("QUE-030", detail=str(path))
    try:
        found = tuple(base64.b64decode(line.strip(), validate=True) for line in text.strip().split(b"\n"))
    except (binascii.Error, ValueError):
        raise KeyRefused("QUE-031", detail=str(path)) from None
    if len(found) > LINES_LIMIT or any(len(one) != KEY_BYTES for one in found):
        raise KeyRefused("QUE-031", detail=str(path))
    return found


def create(path: Path, lines: Sequence[bytes]) -> bool:
    """Put a whole key file in place in one step, or leave the one that another process put there first; return whether it was put."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _draft(path, lines) as draft:
            try:
                os.link(draft, path)
            except FileExistsError:
                return False
        _flush_folder(path.parent)
    except OSError as error:
        raise KeyRefused("QUE-034", detail=f"{path}: {type(error).__name__}") from None
    return True


def replace(path: Path, lines: Sequence[bytes]) -> None:
    """Put these keys in the file's place in one step, within `changing`: who reads it meanwhile sees the old lines or the new ones."""
    if not 0 < len(lines) <= LINES_LIMIT:
        raise KeyRefused("QUE-041", detail=str(path))
    try:
        owner = path.stat()
        for left in path.parent.glob(f".{path.name}.*"):
            # Of one that was killed at this: it holds keys, too.
            left.unlink(missing_ok=True)
        with _draft(path, lines) as draft:
            if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
                # Made by root for the robot's user: it must be able to read it still.
                os.chown(draft, owner.st_uid, owner.st_gid)
            draft.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        raise KeyRefused("QUE-034", detail=f"{path}: {type(error).__name__}") from None


@contextlib.contextmanager
def changing(path: Path) -> Iterator[None]:
    """Keep other processes of this machine from changing the file while the block runs."""
    try:
        folder = os.open(path.parent, os.O_RDONLY)
    except OSError as error:
        raise KeyRefused("QUE-034", detail=f"{path}: {type(error).__name__}") from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


@contextlib.contextmanager
def _draft(path: Path, lines: Sequence[bytes]) -> Iterator[Path]:
    """Write a file beside the key file, on disk before it is given out; it is gone afterwards unless it was put in place."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(b"".join(base64.b64encode(line) + b"\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
