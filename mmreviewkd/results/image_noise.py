"""What other validation images of the same kind would change: AP and gains."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from .intervals import Interval, percentile_interval

Resampled = Mapping[int, Sequence[float]]
"""AP on the resampled sets of images, by seed."""


class ImageNoise(NamedTuple):
    """Intervals over images, from the bootstrap's percentiles, 95 % each.

    Args:
        images (int): Number of validation images.
        resamples (int): How often they were resampled.
        aps (dict[str, Interval]): Of the mean AP over seeds, by run.
        gains (dict[str, Interval]): Of the mean gain over seeds, by method.
        gap (Interval, optional): Of the mean gap between teacher and student alone;
            None without a teacher.
    """

    images: int
    resamples: int
    aps: dict[str, Interval]
    gains: dict[str, Interval]
    gap: Interval | None


def image_noise(
    images: int, resampled: Mapping[str, Resampled], one_teacher: bool
) -> ImageNoise:
    """Compute the intervals.

    A difference is taken on the same resampled images for both runs, so that images
    that are easy or hard for both do not count.

    Args:
        images (int): Number of validation images.
        resampled (Mapping[str, Resampled]): By run: ``'teacher'``, ``'student'``, with
            one seed at least, and the methods.
        one_teacher (bool): Whether all students have the same teacher.
    """
    students = resampled['student']
    teachers = resampled.get('teacher', {})
    if one_teacher and teachers:
        teachers = dict.fromkeys(students, next(iter(teachers.values())))
    gains = {
        name: _difference(runs, students)
        for name, runs in resampled.items()
        if name not in ('teacher', 'student')
    }
    return ImageNoise(
        images=images,
        resamples=len(next(iter(students.values()))),
        aps={
            name: percentile_interval(np.mean(list(runs.values()), axis=0))
            for name, runs in resampled.items()
            if runs
        },
        gains={name: interval for name, interval in gains.items() if interval},
        gap=_difference(teachers, students),
    )


def _difference(runs: Resampled, others: Resampled) -> Interval | None:
    """Give the interval of the mean difference over the seeds that both have."""
    both = [
        np.subtract(values, others[seed])
        for seed, values in runs.items()
        if seed in others
    ]
    return percentile_interval(np.mean(both, axis=0)) if both else None
