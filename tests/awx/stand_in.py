# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An AWX that examples/awx/setup.yml was run on: what it was told, and how it starts jobs.

The modules of awx.awx are stood in for by modules that take the same arguments and write them down. A job is an
``ansible-runner`` with a private data directory as AWX fills it. How AWX does that was read in its code, version
24.6.1: ``awx/main/tasks/jobs.py``, ``models/credential.py`` (injectors) and ``models/inventory.py`` (slices).
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import tempfile
import typing as t

import jinja2.sandbox
import yaml

from ansible_collections.ozonetel.cloudagent.tests.examples.support import (
    EXAMPLES,
    ROOT,
    clean_environment,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.support import HANG_SECONDS

FILES = EXAMPLES / "awx"
SPECS = json.loads((ROOT / "tests" / "awx" / "argument_specs.json").read_text(encoding="utf-8"))

_MODULE = """\
import json
import os

from ansible.module_utils.basic import AnsibleModule

NAME, ARGUMENTS = {name!r}, json.loads({arguments!r})
module = AnsibleModule(**ARGUMENTS)
with open(os.environ["STAND_IN_LOG"], "a", encoding="utf-8") as log:
    log.write(json.dumps([NAME, module.params]) + "\\n")
module.exit_json(changed=True)
"""

Params = t.Dict[str, t.Any]


class Job(t.NamedTuple):
    """A job that ended: its exit status, what its user sees, and the recap's counts of changed tasks."""

    exit_status: int
    output: str
    changed: int


class Awx:
    """What the playbook set up, by kind and name.

    Attributes:
        objects: the parameters of each object.
        output: of the playbook.
    """

    def __init__(self, folder: pathlib.Path, authority: str, secrets: dict[str, str]) -> None:
        """Run the playbook with these answers to its questions."""
        self._folder = folder
        place = folder / "setup"
        _make_stand_ins(place)
        log = place / "log"
        for path in (FILES / "setup.yml", *FILES.glob("credential_type/*")):
            copy = place / path.relative_to(FILES)
            copy.parent.mkdir(exist_ok=True)
            copy.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
        (place / "db-authority.pem").write_text(authority, encoding="ascii")
        given = place / "answers.json"
        given.write_text(json.dumps(secrets), encoding="utf-8")
        done = subprocess.run(
            ["ansible-playbook", "setup.yml", "-e", f"@{given}"],
            cwd=place,
            env={
                **clean_environment(folder),
                "ANSIBLE_COLLECTIONS_PATH": str(place),
                "STAND_IN_LOG": str(log),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=HANG_SECONDS,
            check=False,
        )
        self.output = done.stdout
        assert done.returncode == 0, done.stdout
        self.objects: dict[str, dict[str, Params]] = {}
        for line in log.read_text(encoding="utf-8").splitlines():
            kind, params = json.loads(line)
            self.objects.setdefault(kind, {})[params["name"]] = params

    def launch(
        self,
        template: str,
        files: t.Mapping[str, str],
        environment: t.Mapping[str, str],
        *,
        survey: t.Mapping[str, str] | None = None,
        check: bool = False,
        piece: tuple[int, int] = (1, 1),
    ) -> t.Callable[[], Job]:
        """Start a job, and return what waits for its end.

        Args:
            template: the name of the job template.
            files: of the project, beside the playbooks of the example.
            environment: of the execution environment.
            survey: the answers, in place of the defaults.
            check: the job type.
            piece: the number of the slice, and how many there are.
        """
        params = self.objects["job_template"][template]
        data = pathlib.Path(tempfile.mkdtemp(prefix="job", dir=self._folder))
        for name in ("project", "env", "inventory"):
            (data / name).mkdir()
        playbooks = {path.name: path.read_text("utf-8") for path in FILES.glob("update*.yml")}
        for name, text in {**playbooks, **files}.items():
            (data / "project" / name).write_text(text, encoding="utf-8")
        (credential,) = params["credentials"]
        variables = self.injected(credential, data)
        (data / "env" / "envvars").write_text(yaml.safe_dump(variables), encoding="utf-8")
        (data / "env" / "extravars").write_text(_extra_vars(params, survey), encoding="utf-8")
        (data / "env" / "cmdline").write_text("--check" if check else "", encoding="utf-8")
        inventory = data / "inventory" / "hosts"
        sliced = json.dumps(self.inventory(params["inventory"], *piece))
        inventory.write_text(f"#!/usr/bin/env python3\nprint({sliced!r})\n", encoding="utf-8")
        inventory.chmod(0o700)
        command = ["ansible-runner", "run", str(data), "--ident", "1"]
        process = subprocess.Popen(
            [*command, "--playbook", params["playbook"]],
            env={**clean_environment(data), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

        def wait() -> Job:
            output, _none = process.communicate(timeout=4 * HANG_SECONDS)
            events = [
                json.loads(path.read_text(encoding="utf-8"))
                for path in data.glob("artifacts/1/job_events/*.json")
            ]
            recaps = [event for event in events if event["event"] == "playbook_on_stats"]
            changed = sum(sum(recap["event_data"]["changed"].values()) for recap in recaps)
            # AWX keeps the events and shows the output.
            return Job(process.returncode, output + json.dumps(events), changed)

        return wait

    def injected(self, credential: str, data: pathlib.Path) -> dict[str, str]:
        """Return the variables that the credential's type injects; its file is in the folder."""
        params = self.objects["credential"][credential]
        injectors = self.objects["credential_type"][params["credential_type"]]["injectors"]
        environment = jinja2.sandbox.ImmutableSandboxedEnvironment()
        # A field that is empty is not defined.
        known: dict[str, t.Any] = {name: text for name, text in params["inputs"].items() if text}
        file = data / "env" / "injected"
        content = environment.from_string(injectors["file"]["template"]).render(known)
        file.write_text(content, encoding="utf-8")
        known["tower"] = {"filename": str(file)}
        return {
            name: environment.from_string(text).render(known)
            for name, text in injectors["env"].items()
        }

    def inventory(self, name: str, number: int, count: int) -> Params:
        """Return the inventory of a slice: every so many of the hosts, sorted by name."""
        hosts = {
            host["name"]: host["variables"]
            for host in self.objects["host"].values()
            if host["inventory"] == name
        }
        chosen = sorted(hosts)[number - 1 :: count]
        groups = {
            group["name"]: {"hosts": [host for host in group["hosts"] if host in chosen]}
            for group in self.objects["group"].values()
        }
        everything = {
            "vars": self.objects["inventory"][name]["variables"],
            "hosts": [],
            "children": list(groups),
        }
        hostvars = {host: hosts[host] for host in chosen}
        return {"all": everything, **groups, "_meta": {"hostvars": hostvars}}


def _extra_vars(params: Params, survey: t.Mapping[str, str] | None) -> str:
    """Return the file of extra variables: only those of the template itself may be Jinja."""
    questions = (params["survey_spec"] or {}).get("spec", [])
    answers = {question["variable"]: question["default"] for question in questions}
    unsafe = {**answers, **(survey or {}), "awx_job_id": "4711"}
    lines = [f"{name}: !unsafe {json.dumps(text)}\n" for name, text in unsafe.items()]
    return yaml.safe_dump(params["extra_vars"]) + "".join(lines)


def _make_stand_ins(place: pathlib.Path) -> None:
    modules = place / "ansible_collections" / "awx" / "awx" / "plugins" / "modules"
    modules.mkdir(parents=True)
    for name, arguments in SPECS["modules"].items():
        text = _MODULE.format(name=name, arguments=json.dumps(arguments))
        (modules / f"{name}.py").write_text(text, encoding="utf-8")
