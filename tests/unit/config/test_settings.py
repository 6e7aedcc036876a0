"""Settings of a repo from keywords, URLs, the environment and pyproject.toml, without revealing passwords."""

from __future__ import annotations

import copy
import json
import logging
import os
import pickle
import ssl
import subprocess
import sys
import textwrap
import traceback

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scyllamodel.config import RepoSettings, Secret, configured_references, settings_from_url
from scyllamodel.config.settings import node_address, node_text
from scyllamodel.driver.configured import configured_repos
from scyllamodel.driver.data.api_base import client_of
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ConfigurationError, DiscoveryError

PASSWORD = "hunter2-öß"
URL = "scylla://shop:hunter2-%C3%B6%C3%9F@h1/shop"


def settings(**changes):
    """Valid settings, with these changes."""
    return RepoSettings(**{"nodes": ["h1"], "keyspace": "shop", **changes})


@pytest.mark.parametrize(
    ("node", "host", "port"),
    [
        ("db1", "db1", 9042),
        ("10.0.0.1:9043", "10.0.0.1", 9043),
        ("[::1]:9043", "::1", 9043),
        ("[fe80::1]", "fe80::1", 9042),
        ("::1", "::1", 9042),
    ],
)
def test_a_node_is_a_host_and_a_port(node, host, port):
    """A node is parsed with and without a port, as an IPv4 address, an IPv6 address and a name."""
    assert (host, port) == node_address(node)


@pytest.mark.parametrize(
    "node", ["", ":9042", "h1:", "h1:x", "h1:0", "h1:65536", "[::1", "[::1]9042", "h 1", "http://h1", "h1:٣"]
)
def test_a_node_that_is_no_address_is_refused(node):
    """A node that is not a host with an optional port is refused, and quoted."""
    with pytest.raises(ConfigurationError, match="nodes") as exc_info:
        node_address(node)

    assert "nodes" == exc_info.value.setting


@given(
    host=st.from_regex(r"[a-z][a-z0-9.-]{0,20}|[0-9a-f]{1,4}(:[0-9a-f]{1,4}){7}", fullmatch=True),
    port=st.integers(1, 65535),
)
def test_a_node_reads_back_as_it_was_written(host, port):
    """`node_address` is the inverse of `node_text`."""
    assert (host, port) == node_address(node_text(host, port))


@pytest.mark.parametrize(
    ("changes", "setting", "message"),
    [
        ({"nodes": ()}, "nodes", "nodes= is missing"),
        ({"keyspace": ""}, "keyspace", "keyspace= is missing"),
        ({"keyspace": "a-b"}, "keyspace", "only ASCII letters"),
        ({"keyspace": "k" * 49}, "keyspace", "at most 48"),
        ({"name": ""}, "name", "a repo needs a name"),
        ({"models": "shop models"}, "models", "is not a package name"),
        ({"models": ["shop/models"]}, "models", "is not a package name"),
        ({"replication": {"dc1": 3}}, "replication", 'no "class"'),
        ({"replication": {"class": "simplestrategy"}}, "replication", "did you mean 'SimpleStrategy'?"),
        ({"username": "u"}, "password", "the password is missing"),
        ({"username": 3, "password": PASSWORD}, "username", "username= must be text, got 3"),
        ({"username": "u", "password": 4}, "password", "password= must be text"),
        ({"name": 3}, "name", "name= must be text, got 3"),
        ({"keyspace": 3}, "keyspace", "keyspace= must be text, got 3"),
        ({"local_dc": 3}, "local_dc", "local_dc= must be text, got 3"),
        ({"nodes": 3}, "nodes", "nodes= must be a list of texts, got 3"),
        ({"models": 3}, "models", "models= must be a list of texts, got 3"),
        ({"replication": 3}, "replication", "replication= must be a map, got 3"),
        ({"create_keyspace": "no"}, "create_keyspace", "create_keyspace= must be True or False, got 'no'"),
        ({"tablets": "no"}, "tablets", "tablets= must be True or False, got 'no'"),
        ({"fast_path": "no"}, "fast_path", "fast_path= must be True or False, got 'no'"),
        ({"compression": "gzip"}, "compression", "compression= must be True, False, 'lz4' or 'snappy', got 'gzip'"),
        ({"borrowed": True, "nodes": (), "compression": False}, "compression", "has no effect with session="),
        ({"request_timeout": "3"}, "request_timeout", "request_timeout= must be a number of seconds, got '3'"),
        ({"ssl_context": True}, "ssl_context", "ssl.create_default_context"),
        ({"password": PASSWORD}, "username", "the username is missing"),
        ({"consistency": "LOCAL_QOURUM"}, "consistency", "did you mean 'LOCAL_QUORUM'"),
        ({"serial_consistency": "QUORUM"}, "serial_consistency", "not a valid level"),
        ({"request_timeout": 0}, "request_timeout", "seconds, more than 0"),
        ({"borrowed": True}, "nodes", "has no effect with session="),
        ({"borrowed": True, "nodes": (), "local_dc": "dc1"}, "local_dc", "has no effect with session="),
    ],
)
def test_a_wrong_setting_is_named(changes, setting, message):
    """An invalid setting is refused immediately, with its name and what to write."""
    with pytest.raises(ConfigurationError, match=message) as exc_info:
        settings(**changes)

    assert setting == exc_info.value.setting


