"""The tests that one worker runs after another: those of a file, and those of files that use the same stacks."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
_SHARED = {
    "e2e/console": "console",
    "integration/test_deadlines.py": "redeployed",
    "integration/test_provider_faults.py": "redeployed",
    "integration/test_webhooks_statuses.py": "redeployed",
}
"""Files and folders that share a stack beside the ring's own."""

_LONGEST = (
    "console",
    "redeployed",
    "e2e/test_command_line.py",
    "integration/test_drop.py",
    "integration/test_chaos_short.py",
    "integration/test_acceptance.py",
    "integration/test_openapi_fuzz.py",
    "world/test_provider_answers.py",
    "integration/test_slots.py",
    "integration/test_accounts.py",
    "e2e/test_kiln_command.py",
    "e2e/test_operator_command.py",
    "e2e/test_real_provider.py",
)
"""The groups that take longest. They begin first, so that no worker is left with one at the end."""


def pytest_configure() -> None:
    """Lets tests interrupt their child processes, which inherit that a run in the background ignores Ctrl-C."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _group(path: Path) -> str:
    name = path.relative_to(TESTS).as_posix()
    return next((group for place, group in _SHARED.items() if name.startswith(place)), name)


def _rank(item: pytest.Item) -> int:
    group = _group(item.path)
    return _LONGEST.index(group) if group in _LONGEST else len(_LONGEST)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Names each test's group for ``--dist loadgroup``, and puts the longest groups first."""
    if config.getoption("dist", default="no") != "loadgroup":
        return
    items.sort(key=_rank)
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item.path)))
