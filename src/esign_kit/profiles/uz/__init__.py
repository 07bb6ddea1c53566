"""Uzbekistan, as data."""