def test_lists_may_be_texts_with_commas():
    """`nodes` and `models` may also be one string, separated by commas."""
    result = settings(nodes="h1, h2:9043,h1", models="shop.models")

    assert (("h1:9042", "h2:9043"), ("shop.models",)) == (result.nodes, result.models)


def test_levels_are_kept_by_name():
    """A consistency level may be a name in any case, or the driver's number."""
    assert ("LOCAL_QUORUM", "SERIAL") == (
        settings(consistency="local_quorum").consistency,
        settings(serial_consistency=8).serial_consistency,
    )


def test_settings_cannot_be_changed():
    """Settings are frozen."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        settings().keyspace = "other"


def test_a_url_says_it_all():
    """Every part of a URL is parsed into its setting."""
    url = (
        "cassandra://us%40er:p%3Aw@h1,[::1]:9043,h3:9044/shop?name=audit&local_dc=dc%201&models=shop.models,shop.more&tls=1"
        "&tablets=0&durable_writes=no&create_keyspace=yes&consistency=quorum&serial_consistency=SERIAL&request_timeout=2.5"
        "&fast_path=0&compression=lz4"
    )
    result = settings_from_url(url)

    expected = RepoSettings(
        name="audit", keyspace="shop", nodes=["h1:9044", "[::1]:9043", "h3:9044"], username="us@er", password="p:w",
        local_dc="dc 1", models=["shop.models", "shop.more"], tablets=False, durable_writes=False, create_keyspace=True,
        fast_path=False, compression="lz4",
        consistency="QUORUM", serial_consistency="SERIAL", request_timeout=2.5,
    )  # fmt: skip
    assert expected == result
    assert isinstance(result.ssl_context, ssl.SSLContext)


LONG, OLDER = "a-page-secret-of-march-2026", "a-page-secret-of-february"


@pytest.mark.parametrize(
    "page_secret",
    [f"{LONG},{OLDER}", f" {LONG} , {OLDER}", [LONG, OLDER], (Secret(LONG), OLDER), Secret(f"{LONG},{OLDER}")],
)
def test_page_secrets_are_one_or_several(page_secret):
    """Page secrets may be a string with commas or a list, in a call and in a URL; none of them is shown."""
    result = settings(page_secret=page_secret)

    assert [LONG, OLDER] == [secret.reveal() for secret in result.page_secret]
    assert result.page_secret == settings_from_url(f"{URL}?page_secret={LONG}%2C{OLDER}").page_secret
    assert LONG not in repr(result)


@pytest.mark.parametrize(
    "page_secret", ["", " ", "short", f"{LONG},", f"{LONG},short", [""], [LONG, "short"], Secret("")]
)
def test_an_empty_or_short_page_secret_is_refused(page_secret):
    """An empty or short secret is refused, alone and next to a long one, without being quoted."""
    with pytest.raises(ConfigurationError, match="at least 16 characters") as exc_info:
        settings(page_secret=page_secret)

    assert ("page_secret", False) == (exc_info.value.setting, LONG in str(exc_info.value))


def test_an_empty_page_secret_in_a_url_or_the_environment_is_refused(monkeypatch):
    """An empty secret is refused, since it is most likely a variable that was not set."""
    with pytest.raises(ConfigurationError, match="page_secret: a page secret has at least"):
        settings_from_url(f"{URL}?page_secret=")
    monkeypatch.setenv("SCYLLAMODEL_PAGE_SECRET", "")
    with pytest.raises(ConfigurationError, match="SCYLLAMODEL_PAGE_SECRET: a page secret has at least"):
        Repo(nodes=["h1"], keyspace="shop")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgres://h1/shop", "neither scylla:// nor cassandra://"),
        ("scylla:///shop", "has no host"),
        ("scylla://h1", "has no keyspace"),
        ("scylla://h1/shop?local_cd=dc1", "did you mean 'local_dc'"),
        ("scylla://h1/shop?replication_factor=3", "unknown setting .there are: application_role, "),
        ("scylla://h1/shop?zzz=1", "there are: application_role, compression, consistency"),
        ("scylla://u:hunter2/k", "host2:9042/keyspace"),
        ("scylla://h1/my-shop", "not a keyspace name"),
        ("scylla://h1/shop?compression=gzip", "compression: 'gzip' must be lz4, snappy, 1 or 0"),
        ("scylla://h1/shop?tls=maybe", "tls: 'maybe' must be 1 or 0"),
        ("scylla://h1/shop?request_timeout=soon", "request_timeout: could not convert"),
        ("scylla://h1/shop?name=a&name=b", "'name' occurs in it twice"),
        ("scylla://h1:port/shop", "a host in it is not host or host:port"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused(url, message):
    """An invalid URL is refused, and the error names the invalid part."""
    with pytest.raises(ConfigurationError, match=message):
        settings_from_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "scylla://shop:hun/ter2@h1/shop",
        "scylla://shop:hun?ter2@h1/shop",
        "scylla://shop:hun#ter2@h1/shop",
        "scylla://shop:hun[ter2@h1:x/shop",
        "scylla://shop:hunter2@h1/shop?password=ter2",
        "postgres://shop:hunter2@h1/shop",
        "scylla://shop:hunter2@h1:x/shop",
        "scylla://shop:hunter2@/shop",
        "scylla://shop:hunter2/shop",
        "scylla://shop:hun/ter2/shop",
        "scylla://shop:hun?ter2/shop",
        "scylla://shop:hunter2,h1/shop",
        "scylla://shop:[hunter2/shop",
        "scylla://shop:9042/hun/ter2",
        "scylla://h1/hun-ter2?models=shop.models",
        "scylla://h1/shop?hunter2=1",
        "scylla://h1/shop?hunter2",
    ],
)
def test_an_error_about_a_url_shows_no_piece_of_its_password(url):
    """A URL with a password in the wrong place is refused without quoting what may be the password."""
    with pytest.raises(ConfigurationError) as exc_info:
        settings_from_url(url)

    output = "".join(traceback.format_exception(exc_info.value)) + repr(exc_info.value.to_dict())
    lines = [line for line in output.splitlines() if "ter2" in line or "hun" in line]
    assert [] == lines


@pytest.mark.parametrize("text", ["shop:hunter2@h1/shop", "shop:hunter2/shop", "shop:hunter2", "hunter2"])
def test_a_text_that_may_be_a_url_without_its_scheme_is_not_quoted(text):
    """`SCYLLAMODEL_URL` without ``scylla://`` is refused without being shown, and no part of it is imported."""
    with pytest.raises(ConfigurationError, match="SCYLLAMODEL_URL is not a URL") as exc_info:
        configured_repos(environ={"SCYLLAMODEL_URL": text})

    assert "hunter2" not in f"{exc_info.value}{exc_info.value.to_dict()}"


