"""Check the robot's audit with nothing of the robot: python3 verify_audit.py DATABASE [HEADS]. How it is made: decisions/0006."""

import hashlib
import sqlite3
import sys
from datetime import datetime


def verify(database: str, heads: str | None = None) -> list[str]:
    """Return what is wrong, a sentence each. For a copy of a SQLite database; a PostgreSQL table has the same columns."""
    kept: dict[int, dict[str, datetime]] = {}
    for line in open(heads, encoding="ascii") if heads else ():
        seq, digest, written = line.split()
        kept.setdefault(int(seq), {})[digest] = datetime.fromisoformat(written)
    previous, last, wrong = "0" * 64, 0, []
    query = "SELECT seq, at, what, actor, case_ref, event_id, details_hash, hash FROM events ORDER BY seq"
    for seq, at, what, actor, case_ref, event_id, details_hash, found in sqlite3.connect(f"file:{database}?mode=ro", uri=True).execute(
        query
    ):
        if seq != last + 1:
            wrong.append(f"event {last + 1} is missing before event {seq}")
        row = "\n".join((previous, str(seq), at.replace(" ", "T") + "Z", what, actor, case_ref, event_id, details_hash))
        if hashlib.sha256(row.encode()).hexdigest() != found:
            wrong.append(f"event {seq} is changed, exchanged or put in")
        if what == "store.restored":  # from a copy that ended with the line before: what was kept between the two is lost, not cut off
            restored = datetime.fromisoformat(at + "+00:00")
            kept = {one: {key: on for key, on in old.items() if one < seq or on > restored} for one, old in kept.items()}
        if kept.pop(seq, {}).keys() - {found}:
            wrong.append(f"event {seq} is not the one whose head was kept")
        previous, last = found, seq
    return wrong + [f"event {seq} was kept as a head and is not there" for seq in sorted(kept) if kept[seq]]


if __name__ == "__main__":
    problems = verify(*sys.argv[1:3])
    print("\n".join(problems) or "The audit is whole.")
    sys.exit(bool(problems))
