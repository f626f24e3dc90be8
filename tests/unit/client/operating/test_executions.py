"""The names of executions, written and parsed."""

from __future__ import annotations

import pytest

from kiln_cli.operating.executions import parse, write

RUN = "0f1e2d_1795000000000"


@pytest.mark.parametrize("run", ["0f1e2d", RUN])
@pytest.mark.parametrize("times", [0, 1, 12])
def test_written_name_is_parsed_into_its_parts(run: str, times: int) -> None:
    found = parse(write(run, times))
    assert found is not None
    assert (found.task_id, found.run, found.times) == ("0f1e2d", run, times)


@pytest.mark.parametrize("name", ["", "xyz", f"{RUN}-succeed", f"{RUN}-again-", f"TASK#{RUN}"])
def test_other_name_is_not_parsed(name: str) -> None:
    assert parse(name) is None
