"""Peers that need more than Python."""
