"""What the core asks of the world, answered with a technology each: a database, a mail server, memory, the system's clock.

One module or package per technology, and none knows another. Adapters decide nothing: they store, send and isolate as the
docstrings of `flowpilot_core.ports` promise.
"""
