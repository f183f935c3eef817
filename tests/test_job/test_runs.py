import json

import pytest
from mmengine.config import Config

from mmreviewkd.job import JobError
from mmreviewkd.job.plan import Run
from mmreviewkd.job.runs import refuse_other_settings


def config(work_dir, scope=None, teacher_scope=None):
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
    )


def begun(tmp_path):
    """A run that version 0.1 has finished, and what it is compared with."""
    folder = tmp_path / 'seed_0' / 'distilled'
    folder.mkdir(parents=True)
    config(folder).dump(folder / 'config.py')
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
