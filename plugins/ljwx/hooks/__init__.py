"""The only layer that speaks to a peer: TuShare, Ollama, the warehouse."""
