"""`flowpilot` with its stack looked at after every few milliseconds of processor time: `python -m bench.sampled serve …`.

On SIGUSR1 it writes what was seen since the last time into the file that the environment names, and begins anew.
"""

import json
import os
import signal
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Final

from flowpilot_http.cli import main

FILE: Final = "BENCH_SAMPLES"
EVERY: Final = 0.001
"""Seconds of processor time; the kernel looks at its clock less often than that."""
DEEPEST: Final = 40
"""Frames of a stack that are kept, those on top."""

_seen: Counter[tuple[str, ...]] = Counter()


def _look(_: int, frame: FrameType | None) -> None:
    stack: list[str] = []
    while frame is not None and len(stack) < DEEPEST:
        code = frame.f_code
        stack.append(f"{code.co_filename}:{code.co_qualname}")
        frame = frame.f_back
    _seen[tuple(stack)] += 1


def _tell(_: int, __: FrameType | None) -> None:
    # A copy, made at once: the other signal may come in the middle of this.
    seen = _seen.copy()
    _seen.clear()
    told = [[count, *stack] for stack, count in seen.items()]
    unfinished = Path(f"{os.environ[FILE]}.new")
    unfinished.write_text(json.dumps(told))
    unfinished.rename(os.environ[FILE])


if __name__ == "__main__":
    signal.signal(signal.SIGPROF, _look)
    signal.signal(signal.SIGUSR1, _tell)
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    main()
