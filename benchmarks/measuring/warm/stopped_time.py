"""Stops the time of this process, so that how fast it runs changes nothing that it does."""

from __future__ import annotations

import sys
import time
from functools import partial

_LONG_SECONDS = 1_000.0


def stop() -> None:
    """Stop the clocks of the module ``time``, and never interrupt a thread that runs.

    Kiln keeps what it has read for one second, ten seconds or minutes. Under valgrind a request takes longer than some
    of these, so without this its reads would be repeated in some requests and not in others.
    """
    now = time.time_ns()
    moments = {"time_ns": now, "time": now / 1e9, "monotonic": time.monotonic()}
    for name, moment in moments.items():
        setattr(time, name, partial(_same, moment))
    sys.setswitchinterval(_LONG_SECONDS)


def _same(moment: float) -> float:
    return moment
