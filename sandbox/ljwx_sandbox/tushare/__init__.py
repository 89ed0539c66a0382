"""A TuShare server on this machine: the real wire, tiers and errors, over a simulated market or a folder of real rows.

An independent peer: it imports nothing of the product, so that a test against it is a test against somebody else's
code.
Start it with ``python -m ljwx_sandbox.tushare``.
"""
