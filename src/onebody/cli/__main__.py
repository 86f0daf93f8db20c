"""``python -m onebody.cli`` is ``onebody``."""

from onebody.cli import main

main()
