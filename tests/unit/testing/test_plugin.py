"""How the pytest plugin reads a test module, without a server."""

from __future__ import annotations

SCYLLA_MODELS = "shop.models, shop.audit"


def test_models_may_be_one_text(scylla_models):
    """A string is a list separated by commas, as in a `Repo`, and not a list of letters."""
    assert ["shop.models", "shop.audit"] == scylla_models
