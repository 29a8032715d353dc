"""What every test can ask for."""

import os
import signal

pytest_plugins = ("tests.sandbox_fixture",)

# The command is started hundreds of times: without compiled files each start would compile all of it again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A shell starts what it runs in the background with interrupts ignored, which children inherit; tests send them.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
