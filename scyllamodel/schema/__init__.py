"""States of a schema, and the steps between them."""
