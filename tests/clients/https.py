"""An https address in front of the stack, as AWS gives it one: ends TLS and passes every request on as it came."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from pathlib import Path
from typing import Self

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from local.reverse_proxy import ReverseProxy
from local.serving import ServerThread, take_port

HOST = "kiln.localhost"
LOOPBACK = "127.0.0.1"


class HttpsFront:
    """Serves inside a ``with`` block.

    Attributes:
        url: Its address, known before the stack behind it is started.
        certificate: The file to trust.
    """

    def __init__(self, folder: Path) -> None:
        self._listening = take_port(0)
        self.url = f"https://{HOST}:{self._listening.getsockname()[1]}"
        self.certificate = folder / "certificate.pem"
        self._key = folder / "key.pem"
        _write_certificate(self.certificate, self._key)
        self._proxy = ReverseProxy()

    def lead_to(self, http_url: str) -> None:
        """Sets the address that is behind it."""
        self._proxy.forward_to(http_url)

    def __enter__(self) -> Self:
        self._server = ServerThread(self._proxy.app, self._listening, (self.certificate, self._key))
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()


class ThroughTheFront(httpx.HTTPTransport):
    """A transport that knows where the name of the front leads, as not every resolver does."""

    def __init__(self, front: HttpsFront) -> None:
        super().__init__(verify=ssl.create_default_context(cafile=str(front.certificate)))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == HOST:
            request.url = request.url.copy_with(host=LOOPBACK)
        return super().handle_request(request)


def _write_certificate(certificate: Path, key: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(HOST), x509.IPAddress(ipaddress.ip_address(LOOPBACK))])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        .add_extension(_usage(), critical=True)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def _usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
