"""Settings of repos from calls, URLs, the environment and ``pyproject.toml``.

*In*: keywords and text. *Out*: `RepoSettings`, and the list of configured repos. The package is independent of the
driver, so that settings can be read, compared and tested without a server.
"""

from scyllamodel.config.import_path import add_current_folder
from scyllamodel.config.pyproject import toml_reader
from scyllamodel.config.settings import RepoSettings, Secret
from scyllamodel.config.sources import Target, configured_targets, load_target
from scyllamodel.config.url import is_url, settings_from_url, url_of_file, url_text

__all__ = [
    "RepoSettings",
    "Secret",
    "Target",
    "add_current_folder",
    "configured_targets",
    "is_url",
    "load_target",
    "settings_from_url",
    "toml_reader",
    "url_of_file",
    "url_text",
]
