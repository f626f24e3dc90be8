"""Lambda's handler: the function's own, imported with the garbage collector off."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Iterator

import pytest

_APP = """
import gc
is_collecting = gc.isenabled()

def handler(event, context):
    return event
"""


@pytest.fixture(autouse=True)
def _cold(tmp_path, monkeypatch) -> Iterator[None]:
    (tmp_path / "app.py").write_text(_APP, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("app", "kiln_lambda.entry"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield
    # Nothing is unfrozen: what the ring's imports have left stays out of the collector's sight (conftest.py).
    for name in ("app", "kiln_lambda.entry"):
        sys.modules.pop(name, None)


def test_handler_is_the_functions_own_and_its_imports_are_exempt_from_collection():
    frozen = gc.get_freeze_count()
    entry = importlib.import_module("kiln_lambda.entry")
    app = sys.modules["app"]
    assert entry.handler is app.handler
    assert (app.is_collecting, gc.isenabled()) == (False, True)
    assert gc.get_freeze_count() > frozen
