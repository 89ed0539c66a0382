"""DAG ljwx_model_build, last half: decide who serves, and report it."""
