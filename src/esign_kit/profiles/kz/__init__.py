"""Kazakhstan, as data."""
