"""The roles of the state machines: the local AWS asks none for its role, so what AWS would refuse must be read here."""

from __future__ import annotations

import pytest

from tests.unit.template.permissions import WORKFLOWS, granted_to_workflow, needed_by_workflow


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_state_machine_may_do_what_its_states_call_for_and_nothing_else(name):
    assert needed_by_workflow(name)
    assert granted_to_workflow(name) == needed_by_workflow(name)
