"""A program on a terminal."""

import os
import pty
import subprocess
from contextlib import suppress


def on_a_terminal(command: list[str], **environment: str) -> str:
    """What a command that ends writes to standard error where that is a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs, env=os.environ | environment
    ) as ended:
        os.close(theirs)
        said = b""
        # Linux says that nobody is there any more by an error.
        with suppress(OSError):
            while more := os.read(ours, 65_536):
                said += more
    os.close(ours)
    assert 0 == ended.returncode, said
    return said.decode().replace("\r\n", "\n")
