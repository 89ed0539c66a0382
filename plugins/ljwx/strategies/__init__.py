"""How a model is made from a dataset: one module a strategy."""
