# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes the code in small ways, one at a time, and tells of each change that no unit test notices.

The session "mutation" of noxfile.py runs this in a copy of the collection, which it changes:

python tests/mutation/run.py                  # all of TARGETS
python tests/mutation/run.py '*_did_lists*'   # only changes whose names match

In that copy, "mutmut browse" shows them all afterwards. Changes that may stay unnoticed are in
survivors.txt, by function; where there are more, they are shown, and the command fails.
"""

from __future__ import annotations

import collections
import pathlib
import re
import shutil
import subprocess
import sys
import typing as t

COLLECTION = pathlib.Path("ansible_collections", "ozonetel", "cloudagent")
UTILS = COLLECTION / "plugins" / "module_utils"
TARGETS = (
    "_did_lists.py",
    "_answer.py",
    "_masking/escapes.py",
    "_masking/secret.py",
    "_masking/server_text.py",
    "_record/record.py",
    "_record/keeping.py",
    "_record/marking.py",
    "_record/engines/lines.py",
)
UNIT_TESTS = COLLECTION / "tests" / "unit" / "plugins" / "module_utils"
TESTS = (
    *("test_did_lists.py", "test_answer.py", "test_request.py"),
    *("_masking", "_record", "_bulk/test_run.py"),
)
# They measure time and work, which mutmut changes itself.
LEFT_OUT = "not within_a_second and not times_the_work"
SURVIVORS = pathlib.Path(__file__).with_name("survivors.txt")

_CACHED = re.compile(r"^@(functools\.)?lru_cache\(.*\)\n", re.MULTILINE)
_PROPERTY = re.compile(r"^    @property\n    def (\w+)\(self\)", re.MULTILINE)
_AS_METHOD = r"    \1 = property(lambda self: self._get_\1())\n\n    def _get_\1(self)"
_MUTANT = re.compile(r"([\w.]+)\.x(?:_|ǁ(\w+)ǁ)(\w+)__mutmut_[0-9]+")


class PlainImports:
    """Takes the place of Ansible's finder of collections: Python finds this one by itself.

    tests/conftest.py leaves an importer of this name alone, and so mutmut finds the names of its
    functions, and all runs of pytest in one process find the same files.
    """

    @staticmethod
    def find_spec(*_arguments: object) -> None:
        return None


PlainImports.__name__ = "_AnsibleCollectionFinder"


def prepare() -> None:
    """Say what mutmut is to do, and make of the targets what it can change."""
    settings: dict[str, t.Any] = {
        "source_paths": [UTILS.as_posix()],
        "only_mutate": [(UTILS / name).as_posix() for name in TARGETS],
        "also_copy": [COLLECTION.as_posix()],
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "--hypothesis-seed=0"],
        "pytest_add_cli_args_test_selection": [
            *((UNIT_TESTS / name).as_posix() for name in TESTS),
            *("-k", LEFT_OUT),
        ],
        # Seconds for one change: three times these and the tests' own, as the machine may be busy.
        "timeout_constant": 10.0,
        "timeout_multiplier": 3.0,
    }
    # What it knows from an earlier run may not be so any more with other tests.
    shutil.rmtree("mutants", ignore_errors=True)
    lines = [f"{name} = {value!r}" for name, value in settings.items()]
    pathlib.Path("pyproject.toml").write_text("\n".join(["[tool.mutmut]", *lines, ""]), "utf-8")
    for name in TARGETS:
        path = UTILS / name
        # mutmut changes nothing that has a decorator, and a cache would keep what it changes.
        text = _CACHED.sub("", path.read_text("utf-8"))
        path.write_text(_PROPERTY.sub(_AS_METHOD, text), "utf-8")


def mutate(names: list[str]) -> None:
    """Have mutmut try all changes, or those whose names match."""
    sys.meta_path.append(PlainImports())
    # It reads its settings when it is imported.
    from mutmut.__main__ import cli  # type: ignore[import-not-found]

    cli(["run", *names], standalone_mode=False)


def survivors() -> dict[str, list[str]]:
    """Return the changes that no test noticed, by function."""
    results = subprocess.run(["mutmut", "results"], capture_output=True, text=True, check=True)
    found = collections.defaultdict(list)
    for line in results.stdout.splitlines():
        name, _colon, status = line.strip().rpartition(": ")
        if status not in ("timeout", "not checked"):
            found[function_of(name)].append(name)
    return found


def function_of(mutant: str) -> str:
    """Return the file and the function that a change is in, such as ``_answer.py _text``."""
    match = _MUTANT.fullmatch(mutant)
    assert match, mutant
    module, class_name, function = match.groups()
    path = module.partition(".module_utils.")[2].replace(".", "/")
    name = function.replace("_get_", "", 1) if function.startswith("_get_") else function
    return f"{path}.py {class_name}.{name}" if class_name else f"{path}.py {name}"


def accepted() -> dict[str, int]:
    """Return how many changes may stay unnoticed in each function."""
    lines = SURVIVORS.read_text("utf-8").splitlines()
    rows = [line.split(maxsplit=3) for line in lines if line and not line.startswith("#")]
    return {f"{path} {function}": int(number) for number, path, function, _why in rows}


def main(names: list[str]) -> int:
    """Return 0 if there are no survivors but the accepted ones."""
    prepare()
    mutate(names)
    return compare(survivors(), accepted())


def compare(found: dict[str, list[str]], known: dict[str, int]) -> int:
    """Show the changes in functions that have more survivors than accepted; return 1 if any has."""
    new = [name for name, mutants in found.items() if len(mutants) > known.get(name, 0)]
    for name in new:
        print(f"\n{name}: {len(found[name])} survivors, {known.get(name, 0)} accepted", flush=True)
        for mutant in found[name]:
            subprocess.run(["mutmut", "show", mutant], check=True)
    print(f"\n{sum(map(len, found.values()))} survivors, {len(new)} functions have new ones.")
    return int(bool(new))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
