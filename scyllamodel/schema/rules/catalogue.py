"""The catalogue of the codes that plans and lint show, for ``scyllamodel explain CODE``.

A diagnostic describes one case, with names and statements; an `Entry` describes all cases of its code.
"""

from __future__ import annotations

from typing import Final

import attrs


@attrs.frozen
class Entry:
    """The explanation of one code.

    Attributes:
        code: such as ``TY101``.
        title: a few words.
        cause: what servers do or cannot do.
        example: a declaration or situation that causes it.
        recipe: what to do.
    """

    code: str
    title: str
    cause: str
    example: str
    recipe: str

    def __str__(self) -> str:
        return f"{self.code} {self.title}\n\n{self.cause}\n\nExample: {self.example}\n\nWhat to do: {self.recipe}"


_EXPAND = (
    "Expand, copy, contract: add a new column beside the old one, write both, copy existing values with scyllamodel "
    "backfill, read the new column, remove the old one from the model, and drop it with scyllamodel contract. "
    "scyllamodel plan --expand Order.total prints these stages for your class, as Python and CQL."
)
_NEW_TABLE = (
    "Declare a second table with the new key, write to both, copy existing rows with scyllamodel backfill, read the "
    "new table, and drop the old one with scyllamodel contract. scyllamodel plan --expand Order prints these stages "
    "for your class, as Python and CQL."
)
_ALLOW = "A sync never does this. Drop it with scyllamodel contract when nothing reads it any more."

