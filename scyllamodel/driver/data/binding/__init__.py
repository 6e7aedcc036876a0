"""Python values to the bytes of a request, checked.

Modules:
    binder: functions that bind Python values to a prepared statement.
    canonical_encoding: a byte encoding of statement values that is equal in every process.
    collection_order: puts sets and maps inside frozen values into the order that servers use.
    serializers: fast serializers for checked and ordered values, with the driver's bytes.
    strict_values: checks for values that the driver would silently store as something else.
    user_types: reorders values of user types to the field order of the server.
"""
