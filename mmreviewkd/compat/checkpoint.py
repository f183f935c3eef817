"""Safe loading of MMEngine's checkpoints.

``torch.load`` refuses MMEngine's own checkpoints since torch 2.6, because they hold
more than tensors; and from URLs MMEngine reads any pickle, which may run any code.
:func:`install` lets :class:`mmengine.runner.CheckpointLoader`, through which all of
MMEngine loads, read exactly the types that its checkpoints contain, and no others.

The names that stand in a file are answered by the functions below rather than by the
real ones, since a file also chooses the arguments: the real ``getattr`` leads to any
function, and the real ``numpy.dtype`` to arrays whose bytes are taken as pointers.
The list holds only inside of a load. ``torch.load`` elsewhere keeps its own rules.
"""

import errno
import functools
import os
import pickle
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import mmengine.runner.checkpoint
import numpy as np
import torch
from mmengine.infer import BaseInferencer
from mmengine.logging import HistoryBuffer
from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler
from mmengine.runner import CheckpointLoader
from torch.serialization import (
    add_safe_globals,
    clear_safe_globals,
    get_safe_globals,
)

from mmreviewkd.errors import UsageError

_FORCE = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD'
_FORCE_NOT = 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'
# Environment and allow-list belong to the whole process.
_lock = threading.RLock()


class UnsafeCheckpointError(UsageError, RuntimeError):
    """A checkpoint holds what could run any code; it was not executed."""


class UnreadableCheckpointError(UsageError, RuntimeError):
    """A checkpoint is damaged, or no checkpoint."""


class _Refused(Exception):
    """Says what one of the stand-ins below does not accept."""


