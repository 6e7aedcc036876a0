"""Settings of repos from calls, URLs, the environment and ``pyproject.toml``.

*In*: keywords and text. *Out*: `RepoSettings`, and the list of configured repos. The package is independent of the
driver, so that settings can be read, compared and tested without a server.

Modules:
    import_path: makes the current folder importable for commands.
    pyproject: reads ``[tool.scyllamodel]`` of the nearest trusted ``pyproject.toml``.
    settings: settings of a repo: an immutable, validated value that hides its password.
    sources: finds configured repos, and loads ``module:attribute`` references.
    url: parses a repo URL: ``scylla://user:pw@h1,h2:9042/shop?local_dc=dc1&models=shop.models&tls=1``.
"""

from scyllamodel.config.import_path import add_current_folder
from scyllamodel.config.pyproject import toml_reader
from scyllamodel.config.settings import RepoSettings, Secret
from scyllamodel.config.sources import RepoReference, configured_references, load_object
from scyllamodel.config.url import check_url, is_url, read_url_file, settings_from_url

__all__ = [
    "RepoReference",
    "RepoSettings",
    "Secret",
    "add_current_folder",
    "check_url",
    "configured_references",
    "is_url",
    "load_object",
    "read_url_file",
    "settings_from_url",
    "toml_reader",
]
