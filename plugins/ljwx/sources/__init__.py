"""Sources of market data, one folder a source, each giving the same frames (``core.bars.canonical``).

A source's folder has ``source`` (what it offers, in canonical frames), ``client`` (its requests), ``wire`` (its
answers), ``endpoint`` (what its connection may say) and a README with its limits and traps. `hooks/market.py` lists
them.
"""
