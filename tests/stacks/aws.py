"""AWS on loopback: moto's server in a process of its own, and how programs are sent there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

_REGION = "eu-central-1"
# Port 0 is any free one. The server ends with its stdin, however this side ends.
_SERVER = """
import sys
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aws:
    """An emulated AWS account with nothing in it."""

    address: str

    @property
    def environment(self) -> dict[str, str]:
        """Return this process's environment, with every way to the real AWS taken out of it."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {
            **kept,
            "AWS_ACCESS_KEY_ID": "anyone",
            "AWS_SECRET_ACCESS_KEY": "anything",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": self.address,
        }

    def client(self, service: str) -> Any:
        """Return a client of the service, as boto3 makes it."""
        import boto3

        return boto3.client(
            service,
            region_name=_REGION,
            endpoint_url=self.address,
            aws_access_key_id="anyone",
            aws_secret_access_key="anything",
        )


@contextmanager
def emulated_aws() -> Iterator[Aws]:
    """Run moto's server while the context lasts."""
    with subprocess.Popen(
        (sys.executable, "-c", _SERVER),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            port = server.stdout.readline().strip()
            assert port, "moto's server did not start"
            yield Aws(address=f"http://127.0.0.1:{port}")
        finally:
            server.kill()
