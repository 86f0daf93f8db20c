"""One network for everything a moving body tells you: pose, action and gesture together."""

__version__ = "0.1.0"
