"""Steps of `benchmarks.gpu` that fail, end their process, lose the device or never end."""

import faulthandler
import os
import signal
import time


def broken(on):
    on.found["before"] = 1
    raise ZeroDivisionError("a kernel\nof two lines")


def empty(on):
    raise ValueError("nothing")


def fine(on):
    return {"left": on.left(), "nan": float("nan")}


def ends(on):
    """Try four cases, of which two end the process, and the last raises."""
    end = {
        "exits": lambda: os._exit(3),
        "crashes": lambda: os.kill(os.getpid(), signal.SIGSEGV),
        "raises": lambda: 1 / 0,
        "right": os.getpid,
    }
    for name in ("exits", "right", "crashes", "raises"):
        on.each(on.found, name, end[name])
    return on.found


def hangs(on):
    for name in ("first", "second"):
        on.each(on.found, name, time.sleep, 0 if name == "first" else 1000)
    return on.found


def hangs_briefly(on):
    for name, seconds in (("first", 1000), ("second", 0)):
        on.each(on.found, name, time.sleep, seconds, most=0.1)
    return on.found


def ends_at_once(on):
    os.kill(os.getpid(), signal.SIGKILL)


def ends_always(on):
    for number in range(20):
        on.each(on.found, number, os._exit, 1)


def loses(on):
    """Behave as CUDA does: after a bad kernel, waiting fails for the rest of the process."""

    def fail():
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    def bad():
        on.wait = fail

    on.each(on.found, "good", lambda: 1)
    on.each(on.found, "bad", bad)
    on.each(on.found, "next", lambda: 2)
    return on.found


def loses_at_last(on):
    on.wait = lambda: 1 / 0
    return {"all": "well"}


def deaf(on):
    faulthandler.cancel_dump_traceback_later()
    time.sleep(1000)
