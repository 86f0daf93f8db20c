"""Tasks: label space to loss, decoding, metrics."""

from onebody.tasks.base import Task

__all__ = ["Task"]
