"""How long revocation lists are in force is read from their files: the one that ends first, anew when the file changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from robot.figures import ListDays, list_days
from robot.settings import Settings

NOW = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
LISTS = ("registers", "lists.crl")


def made(*, days_ago: int, of: int) -> bytes:
    """Return a made-up list that was made so many days ago and is in force for so many."""
    key, begun = ec.generate_private_key(ec.SECP256R1()), NOW - timedelta(days=days_ago)
    builder = x509.CertificateRevocationListBuilder().issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "made up")]))
    builder = builder.last_update(begun).next_update(begun + timedelta(days=of))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def naming(settings: Settings, tmp_path: Path) -> Settings:
    """Settings that name a file of lists for the registers."""
    ssbtek = settings.registers.ssbtek
    transport = ssbtek.transport.model_copy(update={"crl_file": tmp_path / LISTS[1]})
    registers = settings.registers.model_copy(update={"ssbtek": ssbtek.model_copy(update={"transport": transport})})
    return settings.model_copy(update={"registers": registers})


def test_of_several_lists_the_one_that_ends_first_counts(naming: Settings, tmp_path: Path) -> None:
    (tmp_path / LISTS[1]).write_bytes(made(days_ago=1, of=30) + b"a line between\n" + made(days_ago=2, of=7))

    assert list_days(naming, NOW) == {LISTS: ListDays(left=5.0, of=7.0)}


def test_a_list_that_has_ended_has_less_than_nothing_left(naming: Settings, tmp_path: Path) -> None:
    (tmp_path / LISTS[1]).write_bytes(made(days_ago=8, of=7))

    assert list_days(naming, NOW) == {LISTS: ListDays(left=-1.0, of=7.0)}


def test_a_new_file_counts_at_the_next_look(naming: Settings, tmp_path: Path) -> None:
    for days_ago, left in ((6, 1.0), (0, 7.0)):
        (tmp_path / "new.crl").write_bytes(made(days_ago=days_ago, of=7))
        (tmp_path / "new.crl").rename(tmp_path / LISTS[1])
        assert list_days(naming, NOW)[LISTS].left == left


@pytest.mark.parametrize("content", [None, b"", b"no list", b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"])
def test_a_file_that_cannot_be_read_is_due_and_has_no_days(naming: Settings, tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / LISTS[1]).write_bytes(content)

    found = list_days(naming, NOW)[LISTS]
    assert found == ListDays(None, None)
    assert found.is_due


def test_who_names_no_lists_is_told_nothing(settings: Settings) -> None:
    assert list_days(settings, NOW) == {}


@pytest.mark.parametrize(
    ("left", "of", "is_due"), [(0.26, 1, False), (0.24, 1, True), (30.0, 365, False), (29.9, 365, True), (-1.0, 7, True)]
)
def test_a_list_is_due_when_a_quarter_of_its_time_is_left_and_never_more_than_a_month_ahead(left: float, of: float, is_due: bool) -> None:
    assert ListDays(left, of).is_due is is_due
