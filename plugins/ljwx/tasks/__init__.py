"""One module per stage: fetch with a hook, decide in the core, save with a hook."""
