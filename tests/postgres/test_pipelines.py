# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pipelines of examples/: their own commands, executed as jobs on a merge request and on main.

Each test is a repository's story. What a system does around the commands (variables that override others,
secrets that a merge request does not get, a step that runs after a failure) is written here once for each system.
"""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest
import yaml

from ansible_collections.ozonetel.cloudagent.tests.examples.support import EXAMPLES, Sandbox
from ansible_collections.ozonetel.cloudagent.tests.postgres.installation import (
    API_KEY,
    BLOCKS,
    DATABASE,
    PASSWORD,
    Installation,
)
from ansible_collections.ozonetel.cloudagent.tests.postgres.jobs import (
    ACCOUNT,
    CAMPAIGNS,
    FALLBACKS,
    WORKSPACE,
    Job,
    Runner,
    as_csv,
    new_table,
)

READER_PASSWORD = "pa55-of-the-reader"

Variables = t.Dict[str, str]


class Pipeline(t.NamedTuple):
    """What a system does with its file.

    Attributes:
        steps: what is executed on a merge request, or on the branch main; each in its own shell.
        variables: the environment of these steps; takes the number of the job.
        url: the address of the job of that number.
    """

    steps: t.Callable[[str], list[str]]
    variables: t.Callable[[str, int], Variables]
    url: t.Callable[[int], str]


# --- GitLab ---

GITLAB = yaml.safe_load((EXAMPLES / "gitlab" / ".gitlab-ci.yml").read_text(encoding="utf-8"))


def gitlab_job(event: str) -> dict[str, t.Any]:
    """Return the job whose rules name the event."""
    rule = {
        "merge request": '$CI_PIPELINE_SOURCE == "merge_request_event"',
        "main": "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH",
    }[event]
    named = [name for name, job in GITLAB.items() if {"if": rule} in job.get("rules", [])]
    (name,) = named
    return t.cast("dict[str, t.Any]", GITLAB[name])


def gitlab_steps(event: str) -> list[str]:
    # before_script and script share a shell, and after_script has one of its own:
    # https://docs.gitlab.com/ci/yaml/#after_script
    job = gitlab_job(event)
    script = "\n".join([*GITLAB["default"]["before_script"], *job["script"]])
    return [script, *job.get("after_script", [])]


def gitlab_variables(event: str, number: int) -> Variables:
    predefined = {"CI_JOB_URL": gitlab_url(number), "CI_PROJECT_DIR": WORKSPACE}
    # Variables of the project override those of the file, and protected ones are for main only:
    # https://docs.gitlab.com/ci/variables/#cicd-variable-precedence
    project = {"CLOUDAGENT_READER_PASSWORD": READER_PASSWORD}
    if event == "main":
        project.update(OZONETEL_API_KEY=API_KEY, PGPASSWORD=PASSWORD)
    known = {**predefined, **project}
    written = {**GITLAB["variables"], **gitlab_job(event)["variables"]}
    expanded = {
        name: re.sub(r"\$(\w+)", lambda found: known[found[1]], value)
        for name, value in written.items()
    }
    return {**expanded, **known}


def gitlab_url(number: int) -> str:
    return f"https://gitlab.example/acme/numbers/-/jobs/{number}"


# --- GitHub ---

WORKFLOW = EXAMPLES / "github" / ".github" / "workflows" / "caller-numbers.yml"


def github_job(event: str, number: int = 0) -> dict[str, t.Any]:
    condition = {
        "merge request": "github.event_name == 'pull_request'",
        "main": "github.event_name != 'pull_request' && github.ref == 'refs/heads/main'",
    }[event]
    known = {
        "github.server_url": "https://github.example",
        "github.repository": "acme/numbers",
        "github.run_id": str(number),
        "github.workspace": WORKSPACE,
        "secrets.CLOUDAGENT_READER_PASSWORD": READER_PASSWORD,
    }
    # Secrets of an environment are for its jobs only:
    # https://docs.github.com/en/actions/concepts/workflows-and-actions/deployment-environments
    of_environment = {"secrets.OZONETEL_API_KEY": API_KEY, "secrets.PGPASSWORD": PASSWORD}
    text = WORKFLOW.read_text(encoding="utf-8")
    names = [name for name, job in yaml.safe_load(text)["jobs"].items() if job["if"] == condition]
    (name,) = names
    if yaml.safe_load(text)["jobs"][name].get("environment") == "cloudagent":
        known.update(of_environment)
    # An unknown secret is an empty text.
    filled = re.sub(r"\$\{\{ (\S+) \}\}", lambda found: known.get(found[1], ""), text)
    workflow = yaml.safe_load(filled)
    job = workflow["jobs"][name]
    return {**job, "env": {**workflow["env"], **job["env"]}}


def github_url(number: int) -> str:
    return f"https://github.example/acme/numbers/actions/runs/{number}"


GITHUB_STEPS = {
    event: [step["run"] for step in github_job(event)["steps"] if "run" in step]
    for event in ("merge request", "main")
}

# --- Jenkins ---

JENKINSFILE = (EXAMPLES / "jenkins" / "Jenkinsfile").read_text(encoding="utf-8")
CREDENTIALS = {
    "ozonetel-api-key": API_KEY,
    "cloudagent-records-password": PASSWORD,
    "cloudagent-reader-password": READER_PASSWORD,
}


def jenkins_stages(event: str) -> str:
    """Return the text of the stages that are run."""
    other = {"merge request": "when { branch 'main' }", "main": "when { changeRequest() }"}[event]
    _head, *stages = re.split(r"(?=^        stage\()", JENKINSFILE, flags=re.MULTILINE)
    chosen = [stage for stage in stages if other not in stage]
    assert len(chosen) == len(stages) - 1 == 2
    return "".join(chosen)


def jenkins_steps(event: str) -> list[str]:
    return re.findall(r"sh '''(.*?)'''", jenkins_stages(event), re.DOTALL)


def jenkins_variables(event: str, number: int) -> Variables:
    head = JENKINSFILE.partition("    stages {")[0]
    assignment = r"^\s+(\w+) = (?:'(.*)'|\"(.*)\"|credentials\('(.*)'\))$"
    found = re.findall(assignment, head + jenkins_stages(event), re.MULTILINE)
    known = {"BUILD_URL": jenkins_url(number), "WORKSPACE": WORKSPACE}
    return {
        name: (
            CREDENTIALS[credential]
            if credential
            else text or re.sub(r"\$\{env\.(\w+)\}", lambda part: known[part[1]], filled)
        )
        for name, text, filled, credential in found
    }


def jenkins_url(number: int) -> str:
    return f"https://jenkins.example/job/numbers/job/main/{number}/"


PIPELINES = {
    "GitLab": Pipeline(gitlab_steps, gitlab_variables, gitlab_url),
    "GitHub": Pipeline(
        GITHUB_STEPS.__getitem__,
        lambda event, number: t.cast("Variables", github_job(event, number)["env"]),
        github_url,
    ),
    "Jenkins": Pipeline(jenkins_steps, jenkins_variables, jenkins_url),
}


# --- The stories ---


@pytest.fixture(name="runner", params=PIPELINES)
def _runner(
    installation: Installation, tmp_path: pathlib.Path, request: pytest.FixtureRequest
) -> t.Iterator[tuple[Runner, Pipeline]]:
    sandbox = Sandbox(tmp_path, ACCOUNT)
    yield Runner(installation, sandbox, tmp_path), PIPELINES[request.param]
    sandbox.stop()
    forget = "TRUNCATE ozonetel_cloudagent.campaigns, ozonetel_cloudagent.history"
    installation.server.execute(forget, DATABASE)


@pytest.fixture(name="_reader", scope="module", autouse=True)
def _make_reader(installation: Installation) -> None:
    """Make the role that only reads, as the guide to the shared record says, with a password."""
    installation.psql(f"\\c {DATABASE}\n{BLOCKS['reading role']}")
    installation.psql(f"ALTER ROLE cloudagent_reader PASSWORD '{READER_PASSWORD}';")


def test_the_story_of_a_repository(runner: tuple[Runner, Pipeline]) -> None:
    machine, pipeline = runner
    table = new_table()
    machine.files["campaigns.csv"] = as_csv(table)

    def run(event: str, number: int) -> Job:
        job = machine.run(pipeline.steps(event), pipeline.variables(event, number))
        assert job.exit_status == 0, job.output
        return job

    first = run("main", 1)
    assert first.changed[0] == 1, first.output
    assert len(machine.sandbox.take_sent()) == CAMPAIGNS
    assert machine.sandbox.lists() == table
    assert {record[:2] for record in machine.records().values()} == {(pipeline.url(1), True)}
    # XX check_report(first, pipeline.url(1))

    second = run("main", 2)
    assert second.changed[0] == 0, second.output
    assert f"{CAMPAIGNS} unchanged" in second.output
    assert len(machine.sandbox.take_sent()) == CAMPAIGNS

    table["Campaign 007"] = (table["Campaign 008"][0], FALLBACKS[4])
    machine.files["campaigns.csv"] = as_csv(table)
    records, lists = machine.records(), machine.sandbox.lists()
    asked = run("merge request", 3)
    assert f"+  {FALLBACKS[4]}" in asked.output and "nothing was sent" in asked.output
    assert "1 changed, 499 unchanged" in asked.output, asked.output
    assert machine.sandbox.take_sent() == []
    assert (machine.records(), machine.sandbox.lists()) == (records, lists)

    third = run("main", 4)
    assert third.changed[0] == 1 and "Campaign 007" in third.output, third.output
    assert machine.sandbox.lists() == table
    assert machine.records()["Campaign 007"][0] == pipeline.url(4)


def check_report(job: Job, note: str) -> None:
    """Check that the page is what was applied."""
    page = (job.workspace / "report.html").read_text(encoding="utf-8")
    for name, (dids, _fallback) in new_table().items():
        assert name in page and dids.split(",")[0] in page
    assert note in page


def test_a_merge_request_has_no_right_to_change_anything() -> None:
    for name, pipeline in PIPELINES.items():
        given = pipeline.variables("merge request", 1).values()
        assert not {API_KEY, PASSWORD} & set(given), name
        assert READER_PASSWORD in given
