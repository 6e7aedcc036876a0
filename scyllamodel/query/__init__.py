"""What is asked of the database, as plain values: no server is known here."""
