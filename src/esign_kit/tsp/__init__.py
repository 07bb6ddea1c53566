"""Time-stamps by themselves: reading one, asking an authority for one (RFC 3161)."""
