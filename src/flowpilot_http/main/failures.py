"""What keeps the program from running, said for whoever runs it."""


class CannotRun(Exception):
    """What is missing or wrong, and what to do about it."""


def first_line(exc: BaseException) -> str:
    """The line of it that is fit to be shown."""
    return (str(exc).strip().splitlines() or [type(exc).__name__])[0]
