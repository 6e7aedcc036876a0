"""Rules that judge changes: what is refused, what is warned of, and the suggested fix."""
