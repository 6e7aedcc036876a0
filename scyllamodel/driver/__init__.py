"""The only room that knows the driver: sessions, the pinned coordinator, reads of ``system_schema``, errors."""
