"""Lambda's handler of every function: imports the function's ``app`` with the garbage collector off.

Imported modules stay for good, so the collector need not look through them, neither meanwhile nor later.
"""

from __future__ import annotations

import gc
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kiln_lambda.observability import Handler

gc.disable()
handler: Handler = import_module("app").handler
gc.freeze()
gc.enable()
