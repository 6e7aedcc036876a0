"""Random histories in memory: each rollback restores the schema of its target, and no statement runs twice."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from scyllamodel.release.ledger.records import RESTORABLE_STATUSES
from support.histories import CHOICES, Killed, World, declared

lives = st.none() | st.integers(0, 40)
"""How many moments a process has."""


class Histories(RuleBasedStateMachine):
    """Models and options change, objects are dropped, rollbacks run, and processes are killed."""

    def __init__(self):
        super().__init__()
        self.world = World()
        self.chosen = dict.fromkeys(CHOICES) | {"t": "id int pk"}

    def live(self, life, run):
        """Run one process; return its result or ``killed``, and let the next one resume."""
        self.world.fuse = life
        try:
            answer = run()
        except Killed:
            answer = "killed"
        self.world.fuse = None
        event(answer)
        return answer

    @initialize(
        choices=st.fixed_dictionaries({name: st.sampled_from(value) for name, value in CHOICES.items() if name != "t"})
    )
    def first(self, choices):
        """The first release."""
        self.chosen |= choices
        self.world.migrate(declared(self.chosen))

    @rule(
        data=st.data(),
        names=st.lists(st.sampled_from(sorted(CHOICES)), min_size=2, max_size=5, unique=True),
        life=lives,
        raw=st.booleans(),
    )
    def migrate(self, data, names, life, raw):
        """A release with other models, and perhaps with a hand-written step."""
        self.chosen |= {name: data.draw(st.sampled_from(CHOICES[name])) for name in names}
        target = declared(self.chosen)
        if self.live(life, lambda: self.world.migrate(target, raw=raw)) == "killed" and data.draw(st.booleans()):
            self.live(None, lambda: self.world.migrate(target))

    @rule(life=lives)
    def contract(self, life):
        """Drop what the models no longer declare."""
        self.live(life, lambda: self.world.migrate(declared(self.chosen), contract=True))

    @rule(data=st.data(), life=lives)
    def rollback(self, data, life):
        """Roll back to a version, and retry after kills."""
        self.world.settle()
        versions = [v.version for v in self.world.ledger.versions() if v.status in RESTORABLE_STATUSES]
        version = data.draw(st.sampled_from([*versions, 0]))
        answer = self.live(life, lambda: self.world.rollback(version))
        while answer == "killed" and data.draw(st.booleans()):
            answer = self.live(data.draw(lives), lambda: self.world.rollback(version))
        if answer == "killed":
            answer = self.live(None, lambda: self.world.rollback(version))
        if answer != "refused":
            self.returned(version)

    def returned(self, version):
        """The schema and the ledger are those of the version, and a second rollback has nothing to do."""
        schema, executed = self.world.state
        expected, before = self.world.snapshots[version]

        assert expected == schema
        assert before - self.world.doubtful == executed - self.world.doubtful
        assert not [v for v in self.world.ledger.versions() if v.version > version and v.is_undoable]
        assert "in_sync" == self.world.rollback(version)

    def teardown(self):
        """Each statement in the ledger was sent once."""
        steps = [s for v in self.world.ledger.with_steps(self.world.ledger.versions()) for s in v.steps]

        assert all(step.attempts <= 1 for step in steps)


Histories.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=10,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=set(Phase) - {Phase.explain},
)
TestHistories = Histories.TestCase
TestHistories.__doc__ = "A hundred histories of up to ten releases, rollbacks and deaths each."
