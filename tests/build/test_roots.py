"""The layer's roots: each is a file that OpenSSL finds by its name, and a handshake reads it."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.bindings.openssl.binding import Binding
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from benchmarks.measuring.copying.certificate import write_certificate
from layers.build.name_hash import name_hash
from layers.build.roots import hash_roots


@pytest.fixture
def library(native: Path) -> Path:
    return native / "KilnLayer/python"


def test_every_public_root_is_a_file_of_the_name_that_openssl_looks_up(library):
    roots = sorted((library / "kiln/public_roots").iterdir())
    assert len(roots) == Path(certifi.where()).read_text("utf-8").count("BEGIN CERTIFICATE")
    assert [path.stem for path in roots] == [openssl_name_hash(path.read_bytes()) for path in roots]


@pytest.mark.parametrize("name", ["Root", " Two  Spaces ", "ÄÖÜ École", "根证书", "a" * 60])
@pytest.mark.parametrize("kind", [_ASN1Type.UTF8String, _ASN1Type.BMPString])
def test_name_hash_is_openssls(name, kind):
    attributes = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
        x509.NameAttribute(NameOID.COMMON_NAME, name, _type=kind),
    ]
    subject = x509.Name([x509.RelativeDistinguishedName(attributes), x509.RelativeDistinguishedName([attributes[1]])])
    key = ec.generate_private_key(ec.SECP256R1())
    begin = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), 1, begin, begin + dt.timedelta(days=1))
    made = builder.sign(key, hashes.SHA256())
    assert name_hash(made.public_bytes(Encoding.DER)) == openssl_name_hash(made.public_bytes(Encoding.PEM))


def openssl_name_hash(pem: bytes) -> str:
    library, ffi = Binding.lib, Binding.ffi
    certificate = library.PEM_read_bio_X509(library.BIO_new_mem_buf(pem, len(pem)), ffi.NULL, ffi.NULL, ffi.NULL)
    return f"{library.X509_subject_name_hash(certificate):08x}"


@pytest.mark.parametrize("is_trusted", [True, False])
def test_handshake_finds_its_root_by_name(tmp_path, is_trusted):
    certificate, key = write_certificate(tmp_path)
    hash_roots(certificate if is_trusted else Path(certifi.where()), tmp_path / "roots")
    trusting = ssl.create_default_context(capath=tmp_path / "roots")
    answering = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    answering.load_cert_chain(certificate, key)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    server = answering.wrap_bio(to_server, to_client, server_side=True)
    verified = True
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError:
            verified = False
            break
    assert verified is is_trusted
