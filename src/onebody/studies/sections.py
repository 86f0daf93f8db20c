"""The sections that a study may have besides its grid, by their key under ``study:``."""

from onebody.studies.section import SECTIONS

__all__ = ["SECTIONS"]
