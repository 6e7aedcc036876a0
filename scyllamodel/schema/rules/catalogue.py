"""What each code means, as data: for ``explain CODE``, for ``lint``, for readers of a log.

A diagnostic speaks of one case, with names and statements; an `Entry` speaks of all of them.
"""

from __future__ import annotations

from typing import Final

import attrs


@attrs.frozen
class Entry:
    """One code.

    Attributes:
        code: such as ``TY101``.
        title: in a few words.
        cause: why it exists: what servers do, or cannot do.
        example: a declaration or a situation that raises it.
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
    "Expand, copy, contract: add a new column beside the old one, write both, copy the values of before with "
    "scyllamodel backfill, read the new one, remove the old one from the model, and drop it with scyllamodel contract. "
    "scyllamodel plan --expand Order.total writes it out for your class, as Python and CQL."
)
_NEW_TABLE = (
    "Declare a second table with the wanted key, write to both, copy the rows of before with scyllamodel backfill, "
    "read the new one, and drop the old one with scyllamodel contract. scyllamodel plan --expand Order writes it out "
    "for your class, as Python and CQL."
)
_ALLOW = "A sync never does this. Drop it by hand, when nothing reads it any more."

ENTRIES: Final = (
    Entry(
        "AL101", "An allow= had no effect",
        "A value of allow= or --allow that no refusal of this plan asks for: a misspelled name, the code of another "
        "kind of object, an object that a model declares, or one that was dropped by an earlier run.",
        "scyllamodel contract --allow DS103:orders.legcy",
        "Correct the name, or leave the value out. `scyllamodel check` lists what no model declares.",
    ),
    Entry(
        "DS101", "A keyspace would be dropped",
        "It takes every table with it, and with those of lock and history the very run that drops it.",
        'migrate(repo, steps=[RawStep("DROP KEYSPACE old")])',
        "Only a statement written by hand does this, and only under allow={'DS101:old'}; the keyspace that keeps lock "
        "and history is dropped in cqlsh, when nothing uses it any more.",
    ),
    Entry(
        "DS102", "A table would be dropped",
        "Its rows go with it, on every node.", "DROP TABLE shop.legacy", _ALLOW,
    ),
    Entry(
        "DS103", "A column would be dropped",
        "Its values become unreadable at once, and its name is spent: it comes back with its old type only.",
        "ALTER TABLE shop.orders DROP legacy", _ALLOW,
    ),
    Entry(
        "DS104", "A user type would be dropped",
        "No table may hold it any more.", "DROP TYPE shop.legacy_address", _ALLOW,
    ),
    Entry(
        "DS105", "A materialized view would be dropped",
        "Its rows can be made again from its table, which takes as long as the table is large.",
        "DROP MATERIALIZED VIEW shop.orders_by_state", _ALLOW,
    ),
    Entry(
        "DS106", "An index would be dropped",
        "No data goes, but queries that need the index fail from then on.",
        "DROP INDEX shop.orders_status_idx", "Deploy code that does not query by it first.",
    ),
    Entry(
        "DS107", "A mask would be dropped or replaced",
        "A mask hides the values of a column from roles without UNMASK. Without it, or under another one, they can see "
        "what was hidden, so no sync drops or replaces a mask.",
        "masked_with='DEFAULT' where mask_hash() is stored; scyllamodel contract on a column without masked_with=",
        "Declare the stored mask with masked_with=, or allow it by name: --allow DS107:users.email",
    ),
    Entry(
        "PK101", "The partition key differs",
        "The partition key decides on which nodes a row lives; CQL cannot change it.",
        "shop: Column[UUID] = partition_key() on a table whose partition key is (shop, day)", _NEW_TABLE,
    ),
    Entry(
        "PK102", "The clustering key or its order differs",
        "Rows are stored sorted by the clustering key; CQL cannot change it, nor ASC to DESC.",
        "placed = clustering_key(descending=True) on a table that was made with placed ASC", _NEW_TABLE,
    ),
    Entry(
        "PK103", "A key column is new",
        "A table gains regular and static columns, never key columns.",
        "region: Column[str] = partition_key() added to a model whose table exists", _NEW_TABLE,
    ),
    Entry(
        "PK104", "The table has a compact layout",
        "It was made WITH COMPACT STORAGE, or by Thrift; ALTER means other things on it. It is left alone.",
        "a model for a table whose flags are dense, super, or not compound",
        "On Cassandra ALTER TABLE … DROP COMPACT STORAGE, after reading what that shows; or copy into a new table.",
    ),
    Entry(
        "DS108", "The TTL column of a table would be set or unset",
        "Rows of the table expire at the time in its TTL column (ScyllaDB 2026.2). Without it, none does; and where an "
        "existing column becomes it, rows whose time has passed are deleted. A column that is added in the same plan "
        "holds no times, and needs no permission.",
        "ends_at: Column[datetime | None] = column(default=None, row_ttl=True) where ends_at is an ordinary column",
        "Look at the values first, then allow it by name: --allow DS108:leases.ends_at",
    ),
    Entry(
        "TY101", "The type of a column differs",
        "CQL cannot change the type of a column.", "total: Column[Decimal] on a column that is double", _EXPAND,
    ),
    Entry(
        "TY102", "The type differs in a way that ScyllaDB alone can alter",
        "ScyllaDB runs ALTER … TYPE between some types, such as int and varint. Cassandra does not, and neither takes "
        "it back, so it is refused on both.",
        "seats: Column[cql.VarInt] on a column that is int", _EXPAND,
    ),
    Entry(
        "TY103", "A column is frozen on one side only",
        "Frozen values are stored whole, others part by part; CQL cannot turn one into the other.",
        "tags: Column[cql.Frozen[set[str]]] on a column that is set<text>", _EXPAND,
    ),
    Entry(
        "TY104", "A column is static on one side only",
        "A static column is stored once for a partition; CQL cannot turn it into a regular one or back.",
        "column(static=True) on a column that is regular", _EXPAND,
    ),
    Entry(
        "TY105", "A dropped column would come back as something else",
        "Servers remember dropped columns. Cassandra refuses another type or kind, and any user type; ScyllaDB would "
        "show old cells under the new type.",
        "note was dropped as text, and the model declares note: Column[int]",
        "Give the column another name in the database: column(db_name='note_2').",
    ),
    Entry(
        "TY106", "A dropped counter would come back",
        "Deleted counters can reappear with wrong values, so servers never take the name again.",
        "hits was a counter and was dropped", "Give the counter another name: column(db_name='hits_2').",
    ),
    Entry(
        "TY107", "Counters and other columns in one table",
        "Besides its key a table holds counters only, or none.",
        "hits: Column[cql.Counter] added to a table with regular columns", "Put counters into a table of their own.",
    ),
    Entry(
        "TY108", "The server has no such type",
        "Vectors came with Cassandra 5.0 and ScyllaDB 2025.2.", "a vector on Cassandra 4.1",
        "Use a newer server, or frozen<list<float>> without a search.",
    ),
    Entry(
        "TY109", "The server cannot mask columns",
        "Masks came with Cassandra 5.0, and nodes allow them with dynamic_data_masking_enabled: true only. A table "
        "without the declared mask would show its values, so it is not created.",
        "column(masked_with='DEFAULT') on Cassandra 4.1", "Enable masks on every node, or leave masked_with= out.",
    ),
    Entry(
        "UD101", "A field of a user type is gone",
        "Values hold their fields by position. CQL cannot take a field away.",
        "the model of address lacks the stored field city", "Declare the stored fields in their order; ignore one.",
    ),
    Entry(
        "UD102", "A field of a user type has another type",
        "CQL cannot change the type of a field.", "zip: int where text is stored",
        "Declare a second type and columns that hold it. The refusal writes it out.",
    ),
    Entry(
        "UD103", "A type in a partition key would gain a field",
        "It would change where rows live; both servers refuse it, also for the key of a view. ScyllaDB keeps an index "
        "in a view, so that an indexed type is in a partition key.",
        "a field added to a type that is in the partition key of a table, also inside another type",
        "Declare a second type and a table with it in its key.",
    ),
    Entry(
        "UD104", "Fields of a user type stand in another order",
        "Values hold their fields by position, and new fields are added at the end.",
        "a new field declared above a stored one", "Keep the stored order and declare new fields last.",
    ),
    Entry(
        "UD105", "User types in a circle",
        "A type has to exist before another can hold it.", "a holds b, and b holds a",
        "Take one field out of the circle: store a key instead of the value.",
    ),
    Entry(
        "UD106", "A non-frozen collection in a type that is held non-frozen",
        "Cassandra takes such a field when it is added, and refuses the same column in a new table afterwards.",
        "tags: set[str] in a type, and a column of that type that is not Frozen",
        "Freeze the collection, or the column.",
    ),
    Entry(
        "TY110", "The server has no TTL columns",
        "A column by which rows expire came with ScyllaDB 2026.2, and Cassandra has none. A table without it would "
        "keep all rows, so it is not created.",
        "column(row_ttl=True) on Cassandra", "Leave row_ttl out, and write rows with a time to live: save(row, ttl=…).",
    ),
    Entry(
        "IX101", "An index on a table that may hold rows",
        "It is built in the background; until then queries by it miss rows.",
        "Index('status') added to a model whose table exists",
        "Let code that queries by it run when the index is built.",
    ),
    Entry(
        "IX102", "The name of an index is taken",
        "Names of indexes are unique in their keyspace, ScyllaDB's hidden view <index>_index included, and servers "
        "refuse the same index under a second name.",
        "Index('status', name='by_status') where another table has an index by_status",
        "Choose another name, or leave it out.",
    ),
    Entry(
        "IX103", "An index was made otherwise",
        "CQL cannot alter an index, its class or its options.",
        "Index('name', using='sai', options={'case_sensitive': 'false'}) where the stored one is case-sensitive",
        "Add the wanted one under a new name, then drop the old one by hand.",
    ),
    Entry(
        "IX104", "The server has no such index",
        "Storage-attached indexes came with Cassandra 5.0; local indexes are ScyllaDB's, which has no SASI.",
        "Index('status', local=True) on Cassandra", "Leave the index out for this server.",
    ),
    Entry(
        "IX105", "A change log that does not fit an index",
        "ScyllaDB feeds vector and full-text indexes from the change log of their table. It switches the log on itself "
        "where cdc is not declared, and refuses an index beside a log that is off, or kept for less than a day, or "
        "without the new values; it refuses to switch the log off under such an index.",
        "TableOptions(cdc=False) on a table with Index('v', using='vector_index')",
        "Leave cdc out, or declare it with a ttl of at least 86400, and delta full or postimage.",
    ),
    Entry(
        "MV101", "A view on a table that may hold rows",
        "It is filled in the background; until then it misses rows.",
        "a MaterializedView added for a model whose table exists",
        "Let code that reads it run when the view is built.",
    ),
    Entry(
        "MV102", "A view stands in the way of a drop",
        "Servers do not drop a table under a view; Cassandra drops no column of it, ScyllaDB none that the view needs.",
        "ALTER TABLE shop.orders DROP legacy, while shop.orders_by_status stands", "Drop the view first.",
    ),
    Entry(
        "MV103", "The definition of a view differs",
        "CQL cannot alter the key, columns or filter of a view.",
        "a column added to a MaterializedView that exists",
        "Declare it under a new name, wait until it is filled, read it, and drop the old one.",
    ),
    Entry(
        "MV104", "Materialized views are disabled",
        "Cassandra has them switched off unless cassandra.yaml says otherwise.",
        "a MaterializedView and a node with materialized_views_enabled: false",
        "Switch them on, on every node, or keep a second table by hand.",
    ),
    Entry(
        "IX106", "A column or option that a vector or full-text index does not take",
        "A vector index is on a vector of floats, and a full-text index on one column of text; both know a few "
        "options, with values of their own. ScyllaDB refuses all others when the index is created.",
        "Index('title', using='fulltext_index', options={'analyzer': 'klingon'})", "Write what the refusal lists.",
    ),
    Entry(
        "OP101", "gc_grace_seconds 0 with a view",
        "Views repair themselves within that time; servers refuse 0 on a table with a view, and on the view. ScyllaDB "
        "keeps indexes in views, and refuses it on a table that has an index too.",
        "TableOptions(gc_grace_seconds=0) on the table of a view", "Leave it out, or give it at least a day.",
    ),
    Entry(
        "OP102", "An option map is replaced whole",
        "ALTER replaces compaction, compression or caching as a whole; what the model leaves out is reset.",
        "compaction={'class': 'LeveledCompactionStrategy'} where sstable_size_in_mb is stored, too",
        "Declare what is to stay.",
    ),
    Entry(
        "OP103", "A default TTL is not retroactive",
        "default_time_to_live is applied when a row is written.", "default_time_to_live=86400 added to a full table",
        "Write rows of before again, if they are to expire.",
    ),
    Entry(
        "OP104", "The server does not take an option",
        "Options, their sub-options and their limits differ between ScyllaDB and Cassandra, and between versions. Some "
        "depend on the keyspace: ScyllaDB before 2026.2 collects no tombstones by repair where there is one copy.",
        "TableOptions(tombstone_gc={'mode': 'repair'}) on Cassandra", "Leave it out for this server.",
    ),
    Entry(
        "OP105", "Too many time windows, or windows without an end",
        "Each window keeps a file, and ScyllaDB takes no table whose default TTL spans more windows than "
        "twcs_max_window_count, which is 50 where nobody changed it and 0 for any number. Without a default TTL "
        "windows may never be dropped: that is a warning, or an error where restrict_twcs_without_default_ttl is true.",
        "default_time_to_live=31536000 with windows of a day", "Choose longer windows or a shorter TTL. Where the role "
        "may not read system.config the refusal can be allowed.",
    ),
    Entry(
        "KS100", "The keyspace does not exist, or nobody said how to make it",
        "Replication is a decision about data, so a keyspace is made only when asked for.",
        "migrate(repo) against an empty cluster", "create_keyspace=True, with replication on the repo.",
    ),
    Entry(
        "KS101", "SimpleStrategy",
        "It knows no data centres and no racks; leaving it later takes a repair of everything.",
        "replication={'class': 'SimpleStrategy', 'replication_factor': 3}", "Use NetworkTopologyStrategy.",
    ),
    Entry(
        "KS102", "One copy, or more copies than nodes",
        "One copy is lost with its node; more copies than nodes cannot be placed. The settings of a ScyllaDB node may "
        "bound the number: minimum_replication_factor_fail_threshold, maximum_replication_factor_fail_threshold.",
        "{'dc1': 3} where dc1 has two nodes", "3 copies for anything but tests, on at least 3 nodes.",
    ),
    Entry(
        "KS103", "The keyspace is configured otherwise than it is stored",
        "Changing replication moves data, so a sync never does it. ScyllaDB changes a keyspace with tablets by one "
        "copy and one data centre at a time, and sets durable_writes to true where a statement does not name it.",
        "replication={'dc1': 3} on a keyspace that has {'dc1': 2}",
        "Run the statements of the remark by hand, in their order; without tablets repair afterwards. Or configure "
        "what is stored.",
    ),
    Entry(
        "KS104", "Not in a keyspace with tablets, at this version",
        "ScyllaDB before 2025.4 has no views, indexes and CDC there, and before 2026.1 no counters; Cassandra has no "
        "tablets.",
        "a counter table in a tablets keyspace of ScyllaDB 2025.4", "tablets=False, or a newer server.",
    ),
    Entry(
        "KS105", "Unknown data centre",
        "No node is in a data centre of that name; names are case-sensitive.", "{'DC1': 3} where nodes are in dc1",
        "Take the names that nodetool status shows.",
    ),
    Entry(
        "KS106", "An unknown replication class, or one that the server does not want",
        "Servers know NetworkTopologyStrategy and SimpleStrategy, ScyllaDB also EverywhereStrategy; names are "
        "case-sensitive. The settings of a ScyllaDB node may refuse some, or warn of them: "
        "replication_strategy_fail_list, replication_strategy_warn_list.",
        'Repo(replication={"class": "networktopologystrategy", "dc1": 3})', "Write NetworkTopologyStrategy.",
    ),
    Entry(
        "KS107", "Lock and history are in a companion keyspace",
        "They need lightweight transactions, and ScyllaDB before 2025.4 has none in a keyspace with tablets, so the "
        "plan creates <keyspace>_scyllamodel without tablets. It stays in use after an upgrade.",
        "a repo on a keyspace with tablets of ScyllaDB 2025.1",
        "Nothing. Or name another keyspace: ledger_keyspace=.",
    ),
    Entry(
        "KS108", "Not RF-rack-valid",
        "With tablets ScyllaDB pairs the copies of a table with those of its views rack by rack, so a data centre "
        "needs one copy, or as many as it has racks, or a list of racks. 2025.4 also wants rf_rack_valid_keyspaces: "
        "true in scylla.yaml; where that is set, keyspaces that are not RF-rack-valid cannot be created at all.",
        "an index in a keyspace with tablets and {'dc1': 2}, where dc1 has three racks",
        "As many copies as racks; or create the keyspace with tablets=False.",
    ),
    Entry(
        "BC101", "A key column or a field would be renamed",
        "Releases that know the old name fail from that moment on.",
        "partition_key(renamed_from='shop_id') where shop_id is stored",
        "Stop the old release, then allow it; or keep the name by db_name=.",
    ),
    Entry(
        "BC102", "A rename that CQL cannot do, or that is done",
        "CQL renames key columns only: no other columns, no tables, no views.",
        "column(renamed_from='total') on a regular column", _EXPAND,
    ),
    Entry(
        "BC105", "Live, and another repo's",
        "Two repos share the keyspace. The object was made under the other one, by the ledger, or its models declare "
        "it. `contract` leaves it alone, and `check --strict` does not count it.",
        "a table of the repo 'audit' in the keyspace of the repo 'default'", "Nothing.",
    ),
    Entry(
        "BC103", "Live and declared by no model",
        "Another release, another application or a person made it. It is never touched. What this release cannot read "
        "is noted with the reason, and stops a command only where a model declares it.",
        "a column that a newer release added", "Nothing; or drop it by hand, once nobody needs it.",
    ),
    Entry(
        "BC104", "A column would be masked",
        "From that moment on roles without the permission UNMASK read the mask instead of the values.",
        "column(masked_with='DEFAULT') on a column that is stored without a mask",
        "GRANT UNMASK ON TABLE … to the roles that need the values, before the migration.",
    ),
    Entry(
        "NB101", "A statement that is known to break a server",
        "A server accepts it, and then does not start again, or fails reads or writes. Cassandra: a table named like a "
        "view, a name of more than 222 characters, a quote in the filter of a view, the id of another table. ScyllaDB: "
        "an index name of more than 216 characters, also one that it makes up; an indexed collection that is dropped; "
        "an index on a collection beside static columns; a default TTL of more than 20 years; a quote in the filter of "
        "a view. A rule holds for the releases that have the fault.",
        "class Orders(Model, table='orders_by_status') where orders_by_status is a view", "Choose another name.",
    ),
    Entry(
        "NB102", "A hand-written statement that loses data or a definition",
        "ScyllaDB accepts it without a word: ALTER KEYSPACE without durable_writes sets it to true; a factor of 0 in "
        "the only data centre deletes all rows of a keyspace with tablets; options that replace the tags of a table "
        "take its TTL column away; a column under a vector or full-text index is dropped, and the index stays.",
        'RawStep("ALTER KEYSPACE shop WITH replication = {…}") where durable_writes is false',
        "Write the statement as the refusal says.",
    ),
    Entry(
        "NB103", "A hand-written statement was not checked",
        "The statement could not be read, or it is about a table of which nothing is known, so the rules for "
        "statements that break a server do not apply to it. It is sent as it stands.",
        "RawStep('ALTER TABLE orders WITH …') on a table that no step of the plan creates",
        "Read the statement again.",
    ),
    Entry(
        "NB104", "A hand-written statement that is refused, or that changes nothing",
        "Servers drop no type, table or column that something depends on, and rename key columns alone. "
        "Types of columns and fields change on ScyllaDB alone, between a few types, and not where a view or an index "
        "keeps the column or the type. Of keyspaces with tablets each statement names every data centre, changes one "
        "of them, and by one copy; a number of copies and a list of racks do not turn into each other. Data centres, "
        "racks and numbers of copies are compared with the nodes. Without tablets replication_factor is for data "
        "centres without copies, and the others keep theirs without a word.",
        "RawStep(\"ALTER KEYSPACE shop WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 3}\") where dc1 "
        "has one copy", "Write the statements of the remark, in their order.",
    ),
    Entry(
        "NU101", "Existing rows have no value of a column",
        "CQL has no defaults: ADD writes nothing, so existing rows have a null in the new column, and default= is for "
        "new instances alone. Such a row loads as None, although the annotation says that there is always a value.",
        'lang: Column[str] = column(default="en")',
        'Choose: Column[str | None], whose type says it; column(default="en", null_as_default=True), which loads the '
        "default where nothing is stored; or scyllamodel backfill, which writes a value into them. "
        "The guide page reading-old-rows compares them.",
    ),
    Entry(
        "LG101", "The models were superseded",
        "The ledger holds them, and others since: a rollback, or an older release that started again. A start-up sync "
        "that brought them back would undo what somebody did on purpose.",
        "an old replica restarts in the middle of a rolling deploy",
        "Deploy the newer release; or run scyllamodel migrate, which goes on on purpose.",
    ),
    Entry(
        "LG102", "Two locks for one keyspace",
        "The lock of a keyspace is one row in one table. Two repos that keep it in different keyspaces do not see each "
        "other, and would change the schema at the same time.",
        "one repo with ledger_keyspace='ops', another on the same keyspace without",
        "Give all repos of a keyspace the same ledger_keyspace=.",
    ),
    Entry(
        "LG103", "A version of another application",
        "Two applications share a keyspace and the name of their repo, and so a history; one would undo the other's.",
        "rollback past a version that another application's models made",
        "Give the repo of each application a name of its own: Repo('billing', …).",
    ),
    Entry(
        "LG104", "The history could not be read or written",
        "Its tables did not answer, or this role may not use them. A migration does not go on with what it cannot "
        "write down; what it did is found by looking at the schema.",
        "a role that may not SELECT from shop.scyllamodel_migrations",
        "Give the role what scyllamodel grants prints; or look at the server, and run it again.",
    ),
    Entry(
        "LG105", "The newest version is a day ahead of the clock",
        "Versions are numbers made of the time, and always grow; a clock that was wrong once pushes all later ones.",
        "a machine whose clock is set to next year ran a migration",
        "Nothing, they stay in order; set the clock of whatever machine it was.",
    ),
    Entry(
        "LG106", "A hand-written statement on roles counts as done by the ledger alone",
        "No schema shows whether it, or its undo, ran, and who may write the ledger could have written that it did.",
        'migrate(repo, steps=[RawStep("REVOKE MODIFY ON KEYSPACE shop FROM app")]) for the second time',
        "Look with LIST ALL PERMISSIONS OF the role; give the RawStep a post_condition= that asks the server.",
    ),
    Entry(
        "LG107", "Whether a hand-written step ran is unknown, since rows of the history are missing",
        "A step without a post condition counts as done by its row. A version whose rows are not all there may have "
        "run it, and no statement runs twice.",
        "DELETE FROM scyllamodel_steps WHERE scope = … AND version = …, and then migrate(repo, steps=[RawStep(…)])",
        "Give the RawStep a post_condition=; or look at the data, and allow LG107:VERSION, which runs it.",
    ),
    Entry(
        "RB101", "CQL has no inverse for it",
        "A field of a user type stays, and so does a non-frozen user type column on Cassandra; a hand-written step has "
        "the inverse that somebody gave it, or none.",
        "rollback past a version that added a field to a type", "Return to a later version, or go on with new models.",
    ),
    Entry(
        "RB103", "Something depends on what a rollback would drop",
        "Servers drop neither a type that a column or another type uses nor a column under an index; what was added "
        "since depends on what the rollback takes back.",
        "a rollback past the version that made a type, which a later table of another application uses",
        "Drop what depends on it first: with scyllamodel contract, where no model declares it, or in cqlsh.",
    ),
    Entry(
        "RB104", "A live object is not what the version left",
        "Somebody changed it since, past the ledger. A rollback does not guess what is to become of the change.",
        "a column that a version added as text, and that is an int by now",
        "Compare it with `scyllamodel history --steps`, bring it to what the version left, and run the rollback again.",
    ),
    Entry(
        "RB105", "A step that failed, and whose effect is there",
        "The ledger says that the step did not succeed, and the schema holds what it would have made. Whether it was "
        "this step or somebody else cannot be known, so a rollback leaves it.",
        "CREATE TABLE ended in a timeout, and the table was found later",
        "Nothing, or drop it: the note names the statement.",
    ),
    Entry(
        "RB106", "The undo of a hand-written step may have run already",
        "A rollback was killed while it sent it. The schema tells nothing of such statements, and none runs twice.",
        "a rollback killed between sending DELETE … and recording it",
        "Look at the data; then allow RB106:VERSION/STEP to send it, or RB106:VERSION/STEP:done to leave it out.",
    ),
    Entry(
        "RB107", "The undo of a hand-written step is known from the ledger only",
        "Rows are data: whoever may write them must not choose what an administrator runs. The undo of a step is taken "
        "from its RawStep in the code.",
        "rollback without steps= past a migrate(repo, steps=[RawStep(…)])",
        "Pass the RawStep in steps=; or read the text, and allow it by the step and the digest that are shown.",
    ),
    Entry(
        "RB108", "The stored inverse is not that of the stored change",
        "The inverse that runs is made from the change. Where the text beside it differs, one of the two was altered, "
        "or another release or server wrote it.",
        "UPDATE scyllamodel_steps SET undo = 'DROP TABLE shop.orders' …",
        "Look at the row and at who may write it; allow RB108:VERSION/STEP if the change is right.",
    ),
    Entry(
        "RB109", "A column that cannot come back under its name",
        "Servers remember the type of a dropped column: a user type as a tuple, which no column of the user type is; a "
        "counter for good.",
        "ALTER TABLE … DROP address, of type frozen<address>", "Nothing; a later column needs another db_name=.",
    ),
    Entry(
        "RB110", "The rows of a version are not those that it ended with",
        "A version says how many of its steps were done when it ended. Where rows are missing, are not done, or are "
        "beyond its last step, others deleted or wrote them, and a rollback would take back something else.",
        "DELETE FROM scyllamodel_steps WHERE scope = … AND version = …",
        "Look who may write that table; allow RB110:VERSION to take back what the rows say, and leave the rest.",
    ),
    Entry(
        "RB111", "Something would come back without what stood beside it",
        "Triggers, and what a newer Cassandra stores of a schema (constraints, comments and security labels of "
        "columns), are read and named, and no statement of this release writes them back. A drop names them, and so "
        "does a rollback that would create the table again; the ledger keeps them.",
        "a rollback of contract --allow DS102:users where users has a security label",
        "Allow RB111:VERSION/STEP, and write them by hand afterwards.",
    ),
    Entry(
        "RO101", "The permissions of the application's role cannot be listed",
        "With application_role= a migration grants what that role lacks. Servers list the permissions of a role to "
        "superusers and to its members.",
        "application_role='shop_app', and a deploying role that is not a member of shop_app",
        "GRANT shop_app TO the role that migrates; create the role if it is missing; or leave application_role= out.",
    ),
    Entry(
        "RO102", "The application's role may write internal tables",
        "A permission on the whole keyspace holds for lock and history too: the application could stop every release.",
        "GRANT MODIFY ON KEYSPACE shop TO shop_app",
        "Migrate, which grants it its own tables, and then revoke the permission on the keyspace; or keep the internal "
        "tables in a keyspace of their own, by ledger_keyspace=.",
    ),
    Entry(
        "SY101", "The start-up sync is switched off",
        "SCYLLAMODEL_SYNC=off, or mode='off': the start does not compare models and schema, so it proves nothing.",
        "Model.sync_all(repo, mode='off')", "Nothing, where a release step migrates; otherwise mode='verify' compares.",
    ),
    Entry(
        "CL101", "Nodes are down",
        "A node that is down hears of a schema change when it is back, and until then holds the old one.",
        "a migration while a node is being replaced", "Bring the nodes back first, or remove those that are lost.",
    ),
    Entry(
        "CL102", "The nodes do not have one schema",
        "Another change is on its way, or a node is cut off; a change on top of that can wedge the cluster's DDL.",
        "two versions in nodetool describecluster",
        "Wait, it is awaited before the first statement; a node that stays behind is restarted.",
    ),
    Entry(
        "CL104", "The replication of a keyspace is being changed",
        "ScyllaDB moves the copies of a keyspace with tablets while ALTER KEYSPACE runs, and refuses another such "
        "change until it is done.",
        "a migration while ALTER KEYSPACE adds a copy", "Wait until it is done.",
    ),
    Entry(
        "CL105", "A keyspace is being migrated to tablets",
        "An operator migrates it from vnodes to tablets (ScyllaDB 2026.2): its tables have tablets, and its schema "
        "says vnodes. Until that is finished no table may be created, altered or dropped there. A role that may not "
        "read system.tablets does not see it.",
        "nodetool migrate-to-tablets start shop, and a migration of the models meanwhile",
        "Wait until nodetool migrate-to-tablets status says that it is done, and run the migration again.",
    ),
    Entry(
        "CL103", "The topology is changing",
        "A node that joins or leaves reads or hands over data by the schema of now.",
        "a migration while nodetool status shows UJ, UL or UM", "Wait until the node has joined or left.",
    ),
)  # fmt: skip

CATALOGUE: Final = {entry.code: entry for entry in ENTRIES}
"""Every code that a plan or a lint can show."""
