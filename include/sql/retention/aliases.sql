SELECT alias, model FROM ljwx.aliases
