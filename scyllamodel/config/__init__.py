"""Settings of repos from calls, URLs, the environment and ``pyproject.toml``.

*In*: keywords and text. *Out*: `RepoSettings`, and the list of configured repos. The package is independent of the
driver, so that settings can be read, compared and tested without a server.
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
