# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What noxfile.py needs around its sessions: a HOME, interpreters, copies, the site's sources."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterable

ROOT = Path(__file__).resolve().parents[1]
NOX = ROOT / ".nox"
HOME = NOX / "home"
COLLECTION = Path("ansible_collections", "ozonetel", "cloudagent")

# ansible-test downloads get-pip in these versions, unless its cache has them.
GET_PIP_VERSIONS = ("24.2", "25.2")
GET_PIP = """\
import subprocess
import sys

args = [arg for arg in sys.argv[1:] if arg not in ("--no-setuptools", "--no-wheel")]
subprocess.check_call([sys.executable, "-m", "ensurepip"], stdout=subprocess.DEVNULL)
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", "--quiet", *args]))
"""

# Files in Markdown that are pages of the site as well.
PAGES_OF_FILES = {
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "sandbox/README.md": "sandbox.md",
}


def make_home(home: Path, model: Path, *shared: str) -> Path:
    """Make a HOME for tools that has the settings for pip and git of another one."""
    home.joinpath(".config").mkdir(parents=True, exist_ok=True)
    for name in (".config/pip", ".gitconfig", ".pip", *shared):
        theirs, ours = model / name, home / name
        if theirs.exists() and not os.path.lexists(ours):
            # A session that runs at the same time may have made it just now.
            with contextlib.suppress(FileExistsError):
                ours.symlink_to(theirs)
    return home


def leave_home_alone() -> None:
    """Give every tool a HOME in the clone."""
    make_home(HOME, Path.home())
    # No test may pick up the user's settings, or reach their account.
    for name in list(os.environ):
        if name.startswith(("ANSIBLE_", "OZONETEL_", "XDG_")):
            del os.environ[name]
    os.environ.update(
        HOME=str(HOME),
        PIP_DISABLE_PIP_VERSION_CHECK="1",
        PIP_UPGRADE="1",
    )


def ansible_test_home(core: str) -> Path:
    """Return the HOME for ansible-test, which keeps environments there.

    Those of two ansible-cores may have the same names, and are made at the same time.
    """
    HOME.joinpath(".cache").mkdir(exist_ok=True)
    home = make_home(HOME / core, HOME, ".cache")
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in GET_PIP_VERSIONS:
        script = cache / f"get_pip_{version.replace('.', '_')}.py"
        # Not again while a session that runs at the same time may read it.
        if not script.exists() or script.read_text(encoding="utf-8") != GET_PIP:
            script.write_text(GET_PIP, encoding="utf-8")
    return home


def take_dill_from_the_package_index(environment: Path) -> None:
    """Have ansible-test install a release of dill.

    ansible-core 2.22 names an archive on GitHub, which it needs on Python 3.15 only.
    """
    requirements = "lib/python*/site-packages/ansible_test/_data/requirements/sanity.pylint.txt"
    for path in environment.glob(requirements):
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub("^dill @ .*", "dill", text, flags=re.MULTILINE), encoding="utf-8")


def use_real_pythons() -> None:
    """Put pyenv's interpreters on PATH in place of its shims, which ansible-test trips on."""
    path: list[str] = []
    for entry in os.environ["PATH"].split(os.pathsep):
        versions = Path(entry).parent / "versions"
        if Path(entry).name == "shims" and versions.is_dir():
            path.extend(str(directory) for directory in sorted(versions.glob("3.*/bin")))
        else:
            path.append(entry)
    path.append(str(Path(sys.base_prefix, "bin")))
    os.environ["PATH"] = os.pathsep.join(path)


def find_pythons(minors: Iterable[int]) -> dict[int, str]:
    """Return the paths of those of these Pythons that can make virtual environments."""
    found = {}
    for minor in minors:
        path = shutil.which(f"python3.{minor}")
        if path and not subprocess.call(
            [path, "-c", "import ensurepip"], stderr=subprocess.DEVNULL
        ):
            found[minor] = path
    return found


def copy_collection(place: Path) -> Path:
    """Copy all files that git knows or would add, as ansible-test refuses links."""
    copy = place / COLLECTION
    # The virtual environments that ansible-test made in the output folder serve again.
    kept = (copy / "tests", copy / "tests" / "output")
    for path in (*copy.glob("*"), *copy.glob("tests/*")):
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path not in kept:
            shutil.rmtree(path)
    names = subprocess.check_output(["git", "ls-files", "-coz", "--exclude-standard"], text=True)
    for name in filter(os.path.lexists, names.split("\0")):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(name, copy / name, follow_symlinks=False)
    # Without a repository of its own, all of it would count as ignored, and pass unseen.
    subprocess.check_call(["git", "init", "--quiet", copy])
    return copy


def link_collection(place: Path) -> Path:
    """Make a tree in which Ansible finds this clone itself as the collection."""
    link = place / COLLECTION
    link.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        link.symlink_to(os.path.relpath(ROOT, link.parent), target_is_directory=True)
    return place


def make_private_folder(place: Path) -> Path:
    """Make an empty folder that only its owner may write to, as antsibull-docs wants it."""
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.mkdir(mode=0o700)
    return place


def complete_site(source: Path) -> None:
    """Add to the pages of antsibull-docs those that it does not make, and what it leaves out."""
    # guide_environment.rst takes its place: it lists only variables of plugins that are no modules.
    (source / "environment_variables.rst").unlink()
    for path in (*ROOT.glob("docs/site/*.rst"), *ROOT.glob("docs/site/*.svg")):
        shutil.copy2(path, source)
    for path in ROOT.glob("docs/docsite/rst/*.svg"):
        shutil.copy2(path, source / "docsite")
    for name, page in PAGES_OF_FILES.items():
        shutil.copy2(ROOT / name, source / page)
