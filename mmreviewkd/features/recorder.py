"""Recording what modules of a model return while it runs."""

import difflib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from torch import Tensor, nn

from .feature import Feature, tensors_in


class Call(NamedTuple):
    """One call of a module.

    Args:
        inputs (tuple): Its positional arguments.
        output (Any): What it has returned.
    """

    inputs: tuple
    output: Any


class FeatureRecorder:
    """Records what named modules return while their model's own forward runs.

    Nothing runs twice: forward hooks, put on once, note the calls inside of the
    recorder's ``with`` block.

    Args:
        model (nn.Module): The model.
        names (Iterable[str]): Names of modules in it, such as ``'neck'`` or
            ``'backbone.layer3'``.
        who (str): What errors call the model. Defaults to ``'model'``.

    Raises:
        ValueError: If the model has no module of a name.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> from mmreviewkd.features import FeatureRecorder
        >>> model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())
        >>> recorder = FeatureRecorder(model, ['0'])
        >>> with recorder:
        ...     out = model(torch.zeros(2, 3, 5, 5))
        >>> [tuple(feat.shape) for feat in recorder.tensors('0')]
        [(2, 4, 5, 5)]
    """

    def __init__(
        self, model: nn.Module, names: Iterable[str], who: str = 'model'
    ) -> None:
        self.names = tuple(dict.fromkeys(names))
        self._who = who
        self._recording = False
        self._calls: dict[str, list[Call]] = {}
        self._handles = [
            find_module(model, name, who).register_forward_hook(_Note(self, name))
            for name in self.names
        ]

    def __enter__(self) -> 'FeatureRecorder':
        self._calls = {name: [] for name in self.names}
        self._recording = True
        return self

    def __exit__(self, *_: object) -> None:
        self._recording = False

    def call(self, name: str) -> Call:
        """Return the one call of a module within the last ``with`` block.

        Raises:
            RuntimeError: If the module was not called there, or more than once.
        """
        calls = self.calls(name)
        if len(calls) != 1:
            often = f'{len(calls)} times' if calls else 'not at all'
            raise RuntimeError(
                f"the {self._who}'s module {name!r} was called {often} in one forward "
                f'pass, where once is expected; name another module in '
                f'model.{self._who}_features'
            )
        return calls[0]

    def calls(self, name: str) -> list[Call]:
        """Return all calls of a module within the last ``with`` block, in order."""
        return list(self._calls[name])

    def tensors(self, name: str) -> list[Tensor]:
        """Return the tensors that a module has returned, see :meth:`call`."""
        return list(tensors_in(self.call(name).output))

    def features(self, wanted: Sequence[Feature]) -> list[Tensor]:
        """Return those tensors that are given features, see :meth:`call`."""
        return [self.tensors(one.name)[one.index] for one in wanted]

    def clear(self) -> None:
        """Let the recorded tensors go."""
        self._calls = {}

    def remove(self) -> None:
        """Take the hooks off the model."""
        for handle in self._handles:
            handle.remove()


class _Note:
    """A forward hook. An object, not a closure, so that models can be pickled."""

    def __init__(self, recorder: FeatureRecorder, name: str) -> None:
        self._recorder = recorder
        self._name = name

    def __call__(self, module: nn.Module, inputs: tuple, output: Any) -> None:
        if self._recorder._recording:
            self._recorder._calls[self._name].append(Call(inputs, output))


def find_module(model: nn.Module, name: str, who: str) -> nn.Module:
    """Find a module by its name.

    Args:
        model (nn.Module): The model.
        name (str): The name in it.
        who (str): ``'student'`` or ``'teacher'``, for errors.

    Raises:
        ValueError: If there is none; names the nearest ones.
    """
    modules = dict(model.named_modules())
    if not name or name not in modules:
        near = difflib.get_close_matches(name, modules, n=4, cutoff=0.5)
        there = near or [child for child, _ in model.named_children()]
        raise ValueError(
            f'model.{who}_features: the {who} {type(model).__name__} has no module '
            f'{name!r}; it has {", ".join(map(repr, there))}'
        )
    return modules[name]
