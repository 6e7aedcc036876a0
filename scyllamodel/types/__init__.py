"""CQL types: as values, and as the names that annotations use."""
