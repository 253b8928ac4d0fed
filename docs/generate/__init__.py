"""Writes the reference pages from the code's own tables: `python -m docs.generate`, or `make docs`.

With `--check` it writes nothing, names the pages that are not what the code says, and ends with 1 if there is one.
"""
