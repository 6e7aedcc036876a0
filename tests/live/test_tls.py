"""TLS with a real server: the trusted certificates, the checked name, and the text of refusals."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest

from scyllamodel import Column, Model, Repo, migrate, partition_key
from scyllamodel.driver.data.api_base import client_of
from scyllamodel.errors import ConfigurationError, ConnectionFailed
from scyllamodel.local import LocalCluster, versions
from scyllamodel.local.java import java

pytestmark = pytest.mark.live

DATA = Path(__file__).parents[1] / "data" / "tls"
CLIENT = {"tls_cert": DATA / "client-cert.pem", "tls_key": DATA / "client-key.pem"}


class Sealed(Model, table="sealed", repo="tls"):
    """A table that is created over TLS."""

    id: Column[int] = partition_key()


class Server:
    """A node that speaks TLS, its certificate, and its port."""

    def __init__(self, cluster, certificate):
        self.certificate, self.port = certificate, cluster.nodes[0].config.native_port

    def repo(self, host="localhost", **settings):
        """A repo that trusts the server's certificate and has the client's."""
        options = {"tls_ca": self.certificate, **CLIENT, **settings}
        by_name = {name: value for name, value in options.items() if value is not None}
        return Repo("tls", nodes=[f"{host}:{self.port}"], keyspace="shop", **by_name)

    def refusal(self, **settings):
        """The error of a connection that must fail."""
        with pytest.raises(ConnectionFailed) as exc_info, self.repo(**settings) as repo:
            client_of(repo).connection()
        return str(exc_info.value)


@pytest.fixture(scope="module")
def server(pytestconfig, tmp_path_factory):
    """A server that requires client certificates, with a certificate for ``localhost`` instead of its address."""
    version = pytestconfig.getoption("--cassandra-version") or versions.DEFAULT
    keytool = java(versions.java_major(versions.exact_version(version))).parent / "keytool"
    folder = tmp_path_factory.mktemp("tls")

    def start(*arguments):
        subprocess.run([keytool, *arguments, "-storepass", "hunter2", "-noprompt"], check=True, capture_output=True)

    keys, certificate, trusted = folder / "node.p12", folder / "node.pem", folder / "clients.p12"
    start(
        "-genkeypair", "-alias", "node", "-keyalg", "RSA", "-dname", "CN=node", "-ext", "san=dns:localhost",
        "-validity", "3650", "-storetype", "PKCS12", "-keystore", keys,
    )  # fmt: skip
    start("-exportcert", "-rfc", "-alias", "node", "-keystore", keys, "-file", certificate)
    start("-importcert", "-alias", "client", "-keystore", trusted, "-storetype", "PKCS12", "-file", CLIENT["tls_cert"])
    stores = {"keystore": str(keys), "truststore": str(trusted), "store_type": "PKCS12", "require_client_auth": True}
    passwords = {"keystore_password": "hunter2", "truststore_password": "hunter2"}
    # `optional` lets the cluster ask without TLS whether the node is up.
    options = {"enabled": True, "optional": True, **stores, **passwords}
    with LocalCluster(version=version, settings={"client_encryption_options": options}) as cluster:
        yield Server(cluster, certificate)


def test_a_name_that_was_given_is_the_one_that_is_checked(server):
    """A certificate for the name in ``nodes=`` is enough, for the first and for all later connections to the node."""
    with server.repo(create_keyspace=True) as repo:
        migrate(repo, resources=[Sealed])
        repo.save(Sealed(id=1))
        loaded = repo.get(Sealed, id=1)
        sealed = [row.ssl_enabled for row in repo.session.execute("SELECT ssl_enabled FROM system_views.clients")]

    assert Sealed(id=1) == loaded
    assert sealed
    assert all(sealed)


def test_a_url_says_all_of_it(server):
    """A URL can name the TLS files, which turns TLS on."""
    files = f"tls_ca={server.certificate}&tls_cert={CLIENT['tls_cert']}&tls_key={CLIENT['tls_key']}"
    with Repo.from_url(f"scylla://localhost:{server.port}/shop?{files}") as repo:
        assert repo.session.execute("SELECT ssl_protocol FROM system_views.clients").one().ssl_protocol


def test_another_name_is_refused(server):
    """An address that is not in the certificate is refused; the error says how to name it, not to skip the check."""
    refusal = server.refusal(host="127.0.0.1")

    assert "its certificate is not valid for '127.0.0.1'" in refusal
    assert "nodes=" in refusal
    assert "leave" not in refusal


@pytest.mark.parametrize("settings", [{}, {"tls_ca": CLIENT["tls_cert"]}], ids=["system", "other"])
def test_an_unknown_authority_is_refused(server, settings):
    """An unknown authority is refused; the error names the setting that trusts it, not how to skip the check."""
    trust = settings or {"tls_ca": None, "tls_cert": None, "tls_key": None, "ssl_context": ssl.create_default_context()}
    refusal = server.refusal(**trust)

    assert "its certificate is not signed by a trusted authority" in refusal
    assert "tls_ca=" in refusal
    assert "leave" not in refusal


def test_a_missing_client_certificate_is_named(server):
    """A repo without a client certificate is refused, and the error says that the server requires one."""
    refusal = server.refusal(tls_cert=None, tls_key=None)

    assert "requires a client certificate" in refusal
    assert "tls_cert=" in refusal


def test_a_port_without_tls_is_named(scylla_cluster):
    """The error says that the port has no TLS, and does not suggest turning TLS off."""
    (node, *_) = scylla_cluster.contact_points
    repo = Repo(nodes=[node], keyspace="shop", tls_ca=CLIENT["tls_cert"])
    with pytest.raises(ConnectionFailed) as exc_info, repo:
        client_of(repo).connection()

    assert "this port does not use TLS" in str(exc_info.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tls_ca": "/nowhere/ca.pem"}, r"tls_ca='/nowhere/ca.pem' cannot be used: No such file"),
        ({"tls_ca": __file__}, "tls_ca='.*' cannot be used: .*NO_CERTIFICATE"),
        ({**CLIENT, "tls_key": "/nowhere/key.pem"}, "tls_key='/nowhere/key.pem' cannot be used: No such file"),
        ({**CLIENT, "tls_cert": __file__}, "tls_cert='.*' and tls_key='.*' cannot be used"),
        ({**CLIENT, "tls_key": DATA / "client-key-encrypted.pem"}, "cannot be used: the key is encrypted"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(settings, message):
    """An unusable file is refused with setting and reason; an encrypted key does not prompt for a password."""
    repo = Repo(nodes=["127.0.0.1:1"], keyspace="shop", **settings)
    with pytest.raises(ConfigurationError, match=message), repo:
        client_of(repo).connection()
