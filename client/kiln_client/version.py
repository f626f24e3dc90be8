"""The version of the package, also sent to the API."""

from __future__ import annotations

VERSION = "0.1.0"
