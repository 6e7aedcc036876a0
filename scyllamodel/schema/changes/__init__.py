"""Everything that one kind of change can do: its CQL, description, effects, postcondition, JSON and undo."""
