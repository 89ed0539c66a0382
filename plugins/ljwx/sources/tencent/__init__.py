"""Tencent's k-lines: bars without any token, for the stocks that the connection names. See README.md."""
