"""TLS is always verified, and our own certificate is shown to who asks for it."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from structlog.testing import capture_logs

from connectors.errors import RetriableError
from connectors.transport import Transport, TransportSettings, trust
from tests.connectors.transport_server import RawServer, answer, raw

QUICK: dict[str, Any] = {"backoff_first_s": 0, "backoff_max_s": 0, "total_timeout_s": 60, "attempts": 1}


class Authority:
    """A made-up certificate authority that lasts for one test."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} (made up)")])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self._sign(self._name, self._key.public_key(), ca=True))

    def _sign(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, ca: bool, expired: bool = False) -> bytes:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=2))
            .not_valid_after(now + datetime.timedelta(days=-1 if expired else 1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def revoking(self, *certificates: Path, in_force: bool = True) -> Path:
        """Return the file of a revocation list with these certificates on it."""
        now = datetime.datetime.now(datetime.UTC)
        ends = now + datetime.timedelta(days=1 if in_force else -1)
        builder = x509.CertificateRevocationListBuilder().issuer_name(self._name)
        builder = builder.last_update(now - datetime.timedelta(days=2)).next_update(ends)
        for file in certificates:
            number = x509.load_pem_x509_certificate(file.read_bytes()).serial_number
            revoked = x509.RevokedCertificateBuilder().serial_number(number).revocation_date(now - datetime.timedelta(hours=1)).build()
            builder = builder.add_revoked_certificate(revoked)
        file = self._folder / f"{len(certificates)}-{in_force}.crl"
        file.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return file

    def issue(self, name: str, *, expired: bool = False) -> tuple[Path, Path]:
        """Return the files of a certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate, key_file = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate.write_bytes(self._sign(subject, key.public_key(), ca=False, expired=expired))
        key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        return certificate, key_file


def served_by(certificate: tuple[Path, Path], *, asks_for: Path | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    if asks_for is not None:
        context.load_verify_locations(asks_for)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


async def ask(url: str, **settings: Any) -> int:
    transport = Transport(url, TransportSettings(**(QUICK | settings)), neighbour="registers")
    try:
        return (await transport.request("POST", "/x", json={}, repeatable=False)).status
    finally:
        await transport.aclose()


async def test_a_neighbour_is_believed_only_with_a_certificate_of_the_named_authority(tmp_path: Path) -> None:
    ours, other = Authority(tmp_path, "ours"), Authority(tmp_path, "other")
    async with RawServer(answer()).running(served_by(ours.issue("server"))) as server:
        assert await ask(server.url, ca_file=ours.file) == 200
        for settings in ({"ca_file": other.file}, {}):
            with pytest.raises(RetriableError, match="NET-002") as caught:
                await ask(server.url, **settings)
            assert not caught.value.unknown_outcome
        with pytest.raises(RetriableError, match="NET-002"):
            await ask(server.url.replace("127.0.0.1", "localhost"), ca_file=ours.file)
    assert len(server.requests) == 1


async def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    ours = Authority(tmp_path, "ours")
    async with RawServer(answer()).running(served_by(ours.issue("server", expired=True))) as server:
        with pytest.raises(RetriableError, match="NET-002"):
            await ask(server.url, ca_file=ours.file)


async def test_a_revoked_certificate_is_refused_and_so_is_one_that_no_list_in_force_tells_of(tmp_path: Path) -> None:
    ours, other = Authority(tmp_path, "ours"), Authority(tmp_path, "other")
    shown = ours.issue("server")
    async with RawServer(answer()).running(served_by(shown)) as server:
        assert await ask(server.url, ca_file=ours.file, crl_file=ours.revoking()) == 200
        for lists, code in (
            (ours.revoking(shown[0]), "NET-019"),
            (ours.revoking(in_force=False), "NET-020"),
            (other.revoking(), "NET-020"),
        ):
            with pytest.raises(RetriableError, match=code) as caught:
                await ask(server.url, ca_file=ours.file, crl_file=lists)
            assert not caught.value.unknown_outcome
    assert len(server.requests) == 1


@pytest.fixture
def looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "LOOK_EVERY_S", 0.0)


@pytest.mark.usefixtures("looks_each_time")
async def test_new_lists_count_without_a_restart_and_take_no_answer_that_is_on_its_way(tmp_path: Path) -> None:
    ours = Authority(tmp_path, "ours")
    shown, lists = ours.issue("server"), tmp_path / "lists.crl"
    ours.revoking().rename(lists)
    released = asyncio.Event()

    async def slow(writer: asyncio.StreamWriter) -> bool:
        await released.wait()
        return await answer()(writer)

    async with RawServer(slow).running(served_by(shown)) as server:
        settings = TransportSettings(**QUICK, ca_file=ours.file, crl_file=lists)
        transport = Transport(server.url, settings, neighbour="registers")
        on_its_way = asyncio.create_task(transport.request("POST", "/x", json={}, repeatable=False))
        await server.has_read(1)
        ours.revoking(shown[0]).rename(lists)
        with capture_logs() as said, pytest.raises(RetriableError, match="NET-019"):
            await transport.request("POST", "/x", json={}, repeatable=False)
        released.set()
        assert (await on_its_way).status == 200
        with pytest.raises(RetriableError, match="NET-019"):
            await transport.request("POST", "/x", json={}, repeatable=False)
        ours.revoking().rename(lists)
        assert (await transport.request("POST", "/x", json={}, repeatable=False)).status == 200
        await transport.aclose()
    assert [(one["event"], one["neighbour"]) for one in said] == [("neighbour.lists_read", "registers")]


@pytest.mark.usefixtures("looks_each_time")
async def test_new_lists_that_cannot_be_read_are_told_of_once_and_the_old_ones_go_on(tmp_path: Path) -> None:
    ours = Authority(tmp_path, "ours")
    lists = tmp_path / "lists.crl"
    ours.revoking().rename(lists)
    async with RawServer(answer()).running(served_by(ours.issue("server"))) as server:
        settings = TransportSettings(**QUICK, ca_file=ours.file, crl_file=lists)
        transport = Transport(server.url, settings, neighbour="registers")
        with capture_logs() as said:
            for spoil in (lambda: lists.write_text("half a list"), lists.unlink, lambda: None):
                spoil()
                assert (await transport.request("POST", "/x", json={}, repeatable=False)).status == 200
            ours.revoking().rename(lists)
            assert (await transport.request("POST", "/x", json={}, repeatable=False)).status == 200
        await transport.aclose()
    assert [(one["event"], one.get("code")) for one in said] == [("neighbour.lists_not_read", "NET-021"), ("neighbour.lists_read", None)]


async def test_an_authority_that_is_not_ours_is_told_apart_from_lists_that_are_old(tmp_path: Path) -> None:
    ours, other = Authority(tmp_path, "ours"), Authority(tmp_path, "other")
    async with RawServer(answer()).running(served_by(other.issue("server"))) as server:
        with pytest.raises(RetriableError, match="NET-002"):
            await ask(server.url, ca_file=ours.file, crl_file=ours.revoking())


def test_a_file_without_revocation_lists_is_named_by_its_setting_at_start(tmp_path: Path) -> None:
    ours, broken = Authority(tmp_path, "ours"), tmp_path / "broken.pem"
    broken.write_text("not a list")
    for file in (broken, tmp_path / "missing.pem", ours.file):
        with pytest.raises(ValueError, match="crl_file"):
            Transport("https://registers.example", TransportSettings(ca_file=ours.file, crl_file=file), neighbour="registers")


async def test_our_own_certificate_when_expired_or_missing_gets_no_answer_and_nothing_is_sent_in_clear(tmp_path: Path) -> None:
    ours = Authority(tmp_path, "ours")
    tls = served_by(ours.issue("server"), asks_for=ours.file)
    async with RawServer(answer()).running(tls) as server:
        certificate, key = ours.issue("robot", expired=True)
        for settings in ({}, {"client_certificate_file": certificate, "client_key_file": key}):
            with pytest.raises(RetriableError, match="NET-") as caught:
                await ask(server.url, ca_file=ours.file, **settings)
            assert "robot" not in str(caught.value)
    assert server.requests == []


async def test_our_certificate_is_shown_to_a_neighbour_that_asks_for_it(tmp_path: Path) -> None:
    ours, other = Authority(tmp_path, "ours"), Authority(tmp_path, "other")
    tls = served_by(ours.issue("server"), asks_for=ours.file)
    async with RawServer(answer()).running(tls) as server:
        certificate, key = ours.issue("robot")
        assert await ask(server.url, ca_file=ours.file, client_certificate_file=certificate, client_key_file=key) == 200
        wrong, wrong_key = other.issue("stranger")
        for settings in ({}, {"client_certificate_file": wrong, "client_key_file": wrong_key}):
            with pytest.raises(RetriableError):
                await ask(server.url, ca_file=ours.file, **settings)
    assert len(server.requests) == 1


async def test_tls_is_not_given_up_when_the_neighbour_speaks_plain_http() -> None:
    async with RawServer(raw(b"")).running() as server:
        with pytest.raises(RetriableError, match=r"NET-00[12]"):
            await ask(server.url.replace("http:", "https:"), connect_timeout_s=0.3)
    assert server.requests == []


@pytest.mark.parametrize("setting", ["ca_file", "client_certificate_file"])
def test_a_certificate_file_that_cannot_be_read_is_named_by_its_setting_at_start(setting: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("not a certificate")
    for file in (broken, tmp_path / "missing.pem"):
        with pytest.raises(ValueError, match=setting):
            Transport("https://registers.example", TransportSettings(**{setting: file}), neighbour="registers")


def test_a_key_without_its_certificate_is_refused() -> None:
    with pytest.raises(ValueError, match="client_key_file"):
        TransportSettings(client_key_file=Path("key.pem"))
