"""Files of users: read whole and bounded, written whole or not at all, locked, and decoded."""
