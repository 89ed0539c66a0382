"""The small market of `support_chain`, for the tests of the stages."""

from __future__ import annotations

from support_chain import chain, chain_db, db, ingested, market, market_db, market_process

__all__ = ["chain", "chain_db", "db", "ingested", "market", "market_db", "market_process"]
