"""What is tried: the list in ``jobs.yaml``."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import mmengine
from mmengine.utils import get_installed_path

LIST = Path(__file__).with_name('jobs.yaml')
SIZE = (128, 160)


@dataclass(frozen=True)
class Job:
    """A student under a teacher.

    Args:
        student (str): The student's config, a path in MMDetection's configs.
        teacher (str | dict, optional): The teacher's, likewise, or a model's dict.
            Defaults to None: the student's config.
        settings (dict): Other fields of the distilled model. Defaults to none.
        size (tuple[int, int]): Height and width of the images. Defaults to 128, 160.
    """

    student: str
    teacher: str | dict | None = None
    settings: dict = field(default_factory=dict)
    size: tuple[int, int] = SIZE

    @property
    def family(self) -> str:
        """str: The student's folder in MMDetection's configs."""
        return self.student.split('/')[0]

    @property
    def key(self) -> dict[str, str]:
        """dict[str, str]: What tells the job from others, as text for a table."""
        teacher, settings = self.teacher or '', self.settings
        return dict(
            student=self.student,
            teacher=teacher if isinstance(teacher, str) else json.dumps(teacher),
            settings=json.dumps(settings) if settings else '',
        )

    def attempts(self) -> Iterator['Job']:
        """Yield the job without its settings, then, if it has any, with them."""
        yield replace(self, settings={})
        if self.settings:
            yield self


def read_jobs(path: Path = LIST) -> list[Job]:
    """Read the jobs of a list: families first, then pairs.

    Args:
        path (Path): A YAML file with ``families`` and ``pairs``, both lists of a
            config or of the fields of a :class:`Job`. Defaults to this package's.
    """
    content = mmengine.load(path)
    return [_job(entry) for part in ('families', 'pairs') for entry in content[part]]


def left_out(path: Path = LIST) -> dict[str, str]:
    """Read which folders of MMDetection's configs are not tried, and why."""
    return mmengine.load(path)['left_out']


def _job(entry: Any) -> Job:
    fields = dict(student=entry) if isinstance(entry, str) else dict(entry)
    fields['size'] = tuple(fields.get('size', SIZE))
    return Job(**fields)


def stock_configs() -> Path:
    """Find MMDetection's configs in the installed package."""
    return Path(get_installed_path('mmdet')) / '.mim' / 'configs'
