"""DAG ljwx_model_build: ask the frozen questions and score the answers."""
