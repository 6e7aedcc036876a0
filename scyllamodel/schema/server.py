"""What the server at hand is and can do: one value, read once, and the only place where servers differ by name.

*In*: what the server says of itself (rows and version text, passed in). *Out*: a `ServerProfile` whose properties the
other modules ask, so that none of them compares versions.
"""

from __future__ import annotations

from typing import Literal

import attrs


@attrs.frozen
class ServerProfile:
    """One server's abilities.

    Attributes:
        engine: ``cassandra`` or ``scylla``.
        version: the release as numbers, such as ``(5, 0, 6)`` or ``(2025, 4, 1)``; ``()`` when the server hides it.
    """

    engine: Literal["cassandra", "scylla"] = "cassandra"
    version: tuple[int, ...] = (5, 0)

    def __str__(self) -> str:
        return " ".join(filter(None, (self.engine, ".".join(map(str, self.version)))))

    @property
    def is_scylla(self) -> bool:
        """Whether this is ScyllaDB."""
        return self.engine == "scylla"
