"""Stand-ins for mmcv's compiled operators, made of PyTorch's and torchvision's.

mmcv looks for its compiled operators in the module ``mmcv._ext``, which mmcv-lite
does not have. :func:`install` offers a module of that name. It is offered last, so
a compiled ``mmcv._ext`` always wins. Nothing but the standard library is imported
before mmcv asks for that module.
"""

import importlib
import importlib.abc
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from .refusal import refuse

_NAME = 'mmcv._ext'
# Each module's `__all__` has the operators under mmcv's names.
_MODULES = (
    'carafe',
    'deform_conv',
    'deform_roi_pool',
    'focal_loss',
    'masked_conv',
    'modulated_deform_conv',
    'ms_deform_attn',
    'nms',
    'nms_match',
    'roi_align',
    'soft_nms',
)


def _no_compiler() -> str:
    # mmcv's environment report calls the two functions that this stands for.
    return 'n/a (torchvision stand-in)'


def _unknown(name: str) -> Callable:
    # mmcv asks for all operators at import, so only a call may fail.
    if name.startswith('__'):
        raise AttributeError(f'module {_NAME!r} has no attribute {name!r}')
    return lambda *args, **kwargs: refuse(name)


class _StandIn(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(
        self, fullname: str, path: Any = None, target: Any = None
    ) -> ModuleSpec | None:
        if fullname == _NAME:
            return ModuleSpec(_NAME, self, origin=__name__)
        return None

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        for name in _MODULES:
            operators = importlib.import_module(f'.{name}', __name__)
            for operator in operators.__all__:
                setattr(module, operator, getattr(operators, operator))
        module.get_compiler_version = _no_compiler
        module.get_compiling_cuda_version = _no_compiler
        module.__getattr__ = _unknown


def install() -> None:
    """Offers the stand-in to imports of ``mmcv._ext``, after all other finders.

    Neither imports mmcv nor looks for a compiled one.
    """
    if not any(isinstance(finder, _StandIn) for finder in sys.meta_path):
        sys.meta_path.append(_StandIn())
