"""The processes that are measured: each function of the build, and the reference, ready to be started many times."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from benchmarks.measuring.cold_start.functions import STARTS, Start
from benchmarks.measuring.cold_start.lambda_environment import (
    bare_python,
    environment,
    handlers,
    isolated,
    native_build,
    reference_libraries,
)
from benchmarks.measuring.cold_start.runtime import END, INITIALISE, INVOKE, REFERENCE
from benchmarks.measuring.cold_start.stand_in import stand_in


@dataclass(frozen=True)
class Process:
    """A command with its environment."""

    command: list[str]
    environment: dict[str, str]


@dataclass(frozen=True)
class Processes:
    """The reference, and the functions beside it."""

    reference: Process
    functions: dict[Start, Process]


@contextlib.contextmanager
def processes(only: Collection[str] = (), *, sampled: bool = False) -> Iterator[Processes]:
    """Yield the processes while AWS, the provider and the reference's libraries are there.

    Args:
        only: Names of functions; all if empty.
        sampled: Whether X-Ray samples the invocation.
    """
    build, python = native_build(), bare_python()
    layer, handler = build / "KilnLayer", handlers(build)
    with stand_in() as address, reference_libraries(python) as whole:
        script = INITIALISE + INVOKE + END
        functions = {}
        for each in STARTS:
            if not only or each.function in only:
                arguments = [str(build / each.folder), handler[each.folder], json.dumps(each.payload())]
                command = isolated(python, script, *arguments)
                functions[each] = Process(command, environment(layer, address, sampled=sampled))
        yield Processes(Process(isolated(python, REFERENCE + END), environment(whole, address)), functions)
