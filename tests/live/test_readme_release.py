"""The files of README's release section, as far as they can run here: each command in them, on a real server."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import readme
import yaml
from shell import environment, run

pytestmark = pytest.mark.live


def blocks(kind):
    """The texts of README's blocks of this kind."""
    return re.findall(rf"```{kind}\n(.*?)```", readme.README.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def shop(app):
    """The project under the name that README gives it."""
    (app.folder / "app").rename(app.folder / "shop")
    database = app.folder / "shop" / "db.py"
    database.write_text(database.read_text().replace("app.", "shop."))
    return app


def ends(project, words):
    """How the command ends in the project, as the image's environment has it."""
    assert "scyllamodel" == Path(words[0]).name
    done = run(*words[1:], folder=project.folder, SCYLLAMODEL_REPOS="shop.db:repo")
    return done.returncode, done.stdout, done.stderr


def test_the_job_and_the_init_container(shop):
    """The init container waits until the job has run; the job's answer is one document."""
    (text,) = blocks("yaml")
    job, deployment = yaml.safe_load_all(text)
    (migrate,) = job["spec"]["template"]["spec"]["containers"]
    (schema,) = deployment["spec"]["template"]["spec"]["initContainers"]
    before = ends(shop, [*schema["command"], "--timeout", "0.5"])
    code, out, err = ends(shop, migrate["command"])
    after = ends(shop, schema["command"])

    assert (0, "applied") == (code, json.loads(out)["status"]), err
    assert (2, 0) == (before[0], after[0])


def test_the_unit(shop):
    """The service's one command brings the tables up to date, with the environment that the unit sets."""
    (text,) = blocks("ini")
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read_string(text)
    shop.run("create-keyspace", SCYLLAMODEL_REPOS="shop.db:repo")

    assert "SCYLLAMODEL_REPOS=shop.db:repo" == unit["Service"]["Environment"]
    assert 0 == ends(shop, shlex.split(unit["Service"]["ExecStart"]))[0]


def test_the_line_of_python(shop):
    """The shell's line migrates every configured repo."""
    (line,) = [line for text in blocks("sh") for line in text.splitlines() if line.startswith("python -c")]
    words = [sys.executable, *shlex.split(line)[1:]]
    done = subprocess.run(
        words, cwd=shop.folder, env=environment(SCYLLAMODEL_REPOS="shop.db:repo"), capture_output=True, check=False
    )

    assert (0, b"") == (done.returncode, done.stderr)
    assert ["customers", "orders"] == shop.tables()


def test_the_image_installs_nothing_else():
    """The image has the application's wheel and this package, and names the repo."""
    (text,) = blocks("dockerfile")

    assert "RUN pip install --no-cache-dir /tmp/shop-1.4.0-py3-none-any.whl scyllamodel\n" in text
    assert "ENV SCYLLAMODEL_REPOS=shop.db:repo\n" in text