@pytest.mark.parametrize("text", ["shop:hunter2@h1/shop", "shop:hunter2/shop", "scylla:/shop:hunter2@h1/shop"])
def test_a_name_of_a_repo_that_may_be_a_url_is_not_quoted(text):
    """A value for ``module:attribute`` that contains URL characters is refused without being shown."""
    with pytest.raises(ConfigurationError, match="SCYLLAMODEL_REPOS names a text with an @ or a / in it") as exc_info:
        configured_repos(environ={"SCYLLAMODEL_REPOS": text})

    assert "hunter2" not in f"{exc_info.value}{exc_info.value.to_dict()}"


def test_a_url_may_stand_in_a_file(tmp_path):
    """``SCYLLAMODEL_URL_FILE`` names a file that contains the URL, as container platforms provide secrets."""
    file = tmp_path / "url"
    file.write_text("scylla://shop:hunter2@h1/shop?name=filed\n")
    (repo,) = configured_repos(environ={"SCYLLAMODEL_URL_FILE": str(file)})

    assert ("filed", "hunter2") == (repo.name, repo.settings.password.reveal())


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"SCYLLAMODEL_URL_FILE": "/nowhere/url"}, "SCYLLAMODEL_URL_FILE: /nowhere/url cannot be read: No such file"),
        ({"SCYLLAMODEL_URL_FILE": os.devnull}, "SCYLLAMODEL_URL_FILE is not a URL"),
        ({"SCYLLAMODEL_URL_FILE": "/x", "SCYLLAMODEL_URL": "scylla://h1/shop"}, "both set"),
    ],
)
def test_a_file_without_a_url_is_refused(environ, message):
    """A missing or empty file, and a file in addition to a URL, are errors that name the variable."""
    with pytest.raises(ConfigurationError, match=message):
        configured_repos(environ=environ)


