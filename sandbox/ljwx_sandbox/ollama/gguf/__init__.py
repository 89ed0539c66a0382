"""GGUF files, read as far as Ollama's API speaks of them."""
