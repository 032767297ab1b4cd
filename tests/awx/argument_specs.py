# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write down what the modules of awx.awx take that examples/awx/setup.yml uses, or check that it is still so.

The session awx-argument-specs of noxfile.py does this with the package ``ansible``; the tests use the result.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import pathlib
import re
import sys
import tempfile
import typing as t
import zipfile

from ansible.module_utils import basic

HERE = pathlib.Path(__file__).resolve().parent
SPECS = HERE / "argument_specs.json"
SETUP = HERE.parents[1] / "examples" / "awx" / "setup.yml"
COLLECTION = "ansible_collections/awx/awx"


class Captured(BaseException):
    """Ends a module where it would begin to work."""


def read_specs(wheel: pathlib.Path) -> dict[str, t.Any]:
    """Return the version of awx.awx in the wheel of ansible, and what each of its modules gives to AnsibleModule."""
    names = sorted(set(re.findall(r"^ +awx\.awx\.(\w+):", SETUP.read_text("utf-8"), re.MULTILINE)))
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(wheel) as archive:
            members = [name for name in archive.namelist() if name.startswith(f"{COLLECTION}/")]
            archive.extractall(folder, members)
        manifest = pathlib.Path(folder, COLLECTION, "MANIFEST.json").read_text(encoding="utf-8")
        sys.path.insert(0, folder)
        modules = {name: _read_module(name) for name in names}
    return {"version": json.loads(manifest)["collection_info"]["version"], "modules": modules}


def _read_module(name: str) -> dict[str, t.Any]:
    given: dict[str, t.Any] = {}

    def capture(_self: object, **arguments: t.Any) -> None:
        given.update(arguments)
        raise Captured

    basic.AnsibleModule.__init__ = capture
    module = importlib.import_module(f"ansible_collections.awx.awx.plugins.modules.{name}")
    with contextlib.suppress(Captured):
        module.main()
    for option in given["argument_spec"].values():
        # A function, which reads a variable of the environment.
        option.pop("fallback", None)
    return given


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=pathlib.Path, help="of the package ansible")
    parser.add_argument("--check", action="store_true", help="only compare")
    arguments = parser.parse_args()
    text = json.dumps(read_specs(arguments.wheel), indent=1, sort_keys=True) + "\n"
    if not arguments.check:
        SPECS.write_text(text, encoding="utf-8")
    elif text != SPECS.read_text(encoding="utf-8"):
        sys.exit(
            f"{SPECS.name} is not what {arguments.wheel.name} has; make it anew without --check."
        )


if __name__ == "__main__":
    main()
