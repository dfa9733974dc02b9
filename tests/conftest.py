"""What holds for every test."""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As in a test run that was started in the background. Every process that it starts would ignore Ctrl-C as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)
