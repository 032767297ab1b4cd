# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files in examples/ as their systems read them, and the copies of them in the guides."""

from __future__ import annotations

import itertools
import os
import pathlib
import re
import subprocess
import sys
import textwrap
import typing as t

import jinja2
import jinja2.sandbox
import pytest
import yaml
from dateutil import rrule

from ansible_collections.ozonetel.cloudagent.tests.examples.support import (
    EXAMPLES,
    ROOT,
    clean_environment,
    make_clone,
)

GUIDES = ROOT / "docs" / "docsite" / "rst"
# Each guide, with the files that it shows whole, in this order.
SHOWN = {
    "guide_gitlab": ["gitlab/.gitlab-ci.yml"],
    "guide_github": ["github/.github/workflows/caller-numbers.yml"],
    "guide_jenkins": ["jenkins/Jenkinsfile"],
    "guide_awx": [
        "execution-environment.yml",
        "awx/update.yml",
        "awx/credential_type/inputs.yml",
        "awx/credential_type/injectors.yml",
        "awx/setup.yml",
        "awx/update_in_parts.yml",
    ],
}


def run(*command: str, cwd: pathlib.Path = ROOT, **variables: str) -> str:
    """Run a command of this Python's environment, and return its output."""
    done = subprocess.run(
        [str(pathlib.Path(sys.executable).parent / command[0]), *command[1:]],
        cwd=cwd,
        env={**clean_environment(pathlib.Path(os.environ["HOME"])), **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def without_header(path: pathlib.Path) -> str:
    """Return a file's text without its licence and the line that begins a document of YAML."""
    text = path.read_text(encoding="utf-8")
    return re.sub(r"\A((#|//)[^\n]*\n)+\n(---\n)?", "", text)


# --- The guides ---


@pytest.mark.parametrize(("guide", "names"), SHOWN.items(), ids=SHOWN)
def test_a_guide_shows_the_files_as_they_are(guide: str, names: list[str]) -> None:
    # A site that antsibull-docs builds has the .rst files only, so that none can be included.
    text = (GUIDES / f"{guide}.rst").read_text(encoding="utf-8")
    found = re.findall(
        r"^\.\. code-block:: (?:yaml|groovy)\n   +:caption: (\S+)\n\n((?:    .*\n|\n)+)",
        text,
        re.MULTILINE,
    )
    assert [pathlib.Path(caption).name for caption, _block in found] == [
        pathlib.Path(name).name for name in names
    ]
    for name, (_caption, block) in zip(names, found):
        shown = textwrap.dedent(block).strip("\n") + "\n"
        assert shown == without_header(EXAMPLES / name), f"{guide} shows another {name}"


# --- GitLab and GitHub ---


@pytest.mark.parametrize(
    ("schema", "name"),
    [
        ("vendor.gitlab-ci", "gitlab/.gitlab-ci.yml"),
        ("vendor.github-workflows", "github/.github/workflows/caller-numbers.yml"),
    ],
)
def test_a_pipeline_fits_its_schema(schema: str, name: str, tmp_path: pathlib.Path) -> None:
    file = EXAMPLES / name
    run("check-jsonschema", "--builtin-schema", schema, str(file))
    pipeline = yaml.safe_load(file.read_text(encoding="utf-8"))
    pipeline.get("jobs", pipeline)["apply"]["nonsense"] = 1
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(yaml.safe_dump(pipeline), encoding="utf-8")
    with pytest.raises(AssertionError, match="nonsense"):
        run("check-jsonschema", "--builtin-schema", schema, str(wrong))


def test_updates_of_one_account_run_one_at_a_time() -> None:
    gitlab = yaml.safe_load((EXAMPLES / "gitlab" / ".gitlab-ci.yml").read_text(encoding="utf-8"))
    workflow = EXAMPLES / "github" / ".github" / "workflows" / "caller-numbers.yml"
    github = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    assert gitlab["apply"]["resource_group"] == "cloudagent-acme"
    assert github["jobs"]["apply"]["concurrency"] == {
        "group": "cloudagent-acme",
        "cancel-in-progress": False,
    }
    jenkinsfile = (EXAMPLES / "jenkins" / "Jenkinsfile").read_text(encoding="utf-8")
    assert "disableConcurrentBuilds()" in jenkinsfile


# --- The execution environment ---


def test_the_execution_environment_has_what_an_update_needs(tmp_path: pathlib.Path) -> None:
    clone = make_clone(tmp_path / "clone")
    run("ansible-galaxy", "collection", "build", "--output-path", str(tmp_path), cwd=clone)
    (tarball,) = tmp_path.glob("*.tar.gz")
    definition = tmp_path / "execution-environment.yml"
    definition.write_text((EXAMPLES / definition.name).read_text("utf-8"), encoding="utf-8")
    tarball.rename(tmp_path / "ozonetel-cloudagent.tar.gz")
    context = tmp_path / "context"
    run(
        *("ansible-builder", "create", "--file", str(definition), "--context", str(context)),
        *("--output-filename", "Containerfile"),
        cwd=tmp_path,
    )

    # The step of the image's build that installs the collections, in its directory.
    steps = (context / "Containerfile").read_text(encoding="utf-8")
    (step,) = re.findall(r"^RUN .*(ansible-galaxy collection install .*)$", steps, re.MULTILINE)
    assert "-r requirements.yml" in step
    place = tmp_path / "installed"
    run(
        *("ansible-galaxy", "collection", "install", "-r", "requirements.yml"),
        *("--collections-path", str(place), "--offline"),
        cwd=context / "_build",
        HOME=str(tmp_path),
    )
    found = yaml.safe_load(run("ansible-builder", "introspect", str(place)))
    # Each with a comment that names the collection.
    needed = [entry.partition("#")[0].strip() for entry in found["python"]]
    assert [re.split(r"[\[>]", entry)[0] for entry in needed] == ["requests", "psycopg"]
    assert needed[1].startswith("psycopg[binary]")


# --- AWX, by its own rules ---
# The rules were read in its code, version 24.6.1: awx/main/fields.py, awx/api/serializers.py, awx/api/views.

SETUP = (EXAMPLES / "awx" / "setup.yml").read_text(encoding="utf-8")
INPUTS = yaml.safe_load((EXAMPLES / "awx" / "credential_type" / "inputs.yml").read_text("utf-8"))
INJECTORS = yaml.safe_load(
    (EXAMPLES / "awx" / "credential_type" / "injectors.yml").read_text("utf-8")
)


def test_the_credential_type_is_one_that_awx_takes() -> None:
    names = {field["id"] for field in INPUTS["fields"]}
    assert set(INPUTS["required"]) <= names and len(names) == len(INPUTS["fields"])
    allowed = {"id", "label", "type", "choices", "help_text", "multiline", "secret"}
    assert all(set(field) <= allowed for field in INPUTS["fields"])
    secret = {field["id"] for field in INPUTS["fields"] if field.get("secret")}
    assert secret == {"api_key", "record_url", "record_password"}
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    example: dict[str, t.Any] = dict.fromkeys(names, "EXAMPLE")
    example["tower"] = {"filename": "EXAMPLE_FILENAME"}
    for name, text in {**INJECTORS["env"], **INJECTORS["file"]}.items():
        assert environment.from_string(text).render(example).startswith("EXAMPLE"), name
        assert not name.startswith("ANSIBLE_") and text.isascii()


def test_the_schedule_is_one_that_awx_takes() -> None:
    (rule,) = re.findall(r"^ +rrule: (.*)$", SETUP, re.MULTILINE)
    assert re.match(r"DTSTART;TZID=[\w/]+:\d+T\d+ RRULE:", rule) and "INTERVAL=" in rule
    first, second = itertools.islice(rrule.rrulestr(rule), 2)
    assert (second - first).days == 1


def test_the_survey_is_one_that_awx_takes() -> None:
    specs = re.findall(r"^ {8}survey_spec:\n((?: {10}.*\n)+)", SETUP, re.MULTILINE)
    (spec,) = (yaml.safe_load(textwrap.dedent(text)) for text in specs)
    assert {name: type(spec[name]) for name in spec} == {
        "name": str,
        "description": str,
        "spec": list,
    }
    for question in spec["spec"]:
        kinds = {name: type(question[name]) for name in ("type", "question_name", "variable")}
        assert set(kinds.values()) == {str} and isinstance(question["required"], bool)
        assert isinstance(question["default"], str)
        if question["type"] == "multiplechoice":
            assert question["default"] in question["choices"]
        else:
            assert question["type"] == "text"
