from mmreviewkd.support.jobs import Job, left_out, read_jobs, stock_configs


def test_each_folder_of_mmdetection_is_tried_or_left_out():
    folders = {path.name for path in stock_configs().iterdir() if path.is_dir()}
    tried = {job.family for job in read_jobs() if job.teacher is None}
    known = tried | {*left_out()}
    assert not folders - known - {'_base_', '__pycache__'}
    # Of one of the two stacks.
    assert known - folders <= {'clrnet'}
    assert not tried & {*left_out()}


def test_configs_exist():
    for job in read_jobs():
        for name in (job.student, job.teacher):
            assert not isinstance(name, str) or (stock_configs() / name).is_file()


def test_jobs_differ():
    keys = [str(job.key) for job in read_jobs()]
    assert len({*keys}) == len(keys)


def test_settings_are_tried_second():
    job = Job('a/b.py', settings=dict(resize='pool'), size=(32, 32))
    first, second = job.attempts()
    assert (first.settings, first.size) == ({}, (32, 32))
    assert second == job
    assert list(first.attempts()) == [first]
