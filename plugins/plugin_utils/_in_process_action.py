# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Running a module's code in the controller's worker process, or handing over to the module.

A module's payload is packed, unpacked and run by a new Python for every host and every item of a
loop. In process, the worker that Ansible forks in any case sends the request itself, and keeps its
HTTP session from one item to the next.
"""

from __future__ import annotations

import os
import typing as t

from ansible import constants as C
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

# The strategy loads action plugins in the parent process (action_loader.get in linear.py and free.py of
# ansible/plugins/strategy). So what is imported at the top of their files, requests above all, is
# imported once, and every forked worker inherits it.
from ..module_utils._http.session import REQUESTS_IMPORT_ERROR
from ._before_fork import load_before_fork
from ._in_process_module import ArgumentSpec, InProcessModule, Result
from ._interpreter import is_this_python

Variables = t.Dict[str, t.Any]

display = Display()

load_before_fork(os.environ)

# The parent of each worker as its first item of a loop saw it, by the worker's process.
_parents: dict[int, int] = {}


class InProcessAction(ActionBase):
    """The action plugin of a module; a subclass names the module's options and its code."""

    _supports_check_mode = True
    _supports_async = True

    def argument_spec(self) -> ArgumentSpec:
        """Return the module's options."""
        raise NotImplementedError

    def run_module(self, module: InProcessModule) -> None:
        """Do the module's work; it ends with the module's exit_json or fail_json."""
        raise NotImplementedError

    def run(self, tmp: object = None, task_vars: Variables | None = None) -> Result:
        """Return the module's result; ``-vv`` shows which way the task took."""
        super().run(None, task_vars)
        variables = task_vars or {}
        obstacle = self._obstacle(variables)
        way = f"as a module, because {obstacle}" if obstacle else "in process"
        display.vv(f"{self._task.action}: {way}", host=variables.get("inventory_hostname"))
        if obstacle:
            return self._run_as_module(variables)
        module = InProcessModule(
            name=self._task.action,
            options=self._task.args,
            argument_spec=self.argument_spec(),
            check_mode=self._task.check_mode,
            diff=self._task.diff,
            progress=None if self._task.no_log else self._show_progress,
            parent=_parents.setdefault(os.getpid(), os.getppid()),
        )
        return module.run(self.run_module)

    def _show_progress(self, text: str) -> None:
        """Show a plain line on the controller's screen, and in its log."""
        display.display(f"{self._task.action.rpartition('.')[2]}: {text}")

    def _obstacle(self, variables: Variables) -> str | None:
        """Return why this process is not the place for the task, or None."""
        if self._connection.transport != "local":
            return f"its connection is {self._connection.transport}, not local"
        if self._connection.become is not None:
            return "it has become"
        if self._task_environment():
            return "it has an environment"
        if self._task.async_val:
            return "it has async"
        interpreter = self._interpreter(variables)
        if not is_this_python(interpreter):
            return f"its Python is not Ansible's own but {interpreter}"
        if REQUESTS_IMPORT_ERROR is not None:
            return "Ansible's own Python has no requests"
        return None

    def _task_environment(self) -> dict[str, str]:
        """Return the task's environment, which may be a template that comes to nothing."""
        environment: dict[str, str] = {}
        self._compute_environment_string(environment)
        return environment

    def _interpreter(self, variables: Variables) -> str:
        """Return the interpreter that the user chose, or one of Ansible's words for none."""
        if self._task.delegate_to:
            delegated = variables.get("ansible_delegated_vars", {})
            variables = delegated.get(self._task.delegate_to, variables)
        chosen = C.config.get_config_value("INTERPRETER_PYTHON", variables=variables)
        return str(self._templar.template(chosen))

    def _run_as_module(self, variables: Variables) -> Result:
        result: Result = self._execute_module(task_vars=variables, wrap_async=self._task.async_val)
        if not self._task.async_val:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result
