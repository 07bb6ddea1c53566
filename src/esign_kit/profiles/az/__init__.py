"""Azerbaijan, as data."""
