"""Adding seeds until the gains of all methods are known well enough."""

from collections.abc import Callable, Sequence
from pathlib import Path

from mmreviewkd.names import counted
from mmreviewkd.results.file import read_results_file
from mmreviewkd.results.results import Results

MIN_SEEDS = 3
"""With fewer, an interval may be narrow by chance."""


def run_until_clear(
    job: Callable[[list[int]], Path],
    width: float,
    seeds: Sequence[int] = (0,),
    max_seeds: int = 10,
    budget: float | None = None,
    say: Callable[[str], None] = print,
) -> bool:
    """Do a job again and again, each time with one more seed.

    It ends when the 95 % interval of each method's gain, of each kind of score, is
    narrower than ``width`` from end to end, or when seeds or budget are used up. Every
    method gets every seed, so that the methods can be compared with each other too.
    The width decides, not whether an interval excludes 0: that would favour chance.
    Started again, it goes on from the results that are there.

    Args:
        job (Callable): Does the runs of the given seeds, as far as they are not
            finished, and returns the folder with ``results.json``.
        width (float): In points.
        seeds (Sequence[int]): The first seeds; :data:`MIN_SEEDS` at least are done.
            Defaults to (0,).
        max_seeds (int): Do not add seeds to so many. Defaults to 10.
        budget (float, optional): Hours of training and evaluation of all runs, those
            done before included. A seed is begun only if it fits, as long as those
            before took on average. Defaults to None: no limit.
        say (Callable): Gets a line on each decision. Defaults to ``print``.

    Returns:
        bool: Whether all intervals are narrow enough.
    """
    seeds = list(dict.fromkeys(seeds))
    while len(seeds) < min(MIN_SEEDS, max_seeds):
        seeds.append(_next_seed(seeds))
    while True:
        results = read_results_file(job(seeds) / 'results.json').results
        wide = wide_gains(results, width)
        if not wide:
            say(f'clear: the interval of every gain is narrower than {width:g} points')
            return True
        # Those of former calls count too.
        seeds = list(dict.fromkeys([*seeds, *results.seeds]))
        reason = _end(results, len(seeds), max_seeds, budget)
        texts = ', '.join(f'{name} {_written(found)}' for name, found in wide.items())
        state = f'intervals that are not narrower than {width:g} points: {texts}'
        if reason:
            say(f'not clear: {state}; {reason}')
            return False
        seeds.append(_next_seed(seeds))
        say(f'{state}; seed {seeds[-1]} is added')


def wide_gains(results: Results, width: float) -> dict[str, float | None]:
    """List the gains whose interval is not narrower than asked, or not known.

    Args:
        results (Results): The results.
        width (float): In points, from end to end.

    Returns:
        dict[str, float | None]: Width by method and kind, such as ``'review, box'``;
        None with fewer than :data:`MIN_SEEDS` seeds.
    """
    wide: dict[str, float | None] = {}
    for name in results.methods:
        numbers = results.numbers_of(name)
        for kind in results.kinds:
            gain = numbers[f'{kind} gain']
            if gain.interval is None or len(gain.values) < MIN_SEEDS:
                wide[f'{name}, {kind}'] = None
            elif gain.interval.width >= width:
                wide[f'{name}, {kind}'] = gain.interval.width
    return wide


def spent_hours(results: Results) -> tuple[float, float]:
    """Give the hours of all finished runs, and of one more seed as those before."""
    total = of_students = 0.0
    for name, runs in results.finished.items():
        for run in runs.values():
            hours = (run['training_seconds'] + run['evaluation_seconds']) / 3600
            total += hours
            if name != 'teacher' or not results.one_teacher:
                of_students += hours
    return total, of_students / max(1, len(results.seeds))


def _end(
    results: Results, seeds: int, max_seeds: int, budget: float | None
) -> str | None:
    """Say why no seed can be added; None if one can."""
    if seeds >= max_seeds:
        return f'{counted(seeds, "seed")} of at most {max_seeds} are done (--max-seeds)'
    spent, one_more = spent_hours(results)
    if budget is not None and spent + one_more > budget:
        return (
            f'{spent:.2f} of {budget:g} hours are spent, and one more seed takes about '
            f'{one_more:.2f} (--budget)'
        )
    return None


def _next_seed(seeds: Sequence[int]) -> int:
    return next(number for number in range(len(seeds) + 1) if number not in seeds)


def _written(width: float | None) -> str:
    return 'unknown' if width is None else f'{width:.1f}'
