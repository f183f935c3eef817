"""What the runs of a job will take, as far as a trial of them tells."""

import math
import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mmreviewkd.names import clock, counted

from .plan import Run


@dataclass(frozen=True)
class Expected:
    """What a run will take, as far as a step of it tells.

    Args:
        run (Run): The run.
        parameters (int): Parameters of its detector.
        epochs (int): Epochs of it.
        images (int): Images of an epoch.
        batch (int): Images of a step.
        others (int): Unlabelled or pseudo-labelled images that are added to them.
        epoch_seconds (float): Time of an epoch, without its evaluation.
        evaluations (int): Evaluations of the run.
        evaluation_seconds (float): Time of one.
        memory (int): The most that the GPU held in the trial, in bytes.
    """

    run: Run
    parameters: int
    epochs: int
    images: int
    batch: int
    others: int
    epoch_seconds: float
    evaluations: int
    evaluation_seconds: float
    memory: int

    @property
    def seconds(self) -> float:
        """float: Time of the whole run."""
        return (
            self.epochs * self.epoch_seconds
            + self.evaluations * self.evaluation_seconds
        )

    def shared_by(self, processes: int) -> 'Expected':
        """Give what several processes take that train the run together."""
        return replace(
            self,
            epoch_seconds=self.epoch_seconds / processes,
            evaluation_seconds=self.evaluation_seconds / processes,
        )

    def __str__(self) -> str:
        images = counted(self.images, 'image')
        what = f'{self.run.name:<19} {self.parameters / 1e6:7.2f} M parameters  '
        if self.run.checkpoint:
            what += f'trained, measured on {images}'
        else:
            what += (
                f'{counted(self.epochs, "epoch")} of {images} in batches of '
                f'{self.batch}'
            )
        if self.others:
            what += f' and {self.others} more'
        memory = f', {self.memory / 2**30:.1f} GiB' if self.memory else ''
        return f'  {what}, about {clock(self.seconds)}{memory}'


def mixed_up(expected: Sequence[Expected]) -> str:
    """Ask whether teacher and student are mixed up where the student is larger.

    Args:
        expected (Sequence[Expected]): The runs.

    Returns:
        str: The question; nothing where the student is smaller, or the teacher is not
        among the runs.
    """
    sizes = {one.run.name: one.parameters for one in expected}
    if not sizes.get('student', 0) > sizes.get('teacher', math.inf):
        return ''
    return (
        f'note: the student has more parameters ({sizes["student"] / 1e6:.2f} M) than '
        f'the teacher ({sizes["teacher"] / 1e6:.2f} M); are they mixed up?'
    )


def announcement(expected: Sequence[Expected], on_gpu: bool) -> str:
    """Say what a job will do, what each run takes, and all together.

    Args:
        expected (Sequence[Expected]): The runs.
        on_gpu (bool): Whether they are done on a GPU.
    """
    lines = [str(one) for one in {one.run.name: one for one in expected}.values()]
    seeds = sorted({one.run.seed for one in expected if not one.run.checkpoint})
    if len(seeds) > 1:
        lines.append(f'  each with the seeds {", ".join(map(str, seeds))}')
    if on_gpu:
        most = max((one.memory for one in expected), default=0)
        memory = f'{most / 2**30:.1f} GiB of the GPU'
    else:
        memory = f'{_resident() / 2**30:.1f} GiB'
    total = clock(sum(one.seconds for one in expected))
    return '\n'.join(
        ['planned:', *lines, f'  in all about {total}, and {memory} of memory']
    )


def _resident() -> int:
    """The most memory that this process has had, in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == 'darwin' else 1024 * most
