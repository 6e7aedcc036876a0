"""Classes that declare tables, views and user types: from a class body to facts, and from rows to instances.

Modules:
    _codegen: the generated functions that make an instance from a row, and return the values of an instance.
    base: `ModelMeta` and the bare `Model`: a class statement becomes a table.
    base_metaclass: a metaclass that is compatible with those of ``abc.ABC`` and ``Protocol``.
    cached_slots: support for ``functools.cached_property`` on slotted classes.
    change_tracking: change tracking: the row that an instance was loaded from or saved as, and the changes since.
    checked_slots: validators and converters of columns on assignment, as in ``attrs.define``.
    class_annotations: evaluation of the annotations of a class body before the class exists.
    class_body: the columns, fields and keywords that a class body declares, read before the class exists.
    class_data: data that is computed once for a class, on first use, and stored in the class.
    class_keywords: class keywords: their valid values, and inheritance.
    column: columns as class attributes: ``Order.status == "new"`` is a condition, ``order.status`` is a value.
    desired_schema: the schema that model classes declare, as facts by keyspace.
    expression: conditions, orderings and assignments of columns, as plain frozen values.
    field_declaration: the declaration of one column or field: what the class body says of it, and its type.
    fields: the functions that declare columns in a class body: `column`, `partition_key` and `clustering_key`.
    fingerprint: fingerprint of the models of a repo, cheap enough for every start.
    index: `Index`: the declaration of a secondary index in a model, and its facts.
    metaclass: the metaclass of models and views, which creates the class; attrs generates its methods.
    nulls: loading of nulls: None, an empty collection, or the default with ``null_as_default=True``.
    redaction: redaction of the fields of attrs classes, in ``repr`` and in errors of validators and converters.
    registry: a registry of the live models, views and user types, by location in the source.
    single_table: single-table inheritance: several classes share one table.
    static_defaults: defaults of static columns: values of new instances that no insert writes.
    type_parameters: columns of generic bases, whose type variables are replaced in subclasses.
    user_type: `UserType`: a class statement becomes a CQL user type.
    validation: checks of a class body: names, defaults, keys, user types.
    view: `MaterializedView`: a class statement becomes a materialized view of a model.
"""
