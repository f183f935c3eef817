"""The table as a page."""

import json
from collections import Counter

from mmreviewkd.tables import markdown

from .check import STOCK
from .jobs import Job
from .reasons import ERROR, NETWORK, OPERATOR, PACKAGE, PROCESS
from .table import STOCK_FAILS, WORKS, Row, find

INTRO = """\
# Supported models

After this page you know which models of MMDetection were tried as students and
teachers, and whether they work. `tools/support.py` writes this page from
[its table](results/supported.csv), here with {versions}.

Each row is one job in a process of its own, with two made images, random weights and
the review (`ReviewConnector`, `HCLLoss`). *Works* means:

- From the same weights and seed, a training step gives the student exactly the losses
  that it has in MMDetection alone. This is tested with a strength of 0, and with the
  teacher.
- The connector gets gradients, and a prediction runs.

It does not mean that the student gets better: see [the results](results.md) for that.
Strides and channels are those of the compared levels, by default all that student and
teacher have in common.

This command runs the jobs that the table lacks, and writes this page:

```bash
python tools/support.py docs/results/supported.csv docs/supported.md
```
"""
FAMILIES = """\
## Families

One or two models of each folder of MMDetection's configs. The teacher has the student's
own config. As students, GLIP and Grounding DINO hold a language model that transformers
downloads. As teachers they do not need it, because only backbone and neck are built.
"""
PAIRS = """\
## Pairs of families

If strides or channels differ, the table has the student's → the teacher's.
"""
LEFT_OUT = """\
## Not tried

These folders of MMDetection's configs have no further model for images.
"""
WORDS = {
    PACKAGE: 'a package is missing',
    OPERATOR: 'an operator of the compiled mmcv is missing',
    NETWORK: 'files would be downloaded',
    PROCESS: 'the process was ended',
    ERROR: 'an error',
}


def page(rows: list[Row], listed: list[Job], left_out: dict[str, str]) -> str:
    """Write the page.

    Args:
        rows (list[Row]): All rows of the table.
        listed (list[Job]): The jobs of the list, some of which it may lack.
        left_out (dict[str, str]): Folders that are not tried, and why.

    Returns:
        str: Markdown.
    """
    jobs = sorted(_jobs(rows), key=_order)
    families = [attempts for attempts in jobs if not attempts[0]['teacher']]
    pairs = [attempts for attempts in jobs if attempts[0]['teacher']]
    versions = ' or '.join(dict.fromkeys(row['versions'] for row in rows))
    head = ('config', 'result', 'strides', 'channels', 'CPU seconds')
    missing = [job for job in listed if not find(rows, next(job.attempts()))]
    pairs_missing = [job for job in missing if job.teacher]
    parts = [
        INTRO.format(versions=versions),
        FAMILIES,
        counts(families, len(missing) - len(pairs_missing)),
        _table(('folder', *head), [_family(one) for one in families]),
        PAIRS,
        counts(pairs, len(pairs_missing)),
        _table(('student', 'teacher', *head[1:]), [_pair(one) for one in pairs]),
        LEFT_OUT,
        _table(('folder', 'why'), [(f'`{k}`', v) for k, v in left_out.items()]),
    ]
    return '\n'.join(parts)


def _jobs(rows: list[Row]) -> list[list[Row]]:
    """Join the attempts at one job, without and with settings."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row['student'], row['teacher']), []).append(row)
    return list(found.values())


def _order(attempts: list[Row]) -> tuple[str, ...]:
    row = attempts[0]
    return row['student'], row['teacher']


def counts(jobs: list[list[Row]], missing: int) -> str:
    """Count the results of jobs, as a list in Markdown, the most frequent first."""
    kinds = Counter(_kind(attempts[-1]) for attempts in jobs)
    lines = [f'- {number} {kind}\n' for kind, number in kinds.most_common()]
    rest = f' ({missing} are still to be tried)' if missing else ''
    return f'Of {len(jobs)} that were tried{rest},\n\n' + ''.join(lines)


def _kind(row: Row) -> str:
    if row['result'] == WORKS:
        return f'work with{"" if row["settings"] else "out"} a setting'
    if _only_trains(row):
        return 'train, but cannot predict in MMDetection alone either'
    return f'fail{_who(row)}: {WORDS[row["cause"]]}'


def _who(row: Row) -> str:
    """Where a job fails; what is not installed is missing anywhere."""
    if row['cause'] in (PACKAGE, OPERATOR, NETWORK):
        return ''
    return ' in MMDetection alone too' if row['result'] == STOCK_FAILS else ' here'


def _only_trains(row: Row) -> bool:
    return row['stage'] == f'{STOCK}prediction'


def _stage(row: Row) -> str:
    return row['stage'].removeprefix(STOCK)


def _family(attempts: list[Row]) -> tuple[str, ...]:
    folder, name = attempts[-1]['student'].split('/', 1)
    return f'`{folder}`', _name(name), *_cells(attempts)


def _pair(attempts: list[Row]) -> tuple[str, ...]:
    row = attempts[-1]
    return _name(row['student']), _teacher(row['teacher']), *_cells(attempts)


def _name(config: str) -> str:
    return f'`{config.removesuffix(".py")}`'


def _teacher(teacher: str) -> str:
    if not teacher.startswith('{'):
        return _name(teacher)
    fields = json.loads(teacher)
    return f'`{fields["type"]}` `{fields["model"]}`'


def _cells(attempts: list[Row]) -> tuple[str, ...]:
    row = attempts[-1]
    strides = _both(row['strides'], row['teacher_strides'])
    channels = _both(_short(row['channels']), _short(row['teacher_channels']))
    return _result(attempts), strides, channels, row['seconds']


def _result(attempts: list[Row]) -> str:
    first, last = attempts[0], attempts[-1]
    if last['result'] == WORKS:
        if not last['settings']:
            return 'works'
        return f'works with {_settings(last)}; without: {_plain(first["reason"])}'
    failure = f'{_stage(last)} fails{_who(last)}: {_plain(last["reason"])}'
    return f'training works, {failure}' if _only_trains(last) else failure


def _settings(row: Row) -> str:
    fields = json.loads(row['settings'])
    return ', '.join(f'`{name}={value!r}`' for name, value in fields.items())


def _short(numbers: str) -> str:
    """Write numbers that are all the same once."""
    each = numbers.split()
    return each[0] if len(each) > 1 and len({*each}) == 1 else numbers


def _both(student: str, teacher: str) -> str:
    return student if student == teacher else f'{student} → {teacher}'


def _plain(text: str) -> str:
    """Keep what an error says from being read as Markdown."""
    for char in '\\`*_{}[]<>#$':
        text = text.replace(char, f'\\{char}')
    return text


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    return markdown([head, *rows], text_columns=len(head)) + '\n'
