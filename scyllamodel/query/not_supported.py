"""The error for a statement that servers do not support, made in one place so that all have one form."""

from __future__ import annotations

from scyllamodel.errors import QueryNotSupported


def not_supported(reason: str, *suggestions: str, needs: tuple[str, ...] = ()) -> QueryNotSupported:
    """Return the error for a statement that servers do not support."""
    return QueryNotSupported(f"{reason} {' '.join(suggestions)}".rstrip(), needs=needs, helps=suggestions)
