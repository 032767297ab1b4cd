# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""How every module ends; the one place where a failure becomes fail_json."""

from __future__ import annotations

import contextlib
import typing as t

from ._failure import UpdateFailure
from ._result import Result, failed_result, mask_secret_in, unexpected_result

FailedResult = t.Callable[[UpdateFailure], Result]


@contextlib.contextmanager
def failure_in(result: Result, failed: FailedResult = failed_result) -> t.Iterator[None]:
    """Have a failure of what is done inside of the context become part of the result."""
    try:
        yield
    except UpdateFailure as failure:
        result.update(failed(failure), failed=True)
    # Ansible would show the text of any other exception, maybe with the API key: TaskExecutor.run
    # in ansible/executor/task_executor.py, and for a module Python's traceback.
    except Exception as error:  # noqa: BLE001  # see above
        result.update(unexpected_result(error), failed=True)


def end_with_result(module: t.Any, result: Result) -> None:
    """End the module with its result."""
    shown = mask_secret_in(result, module.params["api_key"] or "")
    if shown.pop("failed", False):
        module.fail_json(**shown)
    module.exit_json(**shown)
