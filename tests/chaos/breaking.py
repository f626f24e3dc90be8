"""Runs one scenario per plan, a few at a time, and says what came of each."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from local.receiver import Receiver
from tests.chaos.plans import Plan, Point, new_marker
from tests.chaos.scenarios import Scenario
from tests.chaos.stacks import ChaosDeployment


@dataclass
class Account:
    """The results of a set of plans.

    Attributes:
        kept: Plans after which every promise held.
        broken: Plans after which a promise did not hold, with the reason.
        missed: Plans that never struck, because the run took another path. Every promise held.
    """

    kept: list[Plan] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    missed: list[Plan] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{len(self.kept)} plans kept, {len(self.missed)} did not come true, {len(self.broken)} broken"


def record(kiln: ChaosDeployment, receiver: Receiver, scenario: Scenario) -> list[Point]:
    """Runs a scenario undisturbed and gives every point that it passes."""
    marker = new_marker()
    scenario(kiln, receiver, marker)
    return kiln.injector.points(marker)


def break_at(
    kiln: ChaosDeployment, receiver: Receiver, scenario: Scenario, plans: Sequence[Plan], *, at_once: int = 3
) -> Account:
    """Runs a scenario once for each plan."""
    account = Account()

    def run(plan: Plan) -> None:
        marker = new_marker()
        kiln.injector.arm(marker, plan)
        try:
            scenario(kiln, receiver, marker)
        except Exception as error:  # noqa: BLE001 - whatever breaks is the finding, and the others are to be run too
            account.broken[str(plan)] = f"{marker}: {type(error).__name__}: {error}"[:600]
            return
        (account.kept if kiln.injector.has_struck(marker, plan) else account.missed).append(plan)

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(run, plans))
    # A task's calls may depend on the tasks beside it: run the missed plans again, one by one.
    missed, account.missed = account.missed, []
    for plan in missed:
        run(plan)
    return account
