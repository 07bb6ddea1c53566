"""EU DSS, as a small Maven project."""
