"""What every test can ask for."""

import os

pytest_plugins = ("tests.sandbox_fixture",)

# The command is started hundreds of times: without compiled files each start would compile all of it again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
