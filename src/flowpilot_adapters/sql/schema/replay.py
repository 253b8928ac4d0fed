"""Rows of logs that were imported."""

from sqlalchemy import BigInteger, Column, Table

from .columns import foreign_key, metadata, primary_key, text_column, uuid_column

imported_row = Table(
    "imported_row",
    metadata,
    uuid_column("account_id"),
    text_column("log"),
    Column("line", BigInteger, nullable=False),
    text_column("case_name"),
    uuid_column("session_id"),
    text_column("outcome"),
    primary_key("imported_row", "log", "line"),
    foreign_key("imported_row", "session", ("session_id",), "session", ("id",)),
)
"""The import's ledger: each row of each log that was replayed."""
