"""A teacher that is given with its weights."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

from mmengine.config import ConfigDict

from mmreviewkd.names import counted, some
from mmreviewkd.num_classes import num_classes
from mmreviewkd.teachers.weights import read_weights

from .errors import JobError
from .pair import Pair
from .quiet import quiet

_RANDOM = 'random'
_FEW = 5


@dataclass(frozen=True)
class TrainedTeacher:
    """What the checkpoint of a trained teacher tells.

    Args:
        checkpoint (str): Path or URL of the weights, or ``'random'``.
        num_classes (int, optional): Its number of classes; None where neither the
            checkpoint nor the config tells it.
        classes (tuple[str], optional): Their names, where the checkpoint tells them.
    """

    checkpoint: str
    num_classes: int | None
    classes: tuple[str, ...] | None

    @classmethod
    def of(cls, pair: Pair) -> 'TrainedTeacher | None':
        """Read the checkpoint of a pair's teacher; None where it has none.

        Raises:
            JobError: If it cannot be read.
        """
        path = pair.checkpoint
        if path is None:
            return None
        model: ConfigDict = pair.distilled.model.teacher
        if path == _RANDOM:
            return cls(path, num_classes(model), None)
        classes = _read_classes(path)
        # A stock config that was trained on other classes says those of COCO.
        return cls(path, len(classes) if classes else num_classes(model), classes)

    def knows(
        self, classes: Sequence[str], say: Callable[[str], object] = lambda text: None
    ) -> bool:
        """Tell whether it predicts a data set's classes, so that it can be measured.

        Args:
            classes (Sequence[str]): Those of the data set, in order.
            say (Callable): Is told why it cannot, or how far that is known.
        """
        if self.checkpoint == _RANDOM:
            say('note: the teacher is random, so it is not measured')
            return False
        own = self.classes
        if own is None and self.num_classes == len(classes):
            say(
                "note: the teacher's checkpoint does not name its classes; they are "
                'taken for those of the data'
            )
            return True
        if own is not None and tuple(own) == tuple(classes):
            return True
        say(
            f'note: the teacher has {self._others(classes)}, so its AP on the data is '
            'not measured'
        )
        return False

    def _others(self, classes: Sequence[str]) -> str:
        """Say how its classes are others than those of a data set."""
        if self.classes is not None and sorted(self.classes) == sorted(classes):
            return (
                'the classes of the data in another order '
                f'({some(self.classes, _FEW)}; the data: {some(classes, _FEW)})'
            )
        if not self.num_classes:
            return 'no classes'
        text = counted(self.num_classes, 'class', 'classes')
        if self.classes is None:
            return f'{text} by its config, and its checkpoint does not name them'
        lacking = [name for name in classes if name not in self.classes]
        lacks = f' (it lacks {some(lacking, _FEW)})' if lacking else ''
        return f'{text}, and not those of the data{lacks}'


def _read_classes(path: str) -> tuple[str, ...] | None:
    flag = f'--teacher-checkpoint {path}'
    if '://' not in path and not Path(path).is_file():
        raise JobError(f'{flag}: there is no such file')
    try:
        with quiet():
            return read_weights(path).classes
    except (URLError, ConnectionError, TimeoutError) as error:
        raise JobError(
            f'{flag}: cannot be downloaded ({error}); give a file by '
            '--teacher-checkpoint, or train the teacher on the data: --train-teacher'
        ) from error
    except Exception as error:  # a file can be wrong in any way
        text = str(error).splitlines()
        raise JobError(
            f'{flag}: cannot be read as a checkpoint: {type(error).__name__}: '
            f'{text[0] if text else ""}'
        ) from error
