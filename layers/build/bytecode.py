"""Compiles everything for the runtime, in a form that is valid wherever and whenever it is unpacked."""

from __future__ import annotations

import compileall
import sys
from pathlib import Path
from py_compile import PycInvalidationMode


class NotCompiledError(Exception):
    """Something in the build does not compile; the compiler has said what."""


def compile_all(folder: Path) -> None:
    """Puts a ``.pyc`` beside every source, marked as never to be checked against it.

    Lambda's file system can't be written to and an unpacked archive has new file times: what is not compiled here, or
    is compiled in the ordinary form, would be compiled again at every cold start.

    Raises:
        NotCompiledError: A source does not compile.
    """
    done = compileall.compile_dir(
        folder, maxlevels=50, quiet=1, stripdir=folder, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH
    )
    if not done:
        raise NotCompiledError(f"{folder} does not compile with Python {sys.version.split()[0]}")
