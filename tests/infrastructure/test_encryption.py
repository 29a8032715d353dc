"""Plan files and states that only the engine can read, as OpenTofu's `encryption` block makes them."""

import base64
from pathlib import Path

import pytest

from orchestrator.infrastructure.modules import reopen_plan, state_stamp
from tests.infrastructure.ground import ECHO, Ground, values, with_engine

pytestmark = pytest.mark.integration

_ENCRYPTION = """
terraform {{
  encryption {{
    key_provider "external" "given" {{
      command = ["/bin/sh", "{keys}"]
    }}
    method "aes_gcm" "given" {{
      keys = key_provider.external.given
    }}
    state {{
      method   = method.aes_gcm.given
      enforced = true
    }}
    plan {{
      method   = method.aes_gcm.given
      enforced = true
    }}
  }}
}}
"""
_KEY = base64.b64encode(bytes(range(32))).decode()
# A key that is given takes no time, and one that is derived from words takes the better part of a second each time.
_KEYS = f"""\
echo '{{"magic": "OpenTofu-External-Key-Provider", "version": 1}}'
cat > /dev/null
echo '{{"keys": {{"encryption_key": "{_KEY}", "decryption_key": "{_KEY}"}}, "meta": {{"external_data": {{}}}}}}'
"""


@pytest.fixture
def encrypting(ground: Ground, opentofu: Path, tmp_path: Path) -> Ground:
    """Return a ground with a module whose plans and states OpenTofu encrypts."""
    keys = tmp_path / "keys.sh"
    keys.write_text(_KEYS, encoding="utf-8")
    ground.write("modules/echo/main.tf", ECHO + _ENCRYPTION.format(keys=keys))
    return with_engine(ground, opentofu)


def test_a_plan_file_that_cannot_be_read_is_no_plan_without_a_state(encrypting: Ground) -> None:
    """The state is asked for: else what is there would be taken for lost, and an apply refused."""
    ground, workspace = encrypting, encrypting.workspace()
    ground.apply(workspace, {"text": "one"})

    unchanged = ground.plan(workspace, {"text": "one"})
    changed = ground.plan(workspace, {"text": "two"})

    assert unchanged.state_stamp == changed.state_stamp == state_stamp(workspace) != ""
    assert (unchanged.plan_file, values(unchanged.outputs)) == (None, {"text": "one"})
    assert changed.plan_file is not None
    content = changed.plan_file.read_bytes()
    assert not content.startswith(b"PK")  # what a plan file is that can be read
    again = reopen_plan(workspace, content, state_stamp=changed.state_stamp)
    assert again.changes == changed.changes
