# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""The AnsibleModule of this collection: its message for an account that was not given."""

from __future__ import annotations

import re
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ._options import ACCOUNT_VARIABLES

try:
    from ansible.module_utils.secrets import register_secrets as _register_secrets
except ImportError:
    # ansible-core before 2.22 has no registry of secrets: AnsibleModule masks what it returns, and
    # nothing is masked that is only shown.
    _register_secrets = None
register_secrets: t.Any = _register_secrets

_MISSING_IN_CAMPAIGNS = re.compile(r"missing required arguments: (.+) found in campaigns")


class CloudAgentModule(AnsibleModule):
    """An AnsibleModule that explains what is missing, and tells no progress."""

    def fail_json(self, msg: str, **kwargs: t.Any) -> None:
        """End with a failure; Ansible's own message for a missing option is made longer."""
        super().fail_json(msg=explained(msg, self.params), **kwargs)

    def hide(self, secret: str) -> None:
        """Have a secret masked that no option is."""
        if register_secrets:
            register_secrets({secret})
        else:
            self.no_log_values.add(secret)

    def progress(self, text: str) -> None:
        """Say nothing: a module prints only its result."""

    def is_abandoned(self) -> bool:
        """Tell that somebody wants the result: a job of ``async`` outlives who began it.

        It runs detached: ansible/modules/async_wrapper.py.
        """
        return False


def explained(msg: str, params: t.Mapping[str, t.Any]) -> str:
    """Return a message, with the way out when it is Ansible's own about a missing option."""
    return with_campaign_hint(with_account_hint(msg), params)


def with_campaign_hint(msg: str, params: t.Mapping[str, t.Any]) -> str:
    """Return the message, with the position of the first campaign that lacks an option."""
    match = _MISSING_IN_CAMPAIGNS.fullmatch(msg)
    entries = params.get("campaigns")
    if not match or not isinstance(entries, list):
        return msg
    missing = match.group(1).split(", ")
    for position, entry in enumerate(entries, start=1):
        if isinstance(entry, dict) and all(entry.get(name) is None for name in missing):
            return f"{msg}: look at item {position}."
    return msg


def with_account_hint(msg: str) -> str:
    """Return the message, with the way out when it is about a missing account option.

    The environment is that of the place where the update runs, which users take for the
    controller's.
    """
    prefix = "missing required arguments: "
    if not msg.startswith(prefix):
        return msg
    missing = [name.strip() for name in msg[len(prefix) :].split(",")]
    variables = [ACCOUNT_VARIABLES[name] for name in missing if name in ACCOUNT_VARIABLES]
    if not variables:
        return msg
    them = "it" if len(variables) == 1 else "them"
    example = variables[0]
    return (
        f"{msg}. Set {them} in the task or in module_defaults, or set {' and '.join(variables)} in "
        f"the environment of the host and user that run the update. To take {them} from the "
        f"controller's environment, give \"{{{{ lookup('ansible.builtin.env', '{example}') }}}}\"."
    )
