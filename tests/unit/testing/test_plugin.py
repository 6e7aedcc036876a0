"""What the pytest plugin reads from a test module; no server is started for it."""

from __future__ import annotations

SCYLLA_MODELS = "shop.models, shop.audit"


def test_models_may_be_one_text(scylla_models):
    """A text is a list with commas, as in a `Repo`, and not a list of letters."""
    assert ["shop.models", "shop.audit"] == scylla_models
