"""Where a database on a PostgreSQL server is, and how it is reached. Holds no password: that is read from its file when needed."""

from __future__ import annotations

import ipaddress
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workqueue.errors import PermanentQueueError

SCHEMES = ("postgresql://", "postgres://")
CREDENTIAL = "database-password"
"""The systemd credential that is used when no password file is named."""
_ALLOWED = frozenset(
    {"host", "port", "dbname", "user", "sslmode", "sslrootcert", "sslcert", "sslkey", "target_session_attrs", "connect_timeout"}
)
_SYSTEM = "system"
_FILES = ("sslrootcert", "sslcert", "sslkey")
_CREDENTIALS_FOLDER = "CREDENTIALS_DIRECTORY"
_PASSWORD_LIMIT_BYTES = 1024


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """A database on a server. `options` = what libpq is told, by its own names."""

    options: Mapping[str, str] = field(hash=False)
    password_file: Path | None = None

    @classmethod
    def parse(cls, url: str) -> PostgresAddress:
        """Return the address in `postgresql://user@host:port/database?...`.

        Raises ValueError, which never quotes the address: somebody may have put a password there.
        """
        # Loaded here alone: who keeps a file pays nothing for the server's driver.
        import psycopg
        from psycopg.conninfo import conninfo_to_dict

        try:
            told = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
        except psycopg.Error:
            raise ValueError("not readable as postgresql://user@host:port/database") from None
        if "password" in told:
            raise ValueError("a password is never written here: put it in a file that the robot alone may read, `storage.password_file`")
        unknown = sorted(set(told) - _ALLOWED)
        if unknown:
            raise ValueError(f"{', '.join(unknown)} cannot be set here; allowed are {', '.join(sorted(_ALLOWED))}")
        if not told.get("dbname"):
            raise ValueError("the name of the database is missing: postgresql://user@host:port/database")
        if not _is_safe(told):
            raise ValueError("a server on another machine is reached only with sslmode=verify-full and sslrootcert=FILE")
        return cls(told)

    def within(self, folder: Path, password_file: Path | None) -> PostgresAddress:
        """Return the same address with its files counted from a folder, and with where its password is."""
        files = {name: os.path.normpath(folder / self.options[name]) for name in _FILES if self.options.get(name, _SYSTEM) != _SYSTEM}
        return PostgresAddress({**self.options, **files}, password_file)

    def __str__(self) -> str:
        host = self.options.get("host", "")
        place = host if not host.startswith("/") else ""
        port = f":{self.options['port']}" if place and "," not in place and "port" in self.options else ""
        return f"postgresql://{place}{port}/{self.options['dbname']}"

    def is_local(self) -> bool:
        """Say whether the server is on this machine."""
        return all(_is_local(host) for host in _hosts(self.options))

    def password(self) -> str | None:
        """Return the password, read anew so that a changed one is used at the next connection; None = there is none to be sent.

        Raises PermanentQueueError when the file cannot be read or others may read it.
        """
        path, is_credential = self.password_file, False
        if path is None and (folder := os.environ.get(_CREDENTIALS_FOLDER)):
            path, is_credential = Path(folder) / CREDENTIAL, True
            if not path.exists():
                return None
        if path is None:
            return None
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                text = file.read(_PASSWORD_LIMIT_BYTES).decode("utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise PermanentQueueError("QUE-036", detail=f"{path}: {type(error).__name__}") from None
        # A systemd credential is kept from others by its folder and an access list, which shows as the group's bits.
        if mode & (stat.S_IRWXG | stat.S_IRWXO) and not is_credential and not _is_in_credentials(path):
            raise PermanentQueueError("QUE-036", detail=f"{path}: run chmod 600 on it")
        return text


def _hosts(options: Mapping[str, str]) -> list[str]:
    return options.get("host", "").split(",")


def _is_local(host: str) -> bool:
    """Say whether a host is this machine: a socket's folder, libpq's own default, or a loopback address."""
    if not host or host.startswith(("/", "@")):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_safe(options: Mapping[str, str]) -> bool:
    if all(_is_local(host) for host in _hosts(options)):
        return True
    return options.get("sslmode") == "verify-full" and bool(options.get("sslrootcert"))


def _is_in_credentials(path: Path) -> bool:
    folder = os.environ.get(_CREDENTIALS_FOLDER)
    return bool(folder) and path.parent == Path(folder or "")
