"""The table of bodies, against the handlers."""

from __future__ import annotations

import pytest

from tests.support.functions import call, sample, with_headers
from tests.world.in_process import _environment, _furnished, _no_sockets, cloud, measured  # noqa: F401 - fixtures
from tests.world.request_bodies import ROWS, Row


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_body_has_its_outcome(cloud, row: Row):  # noqa: F811
    # The gateway replaces what is not UTF-8.
    event = sample("api-create", body=row.body.decode("utf-8", errors="replace"))
    status, answer, headers = call("submit", with_headers(event, **(row.headers or {})))
    assert (status, answer["code"]) == (400 if row.code else 200, row.code), answer["message"]
    assert row.says in answer["message"]
    assert headers.get("Kiln-Ignored-Fields", "") == row.ignored
    if row.stored is not None:
        task_id = answer["data"]["task_id"]
        path = f"/v1/images/multi-image2image/{task_id}/request"
        _, request, _ = call("query", sample("api-query-one", path=path, pathParameters={"id": task_id}))
        assert {name: request["data"][name] for name in row.stored} == row.stored
