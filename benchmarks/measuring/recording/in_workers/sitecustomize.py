"""Python loads this on start-up if its folder is on the path: in the Lambda workers of a stack that is recorded."""

import importlib
import os

if "AWS_LAMBDA_FUNCTION_NAME" in os.environ and "KILN_RECORDING_DIR" in os.environ:
    # By its bare name: only this folder is on the workers' path.
    importlib.import_module("worker_notes").install()
