"""Processor time of one call."""

import time
from collections.abc import Callable


def cpu_milliseconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return 1e3 * (time.process_time() - start)