class _Name:
    """Stands for something that a file has reason to name, but not to call."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *_: Any) -> None:
        raise _Refused(f'a call of {self.name}')


_NDARRAY = _Name('numpy.ndarray')
_ONE_CYCLE = _Name(f'{OneCycleParamScheduler.__module__}.OneCycleParamScheduler')


class _HistoryBuffer(HistoryBuffer):
    """Becomes a real HistoryBuffer once its state turns out to be plain numbers."""

    def __init__(self, *_: Any) -> None:
        raise _Refused('a call of HistoryBuffer')

    def __setstate__(self, state: dict) -> None:
        log, count = state['_log_history'], state['_count_history']
        length = state['max_length']
        if not (type(log) is type(count) is np.ndarray and type(length) is int):
            raise _Refused('a HistoryBuffer of something else than numbers')
        # The stored statistics methods are left out: only known ones get here.
        self.__dict__.update(_log_history=log, _count_history=count, max_length=length)
        self.__class__ = HistoryBuffer
        self._set_default_statistics()


def _getattr(owner: Any, name: Any) -> Any:
    """Answers for what MMEngine pickles as an attribute of a class."""
    if owner is _HistoryBuffer and name in HistoryBuffer._statistics_methods:
        return None  # _HistoryBuffer has no use for it
    if owner is _ONE_CYCLE and name in ('_annealing_cos', '_annealing_linear'):
        return getattr(OneCycleParamScheduler, name)
    raise _Refused(f'builtins.getattr(..., {name!r})')


def _dtype(code: Any, *_: Any) -> np.dtype:
    """Gives a dtype of numbers, one of numpy's own, which ignores a file's state."""
    if not (isinstance(code, str) and re.fullmatch(r'[biufc]\d+', code)):
        raise _Refused(f'numpy.dtype({code!r})')
    return np.dtype(code)


def _reconstruct(*_: Any) -> np.ndarray:
    # Shape, type and content follow as state.
    return np.empty(0)


def _allowed() -> list[tuple[Any, str]]:
    """What a file may name: pairs of the object it gets, and the name in the file."""
    allowed = [
        (_getattr, 'builtins.getattr'),
        (_HistoryBuffer, 'mmengine.logging.history_buffer.HistoryBuffer'),
        (_ONE_CYCLE, _ONE_CYCLE.name),
        (_NDARRAY, _NDARRAY.name),
        (_dtype, 'numpy.dtype'),
    ]
    scalar = np.float64(0).__reduce__()[0]
    for module in ('numpy.core.multiarray', 'numpy._core.multiarray'):  # numpy 1, 2
        allowed += [
            (_reconstruct, f'{module}._reconstruct'),
            (scalar, f'{module}.scalar'),
        ]
    HistoryBuffer()  # the first one registers MMEngine's own statistics
    # Those that a user registered are functions of some module.
    for method in HistoryBuffer._statistics_methods.values():
        name = f'{method.__module__}.{method.__qualname__}'
        allowed.append((_Name(name), name))
    # Objects of these may be given their state. No file can name, and so call, the
    # classes themselves: a name in a file has no line break.
    codes = np.typecodes['AllInteger'] + np.typecodes['AllFloat'] + '?'
    stateful = {np.ndarray, *(type(np.dtype(code)) for code in codes)}
    return allowed + [(cls, f'\n{cls.__name__}') for cls in stateful]


@contextmanager
def _weights_only() -> Iterator[None]:
    """Makes every ``torch.load`` a safe one, whatever its arguments say."""
    ours = _allowed()
    with _lock:
        # What others listed is put away: torch lists its distributed types, and the
        # usual advice for MMEngine has users list the real `getattr`.
        others = get_safe_globals()
        clear_safe_globals()
        add_safe_globals(ours)
        environment = {key: os.environ.pop(key, None) for key in (_FORCE, _FORCE_NOT)}
        os.environ[_FORCE] = '1'
        try:
            yield
        finally:
            os.environ.pop(_FORCE, None)
            os.environ.update({k: v for k, v in environment.items() if v is not None})
            # Modules that were imported meanwhile may have listed more.
            added = [entry for entry in get_safe_globals() if entry not in ours]
            clear_safe_globals()
            add_safe_globals(others + added)


def install() -> None:
    """Makes all loading of checkpoints by MMEngine safe, from any kind of address."""
    original = CheckpointLoader.load_checkpoint.__func__
    if getattr(original, '_weights_only', False):
        return

    @functools.wraps(original)
    def load_checkpoint(
        cls: type, filename: str, map_location: Any = None, logger: Any = 'current'
    ) -> Any:
        try:
            with _weights_only():
                checkpoint = original(cls, filename, map_location, logger)
        except _Refused as error:
            raise _unsafe(filename, error) from None
        except pickle.UnpicklingError as error:
            message = str(error)
            if 'Unsupported operand' in message:
                reason = 'it is not written by torch.save with its own pickle protocol'
                raise _unreadable(filename, reason) from error
            found = re.search(r'GLOBAL (\S+)', message)
            raise _unsafe(filename, found[1] if found else message) from None
        except (ImportError, UnsafeCheckpointError):
            raise  # an inner call has spoken
        except OSError as error:
            # A damaged archive can make reading fail; else the file cannot be had.
            if error.errno == errno.EINVAL and os.path.isfile(filename):
                raise _unreadable(filename, repr(error)) from error
            raise
        except Exception as error:  # a broken pickle can fail in any way
            raise _unreadable(filename, repr(error)) from error
        meta = checkpoint.get('meta') if isinstance(checkpoint, dict) else None
        if isinstance(meta, dict):
            # Checkpoints of former versions have it. It is Python, and resuming from
            # the checkpoint would run it.
            meta.pop('config', None)
        return checkpoint

    # OneDL's loaders list the real `getattr` and `numpy.dtype` around each torch.load,
    # and load unsafely what is refused all the same.
    if hasattr(mmengine.runner.checkpoint, '_safe_torch_load'):
        mmengine.runner.checkpoint._safe_torch_load = _torch_load

    load_checkpoint._weights_only = True
    CheckpointLoader.load_checkpoint = classmethod(load_checkpoint)

    init_model = BaseInferencer._init_model

    @functools.wraps(init_model)
    def _init_model(self: Any, cfg: Any, weights: Any, device: str = 'cpu') -> Any:
        if not cfg:
            raise UnsafeCheckpointError(
                f'the config within {weights} is Python, which could run any code, and '
                'is not used. Give the config too: model=CONFIG, weights=...'
            )
        return init_model(self, cfg, weights, device)

    BaseInferencer._init_model = _init_model


def _torch_load(file: Any, map_location: Any = None, weights_only: Any = None) -> Any:
    """Load with the rules that are in force, and no others."""
    return torch.load(file, map_location=map_location, weights_only=True)


def _unsafe(filename: str, found: Any) -> UnsafeCheckpointError:
    return UnsafeCheckpointError(
        f'The checkpoint {filename} is refused: it holds {found}, which does not '
        'belong in a checkpoint of MMEngine and could run any code. Nothing in it was '
        'executed. If you trust where it comes from, save it again with only tensors '
        'and plain containers (dict, list, str, numbers).'
    )


def _unreadable(filename: str, reason: Any) -> UnreadableCheckpointError:
    return UnreadableCheckpointError(
        f'The checkpoint {filename} cannot be read: {reason}. If that names no other '
        'cause, the file is truncated or damaged; get it again.'
    )