def test_a_file_that_is_not_text_shows_nothing_of_it(tmp_path):
    """A file that is not text is refused, and neither the message nor the cause of the error contains the password."""
    file = tmp_path / "url"
    file.write_bytes(b"scylla://shop:hunter2\xff@h1/shop")
    with pytest.raises(ConfigurationError, match="is not UTF-8 text") as exc_info:
        configured_repos(environ={"SCYLLAMODEL_URL_FILE": str(file)})

    assert (None, None) == (exc_info.value.__cause__, exc_info.value.__context__)
    assert "hunter2" not in str(exc_info.value)


def every_way_to_show(repo):
    """All ways in which the repo and its settings are displayed or serialized."""
    value = repo.settings
    yield from map(repr, (repo, value, value.password, vars(repo), attrs.asdict(value)))
    yield from map(str, (repo, value, value.password, attrs.astuple(value)))
    yield f"{value} {value.password}"
    error = ConfigurationError("no", settings=value, password=value.password, repo=repo)
    yield repr(error.to_dict())
    yield repr(pickle.dumps(error))
    yield repr(pickle.loads(pickle.dumps(error)).__dict__)


def test_a_password_shows_nowhere():
    """No repr, text, dict or pickle of a repo, its settings or an error about them contains the password."""
    for repo in (Repo.from_url(URL), Repo(nodes=["h1"], keyspace="shop", username="shop", password=PASSWORD)):
        output = [text for text in every_way_to_show(repo) if "hunter2" in text]

        assert ([], PASSWORD) == (output, repo.settings.password.reveal())


def test_a_password_does_not_travel_by_pickle():
    """Settings with a password refuse to be pickled, or copied by means of pickle."""
    for leak in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="a password cannot be pickled"):
            leak(settings(username="u", password=PASSWORD))


def test_a_password_is_not_logged(caplog):
    """A failed connection logs neither the password nor anything else."""
    repo = Repo(nodes=["127.0.0.1:1"], keyspace="shop", username="shop", password=PASSWORD)
    with caplog.at_level(logging.DEBUG), pytest.raises(ConnectionError) as exc_info:
        client_of(repo).connection()

    output = caplog.text + "".join(traceback.format_exception(exc_info.value)) + repr(exc_info.value.to_dict())
    assert "hunter2" not in output


