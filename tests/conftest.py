"""Lists the fixtures' homes, nothing else; the server comes from the package's own pytest plugin."""
