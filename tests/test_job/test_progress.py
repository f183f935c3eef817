import io
import logging
from types import SimpleNamespace

import pytest
from mmengine.logging import MessageHub

from mmreviewkd.job import progress
from mmreviewkd.job.progress import Console, ProgressHook


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def now(monkeypatch):
    """A clock to set."""
    time = [1000.0]
    monkeypatch.setattr(progress.time, 'monotonic', lambda: time[0])
    return time


def console(monkeypatch, stream):
    monkeypatch.setattr('sys.stdout', stream)
    return Console()


def test_file_gets_a_line_every_20_seconds(monkeypatch, now):
    stream = io.StringIO()
    out = console(monkeypatch, stream)
    with out:
        for second in range(0, 50, 5):
            now[0] = 1000.0 + second
            out.status(f'at {second}', second / 100, 65)
        out.say('done')
    assert stream.getvalue().splitlines() == [
        'at 0  0% of all  ETA 1:05',
        'at 20  20% of all  ETA 1:05',
        'at 40  40% of all  ETA 1:05',
        'done',
    ]


def test_terminal_has_a_bar_below_the_lines(monkeypatch, now):
    monkeypatch.setenv('TERM', 'xterm')
    monkeypatch.setenv('COLUMNS', '100')
    stream = Terminal()
    out = console(monkeypatch, stream)
    with out:
        out.status('[1/3 teacher]', 0.25, 65)
        out.say('a line')
        now[0] += 1
        out.status('[2/3 student]', 0.5, 30)
    text = stream.getvalue()
    assert '[1/3 teacher]' in text and '25%  ETA 1:05' in text
    assert '[2/3 student]' in text and '50%  ETA 0:30' in text
    assert text.index('25%') < text.index('a line') < text.index('50%')
    # It is taken away in the end.
    assert text.rstrip().endswith('\x1b[2K')


def test_lines_are_as_they_are(monkeypatch):
    stream = io.StringIO()
    text = '[bold]x[/bold] :smile: ' + 'long ' * 50
    console(monkeypatch, stream).say(text)
    assert stream.getvalue() == f'{text}\n'


def test_lines_go_to_the_stream_of_the_beginning(monkeypatch):
    stream = io.StringIO()
    out = console(monkeypatch, stream)
    monkeypatch.setattr('sys.stdout', io.StringIO())
    out.say('here')
    assert stream.getvalue() == 'here\n'


def test_warnings_are_shown(monkeypatch):
    stream = io.StringIO()
    logger = logging.Logger('test')
    logger.addHandler(console(monkeypatch, stream))
    logger.info('no')
    logger.warning('This is deprecated')
    logger.warning('conv is duplicate. It is skipped since bypass_duplicate=True')
    logger.warning('Since `metrics` is an empty dict, ...')
    logger.warning('look')
    assert stream.getvalue() == 'warning: look\n'


def test_epoch_that_is_resumed_within():
    """Its loader has the rest only: 3 of 10 batches."""
    hub = MessageHub('progress')
    for _ in range(5):
        hub.update_scalars({'train/time': 0.5, 'train/loss': 1.0})
    runner = SimpleNamespace(
        iter=8,
        epoch=0,
        max_iters=40,
        max_epochs=4,
        train_dataloader=range(3),
        message_hub=hub,
    )
    updates = []
    estimate = SimpleNamespace(
        update=lambda *args: updates.append(args), share_and_rest=lambda: (0.1, 1.0)
    )
    ProgressHook(Console(), estimate, 0, 'student').after_train_iter(runner, 1)
    # Nine steps of ten are done, and an epoch takes five seconds.
    assert updates == [(0, 'epochs', 0.9, 5.0, 5 / 50)]