ENTRIES: Final = (
    Entry(
        "AL101", "A value of allow= had no effect",
        "No refusal of this plan needs this value of allow= or --allow: the name is misspelled, the code is that of "
        "another kind of object, a model declares the object, or an earlier run has dropped it.",
        "scyllamodel contract --allow DS103:orders.legcy",
        "Correct the name, or remove the value. `scyllamodel check` lists the objects that no model declares.",
    ),
    Entry(
        "DS101", "A keyspace would be dropped",
        "All its tables are dropped with it, including the internal tables of the run that drops it.",
        'migrate(repo, steps=[RawStep("DROP KEYSPACE old")])',
        "Only a raw step does this, and only with allow={'DS101:old'}. Drop the keyspace of the internal tables in "
        "cqlsh, when nothing uses it any more.",
    ),
    Entry(
        "DS102", "A table would be dropped",
        "Its rows are deleted on every node.", "DROP TABLE shop.legacy", _ALLOW,
    ),
    Entry(
        "DS103", "A column would be dropped",
        "Its values become unreadable at once, and a new column of this name must have the old type.",
        "ALTER TABLE shop.orders DROP legacy", _ALLOW,
    ),
    Entry(
        "DS104", "A user type would be dropped",
        "A type can only be dropped when no table uses it.", "DROP TYPE shop.legacy_address", _ALLOW,
    ),
    Entry(
        "DS105", "A materialized view would be dropped",
        "Its rows can be rebuilt from its table, which takes a long time for a large table.",
        "DROP MATERIALIZED VIEW shop.orders_by_state", _ALLOW,
    ),
    Entry(
        "DS106", "An index would be dropped",
        "No data is lost, but queries that need the index fail afterwards.",
        "DROP INDEX shop.orders_status_idx", "First deploy code without queries that need it.",
    ),
    Entry(
        "DS107", "A mask would be dropped or replaced",
        "A mask hides the values of a column from roles without UNMASK. Without it, or with another one, these roles "
        "can see hidden values, so no sync drops or replaces a mask.",
        "masked_with='DEFAULT' where mask_hash() is stored; scyllamodel contract on a column without masked_with=",
        "Declare the stored mask with masked_with=, or allow it by name: --allow DS107:users.email",
    ),
    Entry(
        "PK101", "The partition key differs",
        "The partition key determines the nodes of a row; CQL cannot change it.",
        "shop: Column[UUID] = partition_key() on a table whose partition key is (shop, day)", _NEW_TABLE,
    ),
    Entry(
        "PK102", "The clustering key or its order differs",
        "Rows are stored sorted by the clustering key; CQL cannot change it, nor ASC to DESC.",
        "placed = clustering_key(descending=True) on a table that was created with placed ASC", _NEW_TABLE,
    ),
    Entry(
        "PK103", "A key column is new",
        "CQL can add regular and static columns to a table, but no key columns.",
        "region: Column[str] = partition_key() added to a model whose table exists", _NEW_TABLE,
    ),
    Entry(
        "PK104", "The table has a compact layout",
        "It was created WITH COMPACT STORAGE or by Thrift, where ALTER has other effects. It is left unchanged.",
        "a model for a table whose flags are dense, super, or not compound",
        "On Cassandra, run ALTER TABLE … DROP COMPACT STORAGE after reading what that exposes; or copy the rows into a "
        "new table.",
    ),
    Entry(
        "DS108", "The TTL column of a table would be set or unset",
        "Rows of the table expire at the time in its TTL column (ScyllaDB 2026.2). Without it, no row does. If an "
        "existing column becomes the TTL column, rows whose time has passed are deleted. A column that the same plan "
        "adds has no values, and needs no permission.",
        "ends_at: Column[datetime | None] = column(default=None, row_ttl=True) where ends_at is an ordinary column",
        "Check the values first, then allow it by name: --allow DS108:leases.ends_at",
    ),
    Entry(
        "TY101", "The type of a column differs",
        "CQL cannot change the type of a column.", "total: Column[Decimal] on a column that is double", _EXPAND,
    ),
    Entry(
        "TY102", "The type differs in a way that only ScyllaDB can alter",
        "ScyllaDB supports ALTER … TYPE between some types, such as int and varint. Cassandra does not, and neither "
        "can revert it, so it is refused on both.",
        "seats: Column[cql.VarInt] on a column that is int", _EXPAND,
    ),
    Entry(
        "TY103", "A column is frozen on one side only",
        "Frozen values are stored as a whole, others by element; CQL cannot convert one into the other.",
        "tags: Column[cql.Frozen[set[str]]] on a column that is set<text>", _EXPAND,
    ),
    Entry(
        "TY104", "A column is static on one side only",
        "A static column is stored once per partition; CQL cannot convert it into a regular one or back.",
        "column(static=True) on a column that is regular", _EXPAND,
    ),
    Entry(
        "TY105", "A dropped column would be added with another type or kind",
        "Servers remember dropped columns. Cassandra refuses another type or kind, and any user type; ScyllaDB would "
        "read old cells as the new type.",
        "note was dropped as text, and the model declares note: Column[int]",
        "Give the column another name in the database: column(db_name='note_2').",
    ),
    Entry(
        "TY106", "A dropped counter would be added again",
        "Deleted counters can reappear with wrong values, so servers never accept the name again.",
        "hits was a counter and was dropped", "Give the counter another name: column(db_name='hits_2').",
    ),
    Entry(
        "TY107", "Counters and other columns in one table",
        "Besides its key, a table has only counters, or no counters.",
        "hits: Column[cql.Counter] added to a table with regular columns", "Put counters into a separate table.",
    ),
    Entry(
        "TY108", "The server has no such type",
        "Vectors came with Cassandra 5.0 and ScyllaDB 2025.2.", "a vector on Cassandra 4.1",
        "Use a newer server, or frozen<list<float>> without a search.",
    ),
    Entry(
        "TY109", "The server cannot mask columns",
        "Masks came with Cassandra 5.0, and nodes allow them only with dynamic_data_masking_enabled: true. A table "
        "without the declared mask would show its values, so it is not created.",
        "column(masked_with='DEFAULT') on Cassandra 4.1", "Enable masks on every node, or remove masked_with=.",
    ),
    Entry(
        "UD101", "A field of a user type is missing",
        "Values store their fields by position. CQL cannot remove a field.",
        "the model of address lacks the stored field city", "Declare all stored fields in their order.",
    ),
    Entry(
        "UD102", "A field of a user type has another type",
        "CQL cannot change the type of a field.", "zip: int where text is stored",
        "Declare a second type and columns of that type. The refusal shows them.",
    ),
    Entry(
        "UD103", "A type in a partition key would gain a field",
        "It would change the nodes of rows; both servers refuse it, also for the key of a view. ScyllaDB stores an "
        "index as a view, so an indexed type is in a partition key.",
        "a field added to a type that is in the partition key of a table, also inside another type",
        "Declare a second type and a table with it in its key.",
    ),
    Entry(
        "UD104", "Fields of a user type are in another order",
        "Values store their fields by position, and new fields are added at the end.",
        "a new field declared above a stored one", "Keep the stored order and declare new fields last.",
    ),
    Entry(
        "UD105", "Circular user types",
        "A type must exist before another can use it.", "a contains b, and b contains a",
        "Break the cycle: store a key instead of the value in one field.",
    ),
    Entry(
        "UD106", "A non-frozen collection in a non-frozen user type",
        "Cassandra accepts such a field when it is added, but then refuses a column of the type in a new table.",
        "tags: set[str] in a type, and a column of that type that is not Frozen",
        "Freeze the collection, or the column.",
    ),
    Entry(
        "TY110", "The server has no TTL columns",
        "TTL columns came with ScyllaDB 2026.2, and Cassandra has none. A table without it would keep all rows, so it "
        "is not created.",
        "column(row_ttl=True) on Cassandra", "Remove row_ttl, and write rows with a TTL: save(row, ttl=…).",
    ),
    Entry(
        "IX101", "An index on a table that may have rows",
        "It is built in the background; until then queries that use it miss rows.",
        "Index('status') added to a model whose table exists",
        "Wait until it is built before you deploy code that uses it.",
    ),
    Entry(
        "IX102", "The name of an index is taken",
        "Index names are unique in their keyspace, including ScyllaDB's hidden views <index>_index, and servers refuse "
        "the same index under a second name.",
        "Index('status', name='by_status') where another table has an index by_status",
        "Choose another name, or remove name=.",
    ),
    Entry(
        "IX103", "The definition of an index differs",
        "CQL cannot alter the class or the options of an index.",
        "Index('name', using='sai', options={'case_sensitive': 'false'}) where the stored one is case-sensitive",
        "Declare the new index under another name, then drop the old one with scyllamodel contract.",
    ),
    Entry(
        "IX104", "The server has no such index",
        "Storage-attached indexes came with Cassandra 5.0. Only ScyllaDB has local indexes, and it has no SASI.",
        "Index('status', local=True) on Cassandra", "Remove the index for this server.",
    ),
    Entry(
        "IX105", "A change log that an index cannot use",
        "ScyllaDB feeds vector and full-text indexes from the change log of their table. It enables the log "
        "automatically if cdc is not declared. It refuses an index if the log is off, is kept for less than a day, or "
        "lacks the new values, and it refuses to switch the log off under such an index.",
        "TableOptions(cdc=False) on a table with Index('v', using='vector_index')",
        "Remove cdc, or declare it with a ttl of at least 86400, and delta full or postimage.",
    ),
    Entry(
        "MV101", "A view on a table that may have rows",
        "It is built in the background; until then it misses rows.",
        "a MaterializedView added for a model whose table exists",
        "Wait until it is built before you deploy code that reads it.",
    ),
    Entry(
        "MV102", "A view prevents a drop",
        "Servers do not drop a table that has a view. Cassandra drops no column of it, ScyllaDB none that the view "
        "uses.",
        "ALTER TABLE shop.orders DROP legacy, while shop.orders_by_status exists", "Drop the view first.",
    ),
    Entry(
        "MV103", "The definition of a view differs",
        "CQL cannot alter the key, columns or filter of a view.",
        "a column added to a MaterializedView that exists",
        "Declare it under a new name, wait until it is built, read it, and drop the old one.",
    ),
    Entry(
        "MV104", "Materialized views are disabled",
        "Cassandra disables them unless cassandra.yaml enables them.",
        "a MaterializedView and a node with materialized_views_enabled: false",
        "Enable them on every node, or write to a second table in your code.",
    ),
    Entry(
        "IX106", "A column or option that a vector or full-text index does not support",
        "A vector index needs a vector of floats, and a full-text index one column of text. Both support a few "
        "options with certain values; ScyllaDB refuses all others when the index is created.",
        "Index('title', using='fulltext_index', options={'analyzer': 'klingon'})", "Use a value from the refusal.",
    ),
    Entry(
        "OP101", "A gc_grace_seconds of 0 with a view",
        "Views are repaired within that time, so servers refuse 0 on a view and on a table with a view. ScyllaDB "
        "stores indexes as views, and also refuses it on a table with an index.",
        "TableOptions(gc_grace_seconds=0) on the table of a view", "Remove it, or set it to at least a day.",
    ),
    Entry(
        "OP102", "An option map is replaced as a whole",
        "ALTER replaces compaction, compression or caching as a whole; entries that the model omits are reset.",
        "compaction={'class': 'LeveledCompactionStrategy'} where sstable_size_in_mb is also stored",
        "Declare all entries to keep.",
    ),
    Entry(
        "OP103", "A default TTL is not retroactive",
        "default_time_to_live is applied when a row is written.", "default_time_to_live=86400 on a table with rows",
        "Write existing rows again if they should expire.",
    ),
    Entry(
        "OP104", "The server does not support an option",
        "Options, their sub-options and their limits differ between ScyllaDB and Cassandra, and between versions. Some "
        "depend on the keyspace: ScyllaDB before 2026.2 collects no tombstones by repair with one replica.",
        "TableOptions(tombstone_gc={'mode': 'repair'}) on Cassandra", "Remove it for this server.",
    ),
    Entry(
        "OP105", "Too many time windows, or windows without an end",
        "Each window keeps a file, and ScyllaDB refuses a table whose default TTL spans more windows than "
        "twcs_max_window_count (50 by default; 0 means any number). Without a default TTL windows may never be "
        "dropped: that is a warning, or an error if restrict_twcs_without_default_ttl is true.",
        "default_time_to_live=31536000 with windows of a day", "Choose longer windows or a shorter TTL. If the role "
        "may not read system.config, the refusal can be allowed.",
    ),
    Entry(
        "KS100", "The keyspace does not exist, or its replication is not configured",
        "Replication is a decision about data, so a keyspace is created only on request.",
        "migrate(repo) against an empty cluster", "Use create_keyspace=True, and configure replication in the repo.",
    ),
    Entry(
        "KS101", "SimpleStrategy",
        "It ignores data centres and racks, and replacing it later requires a repair of all data.",
        "replication={'class': 'SimpleStrategy', 'replication_factor': 3}", "Use NetworkTopologyStrategy.",
    ),
    Entry(
        "KS102", "One replica, or more replicas than nodes",
        "A single replica is lost with its node; more replicas than nodes cannot be placed. Settings of ScyllaDB nodes "
        "may limit the number: minimum_replication_factor_fail_threshold, maximum_replication_factor_fail_threshold.",
        "{'dc1': 3} where dc1 has two nodes", "Use 3 replicas on at least 3 nodes, except for tests.",
    ),
    Entry(
        "KS103", "The settings of the keyspace differ from the stored ones",
        "Changing replication moves data, so a sync never does it. ScyllaDB changes a keyspace with tablets by one "
        "replica and one data centre at a time, and sets durable_writes to true if a statement does not name it.",
        "replication={'dc1': 3} on a keyspace that has {'dc1': 2}",
        "Run the statements of the diagnostic yourself, in their order, and repair afterwards if the keyspace has no "
        "tablets. Or configure the stored settings.",
    ),
    Entry(
        "KS104", "Not supported in a keyspace with tablets by this version",
        "ScyllaDB before 2025.4 does not support views, indexes and CDC there, and before 2026.1 no counters. "
        "Cassandra has no tablets.",
        "a counter table in a tablets keyspace of ScyllaDB 2025.4", "Use tablets=False, or a newer server.",
    ),
    Entry(
        "KS105", "Unknown data centre",
        "No node is in a data centre of that name; names are case-sensitive.", "{'DC1': 3} where nodes are in dc1",
        "Use the names that nodetool status shows.",
    ),
    Entry(
        "KS106", "An unknown replication class, or one that the server refuses",
        "Servers support NetworkTopologyStrategy and SimpleStrategy, ScyllaDB also EverywhereStrategy; names are "
        "case-sensitive. Settings of a ScyllaDB node may refuse some, or warn about them: "
        "replication_strategy_fail_list, replication_strategy_warn_list.",
        'Repo(replication={"class": "networktopologystrategy", "dc1": 3})', "Use NetworkTopologyStrategy.",
    ),
    Entry(
        "KS107", "The internal tables are in a companion keyspace",
        "They need lightweight transactions, which ScyllaDB before 2025.4 does not support in a keyspace with tablets. "
        "So the plan creates <keyspace>_scyllamodel without tablets. It stays in use after an upgrade.",
        "a repo on a keyspace with tablets of ScyllaDB 2025.1",
        "Nothing, or select another keyspace with ledger_keyspace=.",
    ),
    Entry(
        "KS108", "Not RF-rack-valid",
        "With tablets ScyllaDB pairs the replicas of a table with those of its views by rack, so a data centre needs "
        "one replica, as many as it has racks, or a list of racks. 2025.4 also requires rf_rack_valid_keyspaces: true "
        "in scylla.yaml; with that setting, keyspaces that are not RF-rack-valid cannot be created.",
        "an index in a keyspace with tablets and {'dc1': 2}, where dc1 has three racks",
        "Use as many replicas as racks, or create the keyspace with tablets=False.",
    ),
    Entry(
        "BC101", "A key column or a field would be renamed",
        "Releases that use the old name fail after the rename.",
        "partition_key(renamed_from='shop_id') where shop_id is stored",
        "Stop the old release, then allow it; or keep the name with db_name=.",
    ),
    Entry(
        "BC102", "A rename that CQL cannot do, or that is already done",
        "CQL renames only key columns: no other columns, tables or views.",
        "column(renamed_from='total') on a regular column", _EXPAND,
    ),
    Entry(
        "BC105", "A live object of another repo",
        "Two repos share the keyspace. According to the ledger the other one created the object, or its models declare "
        "it. `contract` does not touch it, and `check --strict` does not count it.",
        "a table of the repo 'audit' in the keyspace of the repo 'default'", "Nothing.",
    ),
    Entry(
        "BC103", "A live object that no model declares",
        "Another release, another application or a person created it. It is never touched. An object that this release "
        "cannot read is noted with the reason, and is an error only if a model declares it.",
        "a column that a newer release added", "Nothing; or drop it with scyllamodel contract when it is not needed.",
    ),
    Entry(
        "BC104", "A column would be masked",
        "Afterwards roles without the permission UNMASK read the mask instead of the values.",
        "column(masked_with='DEFAULT') on a column that is stored without a mask",
        "GRANT UNMASK ON TABLE … to the roles that need the values, before the migration.",
    ),
    Entry(
        "NB101", "A statement that is known to break a server",
        "A server accepts it, and then does not start again, or fails reads or writes. Cassandra: a table named like a "
        "view, a name of more than 222 characters, a quote in the filter of a view, the id of another table. ScyllaDB: "
        "an index name of more than 216 characters, also a generated one; a drop of an indexed collection; an index on "
        "a collection beside static columns; a default TTL of more than 20 years; a quote in the filter of a view. "
        "Each rule applies to the releases that have the fault.",
        "class Orders(Model, table='orders_by_status') where orders_by_status is a view",
        "Follow the suggestion of the refusal, such as another name or another order of steps.",
    ),
    Entry(
        "NB102", "A hand-written statement that loses data or a definition",
        "ScyllaDB accepts it without a warning: ALTER KEYSPACE without durable_writes sets it to true; a factor of 0 "
        "in the only data centre deletes all rows of a keyspace with tablets; options that replace the tags of a table "
        "remove its TTL column; a column under a vector or full-text index is dropped, and the index stays.",
        'RawStep("ALTER KEYSPACE shop WITH replication = {…}") where durable_writes is false',
        "Write the statement as shown in the refusal.",
    ),
    Entry(
        "NB103", "A hand-written statement was not checked",
        "The statement could not be parsed, or its table is unknown, so the rules for statements that break a server "
        "do not apply to it. It is sent unchanged.",
        "RawStep('ALTER TABLE orders WITH …') on a table that no step of the plan creates",
        "Check the statement yourself.",
    ),
    Entry(
        "NB104", "A hand-written statement that is refused, or that changes nothing",
        "Servers drop no type, table or column that something depends on, and rename only key columns. Only ScyllaDB "
        "changes types of columns and fields, between a few types, and not if a view or an index uses the column or "
        "the type. For a keyspace with tablets, each statement names every data centre, and changes one of them by one "
        "replica; a number of replicas cannot become a list of racks, nor the reverse. Data centres, racks and numbers "
        "of replicas are compared with the nodes. Without tablets, replication_factor applies to data centres without "
        "replicas, and the others silently keep theirs.",
        "RawStep(\"ALTER KEYSPACE shop WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 3}\") where dc1 "
        "has one replica", "Write the statements of the diagnostic, in their order.",
    ),
    Entry(
        "NU101", "Existing rows have no value of a column",
        "CQL has no defaults: ADD writes nothing, so existing rows have a null in the new column, and default= applies "
        "only to new instances. Such a row loads as None, although the annotation excludes None.",
        'lang: Column[str] = column(default="en")',
        'Choose: Column[str | None], whose type includes None; column(default="en", null_as_default=True), which loads '
        "the default for a null; or scyllamodel backfill, which writes a value to existing rows. "
        "The guide page reading-old-rows compares them.",
    ),
    Entry(
        "LG101", "The models were superseded",
        "The ledger records these models, and different ones later: after a rollback, or when an older release starts "
        "again. A start-up sync that restored them would undo an intended change.",
        "an old replica restarts in the middle of a rolling deploy",
        "Deploy the newer release; or run scyllamodel migrate, which restores these models.",
    ),
    Entry(
        "LG102", "Two locks for one keyspace",
        "The lock of a keyspace is one row in one table. Two repos that store it in different keyspaces do not see "
        "each other's lock, and could change the schema at the same time.",
        "one repo with ledger_keyspace='ops', and another on the same keyspace without it",
        "Use the same ledger_keyspace= in all repos of a keyspace.",
    ),
    Entry(
        "LG103", "A version of another application",
        "Two applications share a keyspace and a repo name, and therefore a history. One would undo the changes of the "
        "other.",
        "a rollback past a version of another application's models",
        "Give the repo of each application its own name: Repo('billing', …).",
    ),
    Entry(
        "LG104", "The history could not be read or written",
        "Its tables could not be reached, or this role may not use them. A migration stops when it cannot record a "
        "change; the next run reads from the schema what was done.",
        "a role that may not SELECT from shop.scyllamodel_migrations",
        "Grant the role the permissions that scyllamodel grants prints; or check the server, and run it again.",
    ),
    Entry(
        "LG105", "The newest version is a day ahead of the clock",
        "Versions are numbers that are derived from the time and always grow, so one wrong clock affects all later "
        "versions.",
        "a machine whose clock is set to next year ran a migration",
        "Nothing, since versions stay in order; correct the clock of that machine.",
    ),
    Entry(
        "LG106", "Only the ledger says that a hand-written statement on roles is done",
        "The schema does not show whether it or its undo ran, and a role that may write to the ledger could have "
        "recorded it.",
        'migrate(repo, steps=[RawStep("REVOKE MODIFY ON KEYSPACE shop FROM app")]) for the second time',
        "Check with LIST ALL PERMISSIONS OF the role; give the RawStep a post_condition= that queries the server.",
    ),
    Entry(
        "LG107", "Whether a hand-written step ran is unknown, since rows of the history are missing",
        "A step without a post-condition is done if the history has its row. A version with missing rows may have run "
        "it, and no statement runs twice.",
        "DELETE FROM scyllamodel_steps WHERE scope = … AND version = …, and then migrate(repo, steps=[RawStep(…)])",
        "Give the RawStep a post_condition=; or check the data, and allow LG107:VERSION, which runs it.",
    ),
    Entry(
        "RB101", "CQL cannot undo a change",
        "CQL cannot remove a field of a user type, nor Cassandra a non-frozen user type column. A hand-written step "
        "has only the inverse that its RawStep defines.",
        "a rollback past a version that added a field to a type", "Return to a later version, or deploy new models.",
    ),
    Entry(
        "RB103", "Something depends on an object that a rollback would drop",
        "Servers do not drop a type that a column or another type uses, nor a column with an index. An object that was "
        "added later depends on one that the rollback drops.",
        "a rollback past the version that created a type, which a later table of another application uses",
        "Drop the dependent object first: with scyllamodel contract if no model declares it, or in cqlsh.",
    ),
    Entry(
        "RB104", "A live object differs from what the version created",
        "It was changed later without the ledger. A rollback does not guess what to do with that change.",
        "a column that a version added as text, and that is now an int",
        "Compare it with `scyllamodel history --steps`, restore the state of the version, and run the rollback again.",
    ),
    Entry(
        "RB105", "A step that failed, but whose effect exists",
        "According to the ledger the step did not succeed, but its object exists. It is unknown whether this step or "
        "something else created it, so a rollback keeps it.",
        "CREATE TABLE ended in a timeout, and the table appeared later",
        "Nothing, or drop it: the note contains the statement.",
    ),
    Entry(
        "RB106", "The undo of a hand-written step may have run already",
        "A rollback was killed while it sent the undo. The schema does not show such statements, and none runs twice.",
        "a rollback killed between sending DELETE … and recording it",
        "Check the data; then allow RB106:VERSION/STEP to send it, or RB106:VERSION/STEP:done to skip it.",
    ),
    Entry(
        "RB107", "The undo of a hand-written step is only in the ledger",
        "Rows are data: a role that may write them must not choose what an administrator runs. The undo of a step is "
        "taken from its RawStep in the code.",
        "a rollback without steps= past a migrate(repo, steps=[RawStep(…)])",
        "Pass the RawStep in steps=; or read the text, and allow it by the shown step and digest.",
    ),
    Entry(
        "RB108", "The stored inverse does not match the stored change",
        "The inverse that runs is computed from the change. If the stored text differs, one of the two was altered, or "
        "another release or server wrote it.",
        "UPDATE scyllamodel_steps SET undo = 'DROP TABLE shop.orders' …",
        "Check the row, and which roles may write it; allow RB108:VERSION/STEP if the change is right.",
    ),
    Entry(
        "RB109", "A column that cannot be restored under its name",
        "Servers remember the type of a dropped column: a user type as a tuple, which does not match the user type; a "
        "counter permanently.",
        "ALTER TABLE … DROP address, of type frozen<address>", "Nothing; a new column needs another db_name=.",
    ),
    Entry(
        "RB110", "The rows of a version were altered after its end",
        "A version records how many of its steps were done when it ended. If rows are missing, are not done, or are "
        "beyond its last step, they were deleted or written later, and a rollback would undo something else.",
        "DELETE FROM scyllamodel_steps WHERE scope = … AND version = …",
        "Check which roles may write that table; allow RB110:VERSION to undo what the rows say, and keep the rest.",
    ),
    Entry(
        "RB111", "An object would be restored without its triggers, constraints or labels",
        "Triggers, and what a newer Cassandra stores with a schema (constraints, comments and security labels of "
        "columns), are read and reported, but this release has no statement that restores them. A drop reports them, "
        "and so does a rollback that would create the table again; the ledger keeps them.",
        "a rollback of contract --allow DS102:users where users has a security label",
        "Allow RB111:VERSION/STEP, and restore them in cqlsh afterwards.",
    ),
    Entry(
        "RO101", "The permissions of the application's role cannot be listed",
        "With application_role= a migration grants the permissions that the role lacks. Servers list the permissions "
        "of a role only to superusers and to its members.",
        "application_role='shop_app', and a deploying role that is not a member of shop_app",
        "GRANT shop_app TO the role that migrates; create the role if it is missing; or remove application_role=.",
    ),
    Entry(
        "RO102", "The application's role may write internal tables",
        "A permission on the keyspace includes the internal tables: the application could block every release.",
        "GRANT MODIFY ON KEYSPACE shop TO shop_app",
        "Migrate, which grants permissions on single tables, and then revoke that on the keyspace; or store the "
        "internal tables in another keyspace with ledger_keyspace=.",
    ),
    Entry(
        "SY101", "The start-up sync is disabled",
        "With SCYLLAMODEL_SYNC=off or mode='off' the start does not compare the models with the schema.",
        "Model.sync_all(repo, mode='off')", "Nothing if a release step migrates; if not, use mode='verify' to compare.",
    ),
    Entry(
        "CL101", "Nodes are down",
        "A node that is down receives a schema change when it is up again, and has the old schema until then.",
        "a migration while a node is being replaced", "Bring the nodes back first, or remove those that are lost.",
    ),
    Entry(
        "CL102", "The nodes do not have one schema",
        "Another change is in progress, or a node is cut off. A further change can block all schema changes.",
        "two versions in nodetool describecluster",
        "Wait: a run waits for agreement before its first statement. Restart a node that stays behind.",
    ),
    Entry(
        "CL104", "The replication of a keyspace is being changed",
        "ScyllaDB moves the replicas of a keyspace with tablets while ALTER KEYSPACE runs, and refuses another such "
        "change until it is done.",
        "a migration while ALTER KEYSPACE adds a replica", "Wait until it is done.",
    ),
    Entry(
        "CL105", "A keyspace is being migrated to tablets",
        "An operator migrates it from vnodes to tablets (ScyllaDB 2026.2): its tables have tablets, but its schema "
        "still has vnodes. Until that is finished, no table may be created, altered or dropped there. A role that may "
        "not read system.tablets cannot detect this.",
        "nodetool migrate-to-tablets start shop, and a migration of the models in the meantime",
        "Wait until nodetool migrate-to-tablets status reports that it is done, and run the migration again.",
    ),
    Entry(
        "CL103", "The topology is changing",
        "A node that joins or leaves transfers data according to the current schema.",
        "a migration while nodetool status shows UJ, UL or UM", "Wait until the node has joined or left.",
    ),
)  # fmt: skip

CATALOGUE: Final = {entry.code: entry for entry in ENTRIES}
"""All codes that a plan or lint can show, with their entries."""
