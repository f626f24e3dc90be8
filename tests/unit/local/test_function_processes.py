"""The local AWS's functions start as forks of a process with the libraries, and cannot tell it from a new one."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local import function_processes
from local.function_processes import FunctionProcess, FunctionProcesses

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives orphans another parent")

SCRIPT = """
import json, os, sys
print(json.dumps({
    "given": sys.stdin.readline(), "arguments": sys.argv, "path": sys.path[0], "folder": os.getcwd(),
    "environment": dict(os.environ), "modules": sorted(sys.modules), "name": __name__, "parent": os.getppid(),
}), flush=True)
sys.stdin.readline()
raise ValueError("the second line")
"""


def without_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes Python's variables, as the local AWS has none."""
    for name in [name for name in os.environ if name.startswith("PYTHON")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def processes() -> Iterator[FunctionProcesses]:
    with pytest.MonkeyPatch.context() as patched:
        without_python(patched)
        started = FunctionProcesses()
        yield started
        started.stop()


@pytest.fixture
def script(tmp_path: Path) -> Path:
    file = tmp_path / "_worker.py"
    file.write_text(SCRIPT)
    return file


def start(processes: FunctionProcesses, script: Path, **env: str) -> FunctionProcess | subprocess.Popen[str]:
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    command = [sys.executable, str(script)]
    return processes.start(command, cwd=str(script.parent), env=env, text=True, bufsize=1, **pipes)


def talk(process: FunctionProcess | subprocess.Popen[str]) -> dict[str, Any]:
    """Sends a line. Returns what the script answers."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("the first line\n")
    answer: dict[str, Any] = json.loads(process.stdout.readline())
    return answer


def end(process: FunctionProcess | subprocess.Popen[str]) -> str:
    """Closes the input. Returns the log."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.close()
    log = process.stderr.read()
    process.wait(timeout=10)
    process.stdout.close()
    process.stderr.close()
    return log


def test_fork_has_the_libraries_and_nothing_else_of_its_parent(processes: FunctionProcesses, script: Path) -> None:
    process = start(processes, script, STAGE="test")
    found = talk(process)
    assert {"boto3", "pydantic", "httpx"} < set(found.pop("modules"))
    assert found == {
        "given": "the first line\n",
        "arguments": [str(script)],
        "path": str(script.parent),
        "folder": str(script.parent),
        "environment": {"STAGE": "test"},
        "name": "__main__",
        "parent": os.getpid(),
    }
    assert process.poll() is None
    assert "ValueError: the second line" in end(process)
    assert process.returncode == 1


def test_fork_imports_no_module_of_the_local_stack(processes: FunctionProcesses, script: Path) -> None:
    process = start(processes, script)
    assert not [name for name in talk(process)["modules"] if name.partition(".")[0] in ("local", "kiln")]
    end(process)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_fork_is_ended_by_a_signal(processes: FunctionProcesses, script: Path, ending: signal.Signals) -> None:
    process = start(processes, script)
    talk(process)
    process.terminate() if ending == signal.SIGTERM else process.kill()
    end(process)
    assert process.poll() == -ending
    process.kill()


def test_wait_for_a_running_fork_times_out(processes: FunctionProcesses, script: Path) -> None:
    process = start(processes, script)
    talk(process)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.01)
    end(process)


def test_layer_with_libraries_of_its_own_gets_a_new_interpreter(processes: FunctionProcesses, script: Path) -> None:
    layer = script.parent / "layer_0"
    (layer / "python" / "botocore").mkdir(parents=True)
    process = start(processes, script, _LAMBDA_LAYERS_DIRS=str(layer))
    assert "boto3" not in talk(process)["modules"]
    end(process)


def test_other_variable_of_python_gets_a_new_interpreter(processes: FunctionProcesses, script: Path) -> None:
    process = start(processes, script, PYTHONPATH=str(script.parent))
    assert "boto3" not in talk(process)["modules"]
    end(process)


def test_sitecustomize_is_loaded_again_with_the_environment_of_the_fork(
    script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (script.parent / "sitecustomize.py").write_text("import os\nif 'STAGE' in os.environ:\n    import antigravity")
    (script.parent / "antigravity.py").write_text("")
    without_python(monkeypatch)
    path = os.pathsep.join([str(script.parent), *sys.path])
    monkeypatch.setenv("PYTHONPATH", path)
    processes = FunctionProcesses()
    process = start(processes, script, PYTHONPATH=path, STAGE="test")
    assert {"boto3", "antigravity"} < set(talk(process)["modules"])
    end(process)
    processes.stop()


def test_local_aws_starts_its_functions_as_forks(processes: FunctionProcesses, monkeypatch: pytest.MonkeyPatch) -> None:
    from ministack.core import lambda_runtime

    monkeypatch.setattr(lambda_runtime, "subprocess", subprocess)
    monkeypatch.setattr(function_processes, "FunctionProcesses", lambda: processes)
    function_processes.fork_functions()
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", "import sys\nloaded = 'httpx' in sys.modules\ndef handler(event, _): return loaded")
    config = {
        "Handler": "app.handler",
        "Runtime": "python3.13",
        "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:f",
    }
    worker = lambda_runtime.Worker("f", config, code.getvalue())
    try:
        assert worker.invoke({}, "request")["result"] is True
    finally:
        process = worker._proc
        worker.kill()
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()


def test_lost_process_with_the_libraries_is_replaced_by_new_interpreters(script: Path) -> None:
    lost = FunctionProcesses()
    lost._process.kill()
    lost._process.wait()
    process = start(lost, script)
    assert "boto3" not in talk(process)["modules"]
    end(process)
    lost.stop()
