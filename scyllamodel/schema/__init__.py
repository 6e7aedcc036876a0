"""Facts about schemas, and everything that compares, changes, checks and writes them. Nothing here does I/O."""
