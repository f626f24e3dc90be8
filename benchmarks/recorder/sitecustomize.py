"""Python loads this by itself where the folder is on its path: in the Lambda workers of a stack that is recorded."""

import os

if "AWS_LAMBDA_FUNCTION_NAME" in os.environ and "KILN_RECORDING_DIR" in os.environ:
    import witness

    witness.install()
