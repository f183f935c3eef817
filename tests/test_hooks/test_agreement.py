import multiprocessing

from in_processes import agree

from mmreviewkd.hooks.agreement import Agreement

NUMBERS = ([0, 2, 0], [0, 15, 0])
EXPECTED = [0, 0, 15]


def test_processes_agree_one_call_later_without_waiting(tmp_path):
    """The second process is not let on before the first has got its answer."""
    context = multiprocessing.get_context('spawn')
    turns = [context.Semaphore(0) for _ in NUMBERS]
    done, answers = context.Semaphore(0), context.Queue()
    processes = [
        context.Process(
            target=agree,
            args=(rank, tmp_path / 'store', NUMBERS[rank], turn, done, answers),
        )
        for rank, turn in enumerate(turns)
    ]
    for process in processes:
        process.start()
    for _ in EXPECTED:
        for turn in turns:
            turn.release()
            assert done.acquire(timeout=60), 'it waits for the other process'
    got = [answers.get(timeout=60) for _ in range(2 * len(EXPECTED))]
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    for rank in range(2):
        assert [number for which, number in got if which == rank] == EXPECTED


def test_single_process_is_answered_at_once():
    agreement = Agreement()
    assert [agreement.highest(number) for number in (0, 15)] == [0, 15]
    assert agreement.finish() == 0
