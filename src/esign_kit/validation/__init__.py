"""Validation after ETSI EN 319 102-1: one building block per file, named as in the standard."""
