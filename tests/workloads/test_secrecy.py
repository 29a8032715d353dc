"""What a manifest's Secrets give away, and to whom it must not be shown."""

import base64
import textwrap
from pathlib import Path

from orchestrator.plans.redaction import Secrets
from orchestrator.workloads.secrecy import learn_wanted
from tests.workloads.builders import rendered

_VALUE = "correct-horse-battery-staple " * 5


def test_a_value_in_several_lines_is_learnt(tmp_path: Path) -> None:
    """The value that base64 in several lines stands for is a secret, and so is the same base64 in one line."""
    encoded = base64.b64encode(_VALUE.encode()).decode()
    lines = textwrap.indent("\n".join(textwrap.wrap(encoded, 76)), "    ")
    text = f"""
apiVersion: v1
kind: Secret
metadata: {{name: login}}
data:
  password: |
{lines}
"""
    secrets = Secrets()
    learn_wanted(rendered(tmp_path, text).objects, secrets)
    assert _VALUE not in secrets.redact(f"the password is {_VALUE}")
    assert encoded not in secrets.redact(f"in base64: {encoded}")
    assert "horse" not in secrets.redact(f"the password is {_VALUE}")
