"""Copying generated images into S3: CPU, speed and memory beside a raw relay and the obvious way."""
