import pytest
from results_of import by_seed

from mmreviewkd.job.until_clear import run_until_clear, spent_hours, wide_gains
from mmreviewkd.results.file import write_results
from mmreviewkd.results.results import Results

# Each run takes 110 seconds.
HOURS = 110 / 3600


@pytest.fixture
def job(tmp_path):
    """A job whose gains differ by 1 from seed to seed; it notes what it is asked."""

    def do(seeds):
        do.asked.append(list(seeds))
        number = max(seeds) + 1
        alone = by_seed(*[0.3] * number)
        method = by_seed(*[0.32 + 0.01 * (seed % 2) for seed in range(number)])
        runs = dict(teacher=by_seed(0.5), student=alone, a=method)
        results = Results(runs, one_teacher=True)
        write_results(results, tmp_path / 'results.json', {})
        return tmp_path

    do.asked = []
    return do


def test_seeds_are_added_until_it_is_clear(job):
    said = []
    assert run_until_clear(job, width=1.2, say=said.append)
    # Half-widths: of 0, 1, 0 4.303 · 0.577 / sqrt(3) = 1.43; of 4 seeds
    # 3.182 · 0.577 / 2 = 0.92; of 5 2.776 · 0.548 / sqrt(5) = 0.68; of 6
    # 2.571 · 0.548 / sqrt(6) = 0.57.
    assert job.asked == [list(range(n)) for n in (3, 4, 5, 6)]
    assert said[0] == (
        'intervals that are not narrower than 1.2 points: a, box 2.9; seed 3 is added'
    )
    assert said[-1] == 'clear: the interval of every gain is narrower than 1.2 points'


def test_it_goes_on_where_it_was(job):
    """The table counts seeds of former calls too."""
    job([0, 1, 2, 3, 4, 5])
    job.asked.clear()
    assert run_until_clear(job, 1.2, seeds=[5])
    assert job.asked == [[5, 0, 1]]


def test_seeds_end(job):
    said = []
    assert not run_until_clear(job, 0.1, max_seeds=4, say=said.append)
    assert job.asked[-1] == [0, 1, 2, 3]
    assert said[-1].endswith('4 seeds of at most 4 are done (--max-seeds)')


def test_budget_ends(job):
    said = []
    # The teacher, and four seeds of two runs each; a fifth does not fit.
    assert not run_until_clear(job, 0.1, budget=10.5 * HOURS, say=said.append)
    assert len(job.asked[-1]) == 4
    assert said[-1].endswith('(--budget)')


def test_width():
    runs = dict(teacher=by_seed(0.5), student=by_seed(0.3, 0.3, 0.3))
    runs |= dict(wide=by_seed(0.31, 0.32, 0.33), narrow=by_seed(0.32, 0.32, 0.32))
    runs |= dict(two=by_seed(0.32, 0.32))
    found = Results(runs, one_teacher=True)
    # 2 · 4.303 / sqrt(3)
    assert wide_gains(found, 1.0) == {
        'wide, box': pytest.approx(4.968, abs=1e-3),
        'two, box': None,
    }
    spent, one_more = spent_hours(found)
    assert spent == pytest.approx(12 * HOURS)
    assert one_more == pytest.approx(11 * HOURS / 3)
