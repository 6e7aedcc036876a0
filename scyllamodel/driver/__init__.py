"""The only package that imports the driver: sessions, the pinned coordinator, reads and writes of rows, errors."""
