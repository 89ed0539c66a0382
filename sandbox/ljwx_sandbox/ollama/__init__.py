"""A local stand-in for an Ollama server: Ollama's HTTP API (its 0.34 line) over llama.cpp, on real GGUF models.

It imports nothing of the product outside `ljwx_sandbox`, so that what it proves about the product is independent of it.
"""
