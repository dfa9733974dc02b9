"""What holds for every test."""

import gc
import os
import signal
import sys

from hypothesis import HealthCheck, settings

# No test is timed, and every machine tries the same examples, CI or not: a test that fails there fails here.
settings.register_profile(
    "everywhere",
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=(HealthCheck.too_slow,),
)
settings.load_profile("everywhere")

# Else each of the hundreds of processes that tests start would compile dides anew, for a third of its starting time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As in a test run that was started in the background. Every process that it starts would ignore Ctrl-C as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)

for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
    # Everything is on this machine here; a test that wants a proxy names its own.
    os.environ.pop(name, None)
    os.environ.pop(name.upper(), None)

# The collector would walk through all that is imported again and again: a tenth of the time of the model check.
gc.set_threshold(50_000, 20, 50)


def pytest_collection_finish() -> None:
    """Leave what every test needs out of the collector's sight."""
    gc.collect()
    gc.freeze()