def test_passwords_compare_by_value():
    """Settings that differ only in the password are different."""
    assert Secret("a") == Secret("a") != Secret("b")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with a package whose modules define repos, importable, and with a file for each source of settings."""
    package = tmp_path / "shop_of_config"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "db.py").write_text(
        textwrap.dedent(
            """
            from scyllamodel.driver.repo import Repo
            repo = Repo(nodes=["h1"], keyspace="shop")
            audit = Repo("audit", nodes=["h1"], keyspace="audit")
            twin = Repo(nodes=["h2"], keyspace="other")
            number = 3
            class box: repo = audit
            def make(): return Repo("made", nodes=["h1"], keyspace="shop")
            def fail(): raise OSError("no vault")
            """
        )
    )
    (package / "broken.py").write_text("import json.nowhere")
    (package / "syntax.py").write_text("def")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def names(**kwargs):
    """The names of the configured repos."""
    return [repo.name for repo in configured_repos(**kwargs)]


def test_the_first_place_that_names_repos_wins(project):
    """A call takes precedence over ``SCYLLAMODEL_REPOS``, then ``SCYLLAMODEL_URL``, then pyproject.toml."""
    (project / "pyproject.toml").write_text('[tool.scyllamodel]\nrepos = ["shop_of_config.db:audit"]\n')
    below = project / "shop_of_config"
    environ = {"SCYLLAMODEL_URL": "scylla://h1/shop?name=url", "SCYLLAMODEL_REPOS": "shop_of_config.db:repo,"}
    values = [
        names(named=["shop_of_config.db:make"], environ=environ, folder=below),
        names(environ=environ, folder=below),
        names(environ={"SCYLLAMODEL_URL": environ["SCYLLAMODEL_URL"]}, folder=below),
        names(environ={}, folder=below),
    ]

    assert [["made"], ["default"], ["url"], ["audit"]] == values


def test_several_repos_keep_their_order(project):
    """``SCYLLAMODEL_REPOS`` may name several repos, also as dotted attributes and functions, without duplicates."""
    text = "shop_of_config.db:make, shop_of_config.db:box.repo,shop_of_config.db:repo,shop_of_config.db:audit"

    assert ["made", "audit", "default"] == names(environ={"SCYLLAMODEL_REPOS": text})


def test_urls_in_the_environment_keep_their_commas():
    """A comma between hosts or models does not end a URL, while one before another URL does."""
    text = "scylla://u:pw@h1,h2:9043/shop?models=a,b.c&name=one, cassandra://h1,h2/shop?name=two,"
    repos = configured_repos(environ={"SCYLLAMODEL_REPOS": text})

    assert [("h1:9043", "h2:9043"), ("h1:9042", "h2:9042")] == [repo.settings.nodes for repo in repos]
    assert [("a", "b.c"), ()] == [repo.models for repo in repos]


@pytest.mark.parametrize("text", [3, [3], [None], object()])
def test_a_reference_without_a_repo_is_reported(text):
    """An object that is neither a repo nor a name is a configuration error, not a built-in exception."""
    with pytest.raises(ConfigurationError, match="expected a Repo or the name of one"):
        configured_repos(text)


def test_a_repo_may_be_given_as_such():
    """The argument may be a repo object, a URL, or a list of both."""
    repo = Repo("mine", nodes=["h1"], keyspace="shop")

    assert (["mine"], ["default"], ["mine", "default"]) == (
        names(named=repo), names(named="scylla://h1/shop"), names(named=[repo, "scylla://h1/shop"])
    )  # fmt: skip


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("shop_of_config.db:repoo", "has no 'repoo' \\(did you mean 'repo'"),
        ("shop_of_config.bd:repo", "there is no module 'shop_of_config.bd'"),
        ("shop_of_nothing:repo", "there is no module 'shop_of_nothing'"),
        ("shop_of_config.db", "neither module:attribute"),
        ("shop_of_config.db:", "neither module:attribute"),
        ("shop_of_config.db:number", "expected a Repo, got 'int'"),
        ("shop_of_config.db:fail", "calling it failed: OSError: no vault"),
        ("shop_of_config.db:repo,shop_of_config.db:twin", "two repos are named 'default'"),
    ],
)
def test_what_is_no_repo_is_refused(project, reference, message):
    """The error for a name that leads to no repo, or to two of one name, says where it is written and what is wrong."""
    with pytest.raises(ConfigurationError, match=message):
        configured_repos(environ={"SCYLLAMODEL_REPOS": reference})


@pytest.mark.parametrize("module", ["broken", "syntax"])
def test_a_module_that_does_not_import_is_named(project, module):
    """A repo's module whose import fails is a `DiscoveryError` with the cause, not a configuration error."""
    with pytest.raises(DiscoveryError, match=f"importing shop_of_config.{module} failed") as exc_info:
        configured_repos([f"shop_of_config.{module}:repo"])

    assert (f"shop_of_config.{module}", True) == (exc_info.value.module, exc_info.value.__cause__ is not None)


