"""What "the same" means for options, indexes, views and replication."""
