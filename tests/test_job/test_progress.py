import io
import logging

import pytest

from mmreviewkd.job import progress
from mmreviewkd.job.progress import Console, Estimate, clock


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
    for second in range(0, 50, 5):
        now[0] = 1000.0 + second
        out.status(f'at {second}')
    out.say('done')
    assert stream.getvalue() == 'at 0\nat 20\nat 40\ndone\n'


def test_terminal_overwrites_the_line(monkeypatch, now):
    stream = Terminal()
    out = console(monkeypatch, stream)
    out.status('one')
    now[0] += 1
    out.status('two')
    out.say('done')
    clear = '\r\033[K'
    assert stream.getvalue() == f'{clear}one{clear}two{clear}done\n'


def test_warnings_are_shown(monkeypatch):
    stream = io.StringIO()
    logger = logging.Logger('test')
    logger.addHandler(console(monkeypatch, stream))
    logger.info('no')
    logger.warning('This is deprecated')
    logger.warning('look')
    assert stream.getvalue() == 'warning: look\n'


def test_estimate_starts_from_usual_costs():
    estimate = Estimate([('teacher', 10), ('student', 10), ('distilled', 10)])
    assert estimate.share_and_rest()[0] == 0
    estimate.update(0, 0.5, 16.0)
    # An epoch of the teacher took 3.2 s; the others usually cost 2 and 2.8 s then.
    share, rest = estimate.share_and_rest()
    assert rest == pytest.approx(16 + 20 + 28)
    assert share == pytest.approx(16 / 80)


def test_estimate_goes_by_what_was_measured():
    estimate = Estimate([('teacher', 10), ('student', 10)] * 2)
    estimate.update(0, 1.0, 50.0)
    estimate.update(1, 1.0, 40.0)
    estimate.update(2, 0.5, 25.0)
    share, rest = estimate.share_and_rest()
    assert rest == pytest.approx(25 + 40)
    assert share == pytest.approx(115 / 180)
    estimate.update(2, 1.0, 50.0)
    estimate.update(3, 1.0, 40.0)
    assert estimate.share_and_rest() == pytest.approx((1, 0))


def test_clock():
    assert [clock(s) for s in (0.4, 59.7, 390, 3720)] == [
        '0:00', '1:00', '6:30', '1 h 02 min'
    ]  # fmt: skip
