"""Python loads this by itself where the folder is on its path: in the Lambda workers of a chaos stack."""

import os

if "AWS_LAMBDA_FUNCTION_NAME" in os.environ and "KILN_CHAOS_DIR" in os.environ:
    import interception

    interception.install()
