"""DAG ljwx_model_build, first half: plan a model and verify what was built."""
