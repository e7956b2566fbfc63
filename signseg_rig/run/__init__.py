"""A run: put together from its experiment, checked, and driven turn by turn."""
