"""Parts without hardware, and kits that check a plugin against its interface."""
