"""North Macedonia, as data."""
