"""Tencent k-lines: their wire and their endpoint."""
