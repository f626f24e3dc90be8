"""The TLS context of connections to public servers."""

from __future__ import annotations

import ssl
from pathlib import Path

import certifi
import pytest

from kiln import trust
from kiln.images import result_links, storage
from kiln.request_deadline import DeadlineTransport
from kiln.trust import public_context


@pytest.fixture(autouse=True)
def _cold(monkeypatch):
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    for made_once in (public_context, storage.http, result_links.guarded_http):
        made_once.cache_clear()
    yield
    for made_once in (public_context, storage.http, result_links.guarded_http):
        made_once.cache_clear()


def test_public_servers_are_verified_with_certifis_roots():
    context = public_context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.cert_store_stats()["x509_ca"] > 100


def test_roots_of_the_build_are_read_only_when_a_chain_needs_them(monkeypatch, tmp_path):
    monkeypatch.setattr(trust, "_PUBLIC_ROOTS", tmp_path)
    context = public_context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.cert_store_stats()["x509_ca"] == 0


def test_named_bundle_replaces_the_roots(monkeypatch, tmp_path):
    first = "-----END CERTIFICATE-----\n"
    bundle = tmp_path / "one.pem"
    bundle.write_text(Path(certifi.where()).read_text("utf-8").partition(first)[0] + first, "utf-8")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    assert public_context().cert_store_stats()["x509_ca"] == 1


def test_all_connections_to_public_servers_share_one_context():
    links, images = (pool.connection_pool_kw["ssl_context"] for pool in (result_links.guarded_http(), storage.http()))
    assert links is images is public_context()
    assert DeadlineTransport(1)._pool._ssl_context is public_context()
