"""What the package promises is what it has."""

from __future__ import annotations

import importlib
import subprocess
import sys

import scyllamodel


def test_the_public_names_are_sorted_and_there():
    """``__all__`` is sorted, and every name in it can be imported."""
    names = scyllamodel.__all__

    assert sorted(names) == list(names)
    assert [] == [name for name in names if not hasattr(scyllamodel, name)]


def test_nothing_public_is_missing_from_all():
    """A name without an underscore that stands on the package is promised, or a module."""
    loose = {
        name
        for name, value in vars(scyllamodel).items()
        if not name.startswith("_") and name not in scyllamodel.__all__ and type(value).__name__ != "module"
    }

    assert {"annotations"} >= loose


def test_every_error_is_public():
    """Whoever catches an error of ours can import it from the top."""
    errors = importlib.import_module("scyllamodel.errors")
    tree = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.ScyllaModelError)
    }

    assert set() == tree - set(scyllamodel.__all__)


def test_importing_the_package_touches_nothing_else():
    """An import starts no thread, reads no network, and leaves optional extras alone."""
    code = (
        "import sys, threading, scyllamodel; "
        "print(threading.active_count(), [m for m in ('rich', 'jgo', 'pytest', 'cattrs') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert "1 []" == answer.stdout.strip()
