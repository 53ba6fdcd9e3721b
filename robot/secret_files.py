"""Files with secrets must be readable by the robot alone: what is wrong is told by the setting's name."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from connectors.transport.settings import TransportSettings

_CREDENTIALS_FOLDER = "CREDENTIALS_DIRECTORY"
_TOO_MANY = stat.S_IWGRP | stat.S_IRWXO
"""The group may read: a key is often kept for the group of those programs that use it."""


def unsafe_key(transport: TransportSettings) -> str | None:
    """Return what is wrong with the rights of our client key's file; None = nothing, or there is no such file."""
    setting = "client_key_file" if transport.client_key_file else "client_certificate_file"
    file = transport.client_key_file or transport.client_certificate_file
    return f"{setting}: everybody on this machine may read or change the key in it; run `chmod 640` on it" if _is_open(file) else None


def unsafe_password(file: Path | None) -> str | None:
    """Return what is wrong with the rights of a password's file; None = nothing, or there is no such file."""
    return "everybody on this machine may read or change the password; run `chmod 600` on it" if _is_open(file) else None


def _is_open(file: Path | None) -> bool:
    """Say whether too many may read or write a file. A systemd credential is kept from others by its folder."""
    folder = os.environ.get(_CREDENTIALS_FOLDER)
    if file is None or (folder and file.parent == Path(folder)):
        return False
    try:
        return bool(file.stat().st_mode & _TOO_MANY)
    except OSError:
        return False
