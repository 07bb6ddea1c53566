"""Viet Nam, as data."""
