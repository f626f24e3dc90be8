"""The TLS context of connections to public servers: one for the provider, webhooks and image bytes."""

from __future__ import annotations

import os
import ssl
from functools import cache

import certifi


@cache
def public_context() -> ssl.SSLContext:
    """The context, made once per process: reading 117 roots takes 20 to 60 ms of CPU, so no connection repeats it.

    ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` replace the roots, as for httpx and OpenSSL.
    """
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    is_named = bool(file or folder)
    return ssl.create_default_context(cafile=file or (None if is_named else certifi.where()), capath=folder or None)
