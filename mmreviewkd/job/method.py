"""A way of learning from the teacher: what it changes in the configured model."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmreviewkd.config_file import config_by_name
from mmreviewkd.errors import UsageError
from mmreviewkd.results.results import DISTILLED, WITH_UNLABELED

from .errors import JobError


@dataclass(frozen=True)
class Unlabeled:
    """Images without annotations that a student is distilled with.

    Args:
        folder (str): The folder of the images.
        threshold (float, optional): Lowest score of the teacher's predictions that
            serve as annotations. Defaults to None: no prediction does.
    """

    folder: str
    threshold: float | None = None


@dataclass(frozen=True)
class Method:
    """One way of learning.

    Args:
        name (str): Its name, which is that of its runs too.
        model (Mapping[str, Any]): Fields of ``model``, dotted, and what they are set
            to. Defaults to ``{}``: the distillation as configured.
        imports (Sequence[str]): Modules to import that register its classes.
            Defaults to ().
        detectors (Sequence[str]): The detectors that it fits. Defaults to (): any.
        unlabeled (Unlabeled, optional): More images for it. Defaults to None.
    """

    name: str
    model: Mapping[str, Any] = field(default_factory=dict)
    imports: Sequence[str] = ()
    detectors: Sequence[str] = ()
    unlabeled: Unlabeled | None = None

    def apply(self, cfg: Config) -> None:
        """Change the config of a distilled run."""
        for key, value in self.model.items():
            if key == 'inherit' and cfg.get('load_from'):
                continue  # A checkpoint of the whole student comes after it.
            *path, last = key.split('.')
            part = cfg.model
            for name in path:
                part = part[name]
            part[last] = copy.deepcopy(value)
        if self.imports:
            cfg.custom_imports.imports.extend(self.imports)


AS_CONFIGURED = Method(DISTILLED)
CONTROLS = (
    # Nothing to inherit there.
    Method('random_teacher', dict(teacher_checkpoint='random', inherit=())),
    Method('zero_weight', {'distillation.loss_weight': 0.0}),
)


def unlabeled_methods(folder: str, threshold: float | None = None) -> list[Method]:
    """List the ways to distil as configured with unlabelled images.

    Args:
        folder (str): The folder of the images.
        threshold (float, optional): Lowest score of a pseudo label. Defaults to None:
            pseudo labels are not used.

    Returns:
        list[Method]: One without pseudo labels, and one with them where asked for.
    """
    without, pseudo = WITH_UNLABELED
    methods = [Method(without, unlabeled=Unlabeled(folder))]
    if threshold is not None:
        methods.append(Method(pseudo, unlabeled=Unlabeled(folder, threshold)))
    return methods


def read_methods(files: Sequence[str | Path]) -> list[Method]:
    """Read files with a variable ``method``.

    They may also have ``inherit``, the parts that start from the teacher's weights;
    ``detectors``, the only ones that the method fits; and ``custom_imports``.

    Args:
        files (Sequence[str | Path]): Paths, or names in a package such as
            ``'mmreviewkd::methods/review.py'``.

    Returns:
        list[Method]: The methods, in the same order, each named as its file is,
        without ``.py``.

    Raises:
        JobError: If a file is missing or wrong.
    """
    return [_read_method(file) for file in map(str, files)]


def refuse_double_names(methods: Sequence[Method]) -> None:
    """See to it that each run gets a name of its own.

    Raises:
        JobError: If two methods have the same name, or one that of another run.
    """
    taken = {'teacher', 'student'}
    for method in methods:
        if method.name in taken:
            raise JobError(
                f'a method cannot be named {method.name}, as another run is; give its '
                'file another name'
            )
        taken.add(method.name)


def _read_method(file: str) -> Method:
    try:
        cfg = config_by_name(file)
    except (OSError, UsageError) as error:
        raise JobError(f'the method {file} cannot be read: {error}') from error
    if 'method' not in cfg:
        raise JobError(
            f'{file} has no variable `method`, the dict that becomes model.distillation'
        )
    content = cfg.to_dict()
    distillation = content['method']
    if isinstance(distillation, dict):
        # For configs that inherit the file.
        distillation.pop('_delete_', None)
    model = dict(distillation=distillation)
    if 'inherit' in content:
        model['inherit'] = content['inherit']
    imports = content.get('custom_imports', {}).get('imports', [])
    imports = [imports] if isinstance(imports, str) else imports
    return Method(
        Path(file).stem,
        model,
        imports,
        tuple(content.get('detectors', ())),
    )
