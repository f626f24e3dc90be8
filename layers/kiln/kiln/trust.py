"""The TLS context of connections to public servers: one for the provider, webhooks and image bytes."""

from __future__ import annotations

import os
import ssl
from functools import cache
from pathlib import Path

import certifi

_PUBLIC_ROOTS = Path(__file__).with_name("public_roots")
"""certifi's roots as files that OpenSSL looks up by their names, made by the build; elsewhere there are none."""


@cache
def public_context() -> ssl.SSLContext:
    """The context, made once per process: reading 117 roots takes 20 to 60 ms of CPU, so no connection repeats it.

    From the build's folder, OpenSSL reads only the roots of the chains that it verifies. ``SSL_CERT_FILE`` and
    ``SSL_CERT_DIR`` replace the roots, as for httpx and OpenSSL.
    """
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if file or folder:
        return ssl.create_default_context(cafile=file or None, capath=folder or None)
    if _PUBLIC_ROOTS.is_dir():
        return ssl.create_default_context(capath=_PUBLIC_ROOTS)
    return ssl.create_default_context(cafile=certifi.where())
