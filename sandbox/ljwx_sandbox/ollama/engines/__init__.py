"""What answers behind the API: llama.cpp on a GGUF file, or a script; and which of them are loaded."""
