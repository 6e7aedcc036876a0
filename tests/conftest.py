"""Lists the modules with fixtures, and registers Hypothesis profiles; the package's own plugin has the server."""

from __future__ import annotations

from hypothesis import Phase, settings

pytest_plugins = ["support.project", "support.logins", "support.servers", "support.slow_path"]

settings.register_profile("default", deadline=None)
settings.load_profile("default")
"""No deadline: a machine that is busy with something else is not a failure of the code."""

settings.register_profile(
    "mutants",
    max_examples=15, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate],
)  # fmt: skip
"""For ``python tests/tools/mutants.py``, which runs the same tests some hundred times, and needs no small examples of
their failures."""

settings.register_profile("soak", max_examples=4000, deadline=None, print_blob=True)
"""``--hypothesis-profile=soak``: forty times as many examples as by default."""
