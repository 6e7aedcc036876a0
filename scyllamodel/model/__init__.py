"""Models, views and user types: from a class body to schema facts and to functions that load and bind rows."""