def test_nothing_configured_lists_the_ways(tmp_path):
    """Without any repo the error shows each way to configure one."""
    with pytest.raises(ConfigurationError, match="no repo is configured") as exc_info:
        configured_references(environ={}, folder=tmp_path)

    ways = ("Repo(nodes=", "--repo", "--url", "SCYLLAMODEL_REPOS=", "SCYLLAMODEL_URL=", "[tool.scyllamodel]")
    assert [] == [name for name in ways if name not in str(exc_info.value)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.scyllamodel]\nrepos = 3\n", "repos must be a list of texts"),
        ("[tool.scyllamodel]\nrepo = ['a:b']\n", "unknown setting 'repo' \\(did you mean 'repos'"),
        ("[tool.scyllamodel\n", "is not valid TOML"),
        ("[tool]\nscyllamodel = 1\n", "is not a table"),
    ],
)
def test_a_wrong_pyproject_is_refused(tmp_path, text, message):
    """A ``[tool.scyllamodel]`` that cannot be used is refused with the file's path."""
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=message) as exc_info:
        configured_references(environ={}, folder=tmp_path)

    assert str(tmp_path / "pyproject.toml") in str(exc_info.value)


def test_pyproject_is_looked_for_upwards(tmp_path):
    """Files without our table are ignored and not parsed, and ``url`` is another way to configure a repo."""
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (below / "pyproject.toml").write_text("not TOML at all")
    (tmp_path / "pyproject.toml").write_text('[tool.scyllamodel]\nurl = "scylla://h1/shop?name=above"\n')

    assert ["above"] == names(environ={}, folder=below)


def test_python_without_a_toml_reader_says_what_to_install(tmp_path):
    """Python 3.10 without tomli refuses a ``[tool.scyllamodel]`` with advice, and ignores other files."""
    (tmp_path / "pyproject.toml").write_text("[tool.scyllamodel]\nrepos = []\n")
    code = """
        import sys
        from pathlib import Path
        import scyllamodel.config.sources as sources
        sys.modules.update(tomllib=None, tomli=None)
        from scyllamodel.errors import ConfigurationError
        try:
            sources.configured_references(environ={}, folder=Path(sys.argv[1]))
        except ConfigurationError as error:
            print("pip install tomli" in str(error))
        Path(sys.argv[1], "pyproject.toml").write_text("[tool.other]")
        try:
            sources.configured_references(environ={}, folder=Path(sys.argv[1]))
        except ConfigurationError as error:
            print("no repo is configured" in str(error))
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)], capture_output=True, text=True, check=True
    )

    assert "True\nTrue\n" == run.stdout


@pytest.mark.parametrize("models", [json, [json], ["json"], "json"], ids=repr)
def test_models_are_names_or_modules(models):
    """An imported module is equivalent to its name, alone or in a list."""
    assert ("json",) == RepoSettings(keyspace="k", nodes=["h"], models=models).models


@pytest.mark.parametrize("url", ["SCYLLA://h/k", "Cassandra://h/k"])
def test_schemes_are_read_in_any_case(url):
    """A URL may be written in capitals."""
    assert "k" == settings_from_url(url).keyspace


@pytest.mark.parametrize(
    ("changes", "setting", "message"),
    [
        ({"tls_key": "key.pem"}, "tls_cert", "tls_key= needs tls_cert="),
        ({"tls_ca": "ca.pem", "ssl_context": ssl.create_default_context()}, "ssl_context", "cannot be combined"),
        ({"tls_ca": 3}, "tls_ca", "tls_ca= must be the path of a file"),
        ({"tls_ca": "ca.pem", "nodes": (), "borrowed": True}, "tls_ca", "has no effect with session="),
    ],
)
def test_settings_of_tls_that_do_not_fit_are_refused(changes, setting, message):
    """A key without its certificate and two contradicting TLS settings are refused."""
    with pytest.raises(ConfigurationError, match=message) as exc_info:
        settings(**changes)

    assert setting == exc_info.value.setting


def test_a_url_names_the_files_of_tls():
    """A URL can name the TLS files, which implies ``tls=1`` and contradicts ``tls=0``."""
    result = settings_from_url("scylla://h1/shop?tls=1&tls_ca=/etc/ca.pem&tls_cert=c%20.pem&tls_key=k.pem")
    with pytest.raises(ConfigurationError, match="tls=0 and tls_ca contradict each other"):
        settings_from_url("scylla://h1/shop?tls=0&tls_ca=/etc/ca.pem")

    assert ("/etc/ca.pem", "c .pem", "k.pem", None) == (
        result.tls_ca, result.tls_cert, result.tls_key, result.ssl_context,
    )  # fmt: skip
    assert result.uses_tls
