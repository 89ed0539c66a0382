"""Alembic's entry: runs the migrations on the connection that `ljwx.migrations.upgrade` hands over."""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"], version_table="schema_version", version_table_schema="ljwx"
)
context.run_migrations()
