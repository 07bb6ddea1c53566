"""Whom to trust: stores, policy, and the engine that finds and judges certificate paths."""
