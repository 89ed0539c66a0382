"""``python -m ljwx.cli`` is the command `ljwx`."""

from ljwx.cli.app import main

main()
