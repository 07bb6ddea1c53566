"""The European Union and everybody who writes EN 319 412-1, as data."""
