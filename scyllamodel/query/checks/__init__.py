"""What a statement may say about the keys and indexes of its table, checked before it is sent.

Modules:
    arguments: checks of the arguments of repo methods: a statement, a model, or an instance of one.
    batch_conflicts: detection of writes in one batch that would overwrite one another, by the cells that they change.
    conditions: checks of conditions: the operators that servers support in WHERE and IF, by the type of the column.
    indexes: the indexes and views of a model: whether they serve a condition, and which ones would.
    restrictions: analysis of WHERE: which rows the conditions select, in terms of the keys of a table.
    select: checks of a SELECT before it is sent: whether the table can serve it.
    write: checks of writes before they are sent: whether servers support them.
"""
