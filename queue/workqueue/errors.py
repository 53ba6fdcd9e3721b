"""What can go wrong in the queue: try again later, a person must look, or the case is not ours any more.

Every error has a stable code, a sentence, and what to do, all from `ERRORS`; docs/errors.md lists the same. None holds personal data.
"""

from __future__ import annotations

from typing import NamedTuple

KEY_GONE = "QUE-037"


class ErrorText(NamedTuple):
    """What happened, and what ops can do."""

    sentence: str
    remedy: str


ERRORS: dict[str, ErrorText] = {
    "QUE-001": ErrorText(
        "the database is locked by another process or transaction",
        "nothing to do: it is tried again. If it goes on, look for a backup or a tool that holds it",
    ),
    "QUE-002": ErrorText(
        "the database cannot be read or written just now (disk full, or an input/output error)",
        "free disk space or mend the disk; the robot goes on by itself",
    ),
    "QUE-003": ErrorText("the database file is damaged or is no database", "stop the robot and restore the file from a backup"),
    "QUE-004": ErrorText("the database refused a statement", "report it: the program has a bug; the case is left as it was"),
    "QUE-005": ErrorText(
        "the database server cannot be reached, is shutting down, or the connection was lost",
        "start the server or mend the network; the robot goes on by itself, and nothing is lost or doubled",
    ),
    "QUE-006": ErrorText(
        "the database server takes no writes just now (a standby, or set to read-only)",
        "nothing to do while it is being switched over: it is tried again. If it goes on, point `storage.database` at the primary",
    ),
    "QUE-007": ErrorText(
        "the database server has no connection free",
        "nothing to do: it is tried again. If it goes on, raise `max_connections` or find what holds them; a worker needs up to 5",
    ),
    "QUE-008": ErrorText(
        "the database server refused the robot: address, database, user, password, certificate or rights",
        "check `storage.database` and `storage.password_file`, and what the server's log says",
    ),
    "QUE-010": ErrorText(
        "the lease is no longer ours: another worker or a newer application has the case",
        "nothing to do: nothing was stored, and whoever has the case goes on",
    ),
    "QUE-011": ErrorText(
        "a worker was not heard of within its lease, and its case was taken back",
        "nothing to do: the case goes on. If it happens often, raise `work.lease_s` or look for what kills the robot",
    ),
    "QUE-012": ErrorText(
        "this is not allowed in the state the case is in", "look with `bistandsrobot queue show`; docs/states.md lists what is allowed"
    ),
    "QUE-013": ErrorText("no such case in the queue", "give a case id or a case reference as `bistandsrobot queue list` shows them"),
    "QUE-014": ErrorText(
        "a case cannot be closed as delivered while writes are pending",
        "report it: the program has a bug; the case is delivered on the next try",
    ),
    "QUE-015": ErrorText("an effect key is already used", "report it: the program has a bug; nothing was stored"),
    "QUE-016": ErrorText("a receipt came for a write that the case does not have", "report it: the program has a bug; nothing was stored"),
    "QUE-017": ErrorText("what should be stored is larger than the limit", "report it with the size; the case goes to a person"),
    "QUE-020": ErrorText(
        "the database was made by a newer version of the program, and its tables let no older one in",
        "install that version or a later one; docs/operations.md says how a version is taken back",
    ),
    "QUE-021": ErrorText("the database has not been made, or is older than the program", "run `bistandsrobot db upgrade`"),
    "QUE-022": ErrorText("the database is something else's", "check `storage.database` in config.yaml"),
    "QUE-023": ErrorText("the database server is too old", "use PostgreSQL 15 or later"),
    "QUE-024": ErrorText(
        "the tables are newer than the program, so that a copy by it would leave out what it does not know",
        "run the newer version's `backup` or `restore`, or use the server's own tools",
    ),
    "QUE-030": ErrorText(
        "the key file may be read or written by others than its owner",
        "run `chmod 600` on it; if others may have read it, treat the stored data as disclosed",
    ),
    "QUE-031": ErrorText("the key file does not hold 32 bytes in base64", "restore the key file from its backup"),
    "QUE-032": ErrorText(
        "the key is not the one that the database was made with",
        "restore the right key file; without it the stored personal data cannot be read",
    ),
    "QUE-033": ErrorText(
        "the key file is missing although there is a database", "restore the key file from its backup; a new key cannot read what is stored"
    ),
    "QUE-034": ErrorText("the key file cannot be read or made", "check that the folder exists and that the robot's user may write there"),
    "QUE-035": ErrorText(
        "a stored value cannot be decrypted: it was changed, or moved from another row",
        "stop the robot and restore the database from a backup",
    ),
    "QUE-036": ErrorText(
        "the file with the database's password cannot be read, or others than its owner may read it",
        "check `storage.password_file`, and run `chmod 600` on it",
    ),
    "QUE-037": ErrorText(
        "the case's key is not there: its data cannot be read any more",
        "nothing to do for a case whose data was deleted because its time was out; else restore the database from a backup",
    ),
    "QUE-038": ErrorText(
        "a lasting secret is missing in the database",
        "stop the robot and restore the database from a backup: without it the audit cannot be checked",
    ),
    "QUE-039": ErrorText("no master key is configured", "set `storage.key_file`, or give the service the systemd credential `master-key`"),
    "QUE-040": ErrorText(
        "a case's key is wrapped by a master key that this robot does not have",
        "put the new key's line in this machine's key file; the robot reads it again and goes on by itself",
    ),
    "QUE-041": ErrorText(
        "the key file can hold no more keys, and never less than one", "run `bistandsrobot keys rotate --remove-old` first"
    ),
    "QUE-050": ErrorText(
        "the copy of the database cannot be written",
        "check the folder, its rights and the free space; nothing was put there, and what was there is untouched",
    ),
    "QUE-051": ErrorText("there is a file of that name already", "choose another name; it is never overwritten unasked"),
    "QUE-052": ErrorText(
        "the file is not a whole copy of a database: damaged, cut, or something else",
        "nothing was changed: take another copy, one that `bistandsrobot backup` has made",
    ),
    "QUE-053": ErrorText("the copy of the database cannot be read", "check the path and the rights"),
    "QUE-054": ErrorText(
        "there is a database already where the copy was to be restored",
        "a file: `restore --replace` moves it aside. A server: make a new, empty database and point `storage.database` at it",
    ),
    "QUE-055": ErrorText(
        "a robot works on the database, or did a moment ago",
        "stop every robot and command that uses it; of one that was killed the traces are gone after a minute",
    ),
    "QUE-060": ErrorText("no such list of retention", "`bistandsrobot retention list` shows them"),
    "QUE-061": ErrorText(
        "the list of retention is in a state that does not allow this",
        "`bistandsrobot retention show` tells where it is: a proposed list can be approved, an approved one carried out, both withdrawn",
    ),
}


