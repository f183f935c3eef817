import json

import pytest
from mmengine.config import Config

from mmreviewkd.job import JobError
from mmreviewkd.job.plan import Run
from mmreviewkd.job.runs import refuse_other_settings


def config(work_dir, scope=None, teacher_scope=None, **fields):
    def model(scope):
        return dict(type='RetinaNet') | (dict(_scope_=scope) if scope else {})

    return Config(
        dict(
            default_scope='mmdet',
            model=dict(
                type='DistilledModel',
                student=model(scope),
                teacher=model(teacher_scope),
            ),
            randomness=dict(seed=0),
            work_dir=str(work_dir),
        )
        | fields
    )


def begun(tmp_path, name='distilled', **fields):
    """A run that version 0.1 has finished, and what it is compared with."""
    folder = tmp_path / 'seed_0' / name
    folder.mkdir(parents=True)
    config(folder, **fields).dump(folder / 'config.py')
    (folder / 'result.json').write_text(json.dumps({}))
    return folder


def test_scope_that_is_the_files_own_is_no_other_setting(tmp_path):
    folder = begun(tmp_path)
    refuse_other_settings([Run('distilled', folder, config(folder, 'mmdet', 'mmdet'))])


def test_other_scope_is_another_setting(tmp_path):
    folder = begun(tmp_path)
    run = Run('distilled', folder, config(folder, 'mmdet', 'other'))
    with pytest.raises(JobError, match='model.teacher._scope_: unset -> other'):
        refuse_other_settings([run])


def test_name_of_a_run_is_no_pattern(tmp_path):
    """Those of methods are those of their files."""
    begun(tmp_path, 'cwd[2]')
    folder = tmp_path / 'seed_1' / 'cwd[2]'
    with pytest.raises(JobError, match='other settings'):
        refuse_other_settings([Run('cwd[2]', folder, config(folder, 'other'))])


def test_randomness_other_than_the_seed(tmp_path):
    folder = begun(tmp_path)

    def check(**fields):
        cfg = config(folder, randomness=fields)
        refuse_other_settings([Run('distilled', folder, cfg)])

    # Version 0.1 wrote the seed alone.
    check(seed=3, deterministic=False)
    with pytest.raises(JobError, match='randomness.deterministic: unset -> True'):
        check(seed=0, deterministic=True)


def test_work_dir_that_is_moved_with_its_data(tmp_path):
    def fields(folder, name='val'):
        return dict(val_evaluator=dict(ann_file=f'{folder}/data/{name}.json'))

    begun(tmp_path / 'a', **fields(tmp_path / 'a'))
    (tmp_path / 'a').rename(tmp_path / 'b')
    folder = tmp_path / 'b/seed_0/distilled'

    def check(**others):
        refuse_other_settings([Run('distilled', folder, config(folder, **others))])

    check(**fields(tmp_path / 'b'))
    # Another file there, or a folder of the user's, is another setting.
    for others in (fields(tmp_path / 'b', 'train'), fields(tmp_path / 'c')):
        with pytest.raises(JobError, match='val_evaluator.ann_file'):
            check(**others)
