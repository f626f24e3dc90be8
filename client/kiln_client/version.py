"""The version of the package: what it is built as, and what it says of itself to the API."""

from __future__ import annotations

VERSION = "0.1.0"