class QueueError(Exception):
    """Base: a code of `ERRORS`, its sentence, and what to do. `detail` = which file or case, never a value from a case."""

    def __init__(self, code: str, *, detail: str = "") -> None:
        text = ERRORS[code]
        where = f" ({detail})" if detail else ""
        super().__init__(f"{code} {text.sentence}{where}; {text.remedy}")
        self.code = code
        self.message = text.sentence
        self.remedy = text.remedy
        self.detail = detail


class RetriableQueueError(QueueError):
    """Try again later: nothing was stored."""


class PermanentQueueError(QueueError):
    """A person must look: nothing was stored."""


class KeyRefused(PermanentQueueError):
    """The key file may not be used."""


class StaleLease(QueueError):
    """The case is no longer this worker's: nothing was stored."""

    def __init__(self, case_ref: str) -> None:
        super().__init__("QUE-010", detail=case_ref)
        self.case_ref = case_ref


class NotAllowed(QueueError):
    """The case is in a state that this cannot be done in: nothing was stored."""

    def __init__(self, code: str = "QUE-012", *, detail: str = "") -> None:
        super().__init__(code, detail=detail)


class NoSuchCase(NotAllowed):
    """Neither a case id nor a case reference in the queue."""

    def __init__(self) -> None:
        super().__init__("QUE-013")
