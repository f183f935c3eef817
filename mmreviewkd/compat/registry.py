"""Names with a registry's own scope, such as ``mmdet.DistilledModel``.

MMEngine looks for a name without a scope in a registry's parents too, but not for one
with the registry's own scope. What is registered in the root is then found by all
scopes but the one that is named.
"""

import functools
from typing import Any

from mmengine.registry import Registry


def install() -> None:
    """Look for a name with the registry's own scope as for one without."""
    original = Registry.get
    if hasattr(original, '__wrapped__'):
        return

    @functools.wraps(original)
    def get(self: Registry, key: str) -> Any:
        found = original(self, key)
        if found is None:
            scope, name = self.split_scope_key(key)
            if scope == self.scope:
                found = original(self, name)
        return found

    Registry.get = get
