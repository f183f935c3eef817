"""What is found before anything begins."""

import pytest
import torch
import toys
from coco_sets import save_as, write_coco
from runs import JOB_OPTIONS

from mmreviewkd.data_folders import open_folder
from mmreviewkd.job import Detectors, JobError, Training, trial, unlabeled_methods
from mmreviewkd.job.expected import announcement
from mmreviewkd.job.job_configs import load_configs
from mmreviewkd.job.plan import plan_runs
from mmreviewkd.job.trial import largest_batch, try_runs


@pytest.fixture
def plan(configs, boxes, tmp_path):
    """A function that plans a job, or some of its runs."""

    def make(only=None, options=None, detectors=None, seeds=(0,), **others):
        options = JOB_OPTIONS | (options or {})
        cfgs = load_configs(configs, boxes, Training(), options, detectors)
        runs = plan_runs(cfgs, tmp_path / 'work', seeds=seeds, **others)
        return [run for run in runs if only in (None, run.name)]

    return make


@pytest.fixture(scope='module')
def student(configs, tmp_path_factory):
    """The run of a student, which is not done."""
    root = tmp_path_factory.mktemp('student')
    data = open_folder(write_coco(root / 'boxes', segmentation='[]'))
    cfgs = load_configs(configs, data, Training(), JOB_OPTIONS)
    return plan_runs(cfgs, root / 'work')[1]


def attempt(runs):
    said = []
    expected = try_runs(runs, said.append)
    return expected, said


@pytest.mark.parametrize(
    'options',
    [
        {
            'teacher.optim_wrapper.optimizer.lrr': 1.0,
            'student.train_dataloader.batch_sze': 2,
            'distilled.model.distillation.los_weight': 1.0,
        },
        {
            'teacher.custom_hooks': [dict(type='NoSuchHook')],
            'student.train_cfg.max_epoch': 2,
            'distilled.model.student.backbone.dpeth': 18,
        },
    ],
)
def test_typos(plan, options):
    """Those of all runs are told at once, each with its run."""
    with pytest.raises(JobError, match='nothing is begun') as error:
        attempt(plan(options=options))
    _, *lines = str(error.value).splitlines()
    for line, key in zip(lines, options, strict=True):
        run, *_, field = key.split('.')
        assert line.startswith(f'{run}: ')
        assert ('NoSuchHook' if field == 'custom_hooks' else field) in line


def test_all_is_built_once(plan, tmp_path):
    runs = plan(seeds=(0, 1))
    expected, said = attempt(runs)
    assert [one.run for one in expected] == runs
    # Another seed differs in nothing that could fail.
    assert len(said) == 3
    teacher, student, distilled, *_ = expected
    assert teacher.parameters > student.parameters == distilled.parameters
    assert (teacher.epochs, teacher.images, teacher.batch) == (2, 2, 4)
    assert all(one.seconds > 0 for one in expected)
    text = announcement(expected, on_gpu=False)
    assert text.count('2 epochs of 2 images in batches of 4') == 3
    assert 'each with the seeds 0, 1' in text and 'GiB of memory' in text
    assert not (tmp_path / 'work').exists()


def test_pseudo_labels_that_are_not_written_yet(plan, tmp_path):
    (tmp_path / 'more').mkdir()
    save_as('plain', tmp_path / 'more/0.png')
    run = plan(methods=unlabeled_methods(str(tmp_path / 'more'), 0.5))[-1]
    before = run.config.to_dict()
    ((expected,), _) = attempt([run])
    assert (expected.images, expected.batch, expected.others) == (2, 4, 4)
    assert 'of 2 images in batches of 4 and 4 more' in str(expected)
    assert run.config.to_dict() == before
    # Once they are there, they are read.
    run.pseudo_labels.path.parent.mkdir(parents=True)
    run.pseudo_labels.path.write_text('[')
    with pytest.raises(JobError, match='distilled_pseudo: .*JSONDecodeError'):
        attempt([run])


def test_share_of_other_images_stays(plan, tmp_path, monkeypatch):
    (tmp_path / 'more').mkdir()
    save_as('plain', tmp_path / 'more/0.png')
    run = plan(methods=unlabeled_methods(str(tmp_path / 'more')))[-1]
    others = []

    def step(run, cfg, loaders, found):
        others.append(loaders['train_dataloader'].batch_sampler.others)
        return object()

    monkeypatch.setattr(trial, '_try', step)
    assert largest_batch(run, most=4) == 4
    assert others == [1, 2, 4]


def test_wrong_start(plan, tmp_path):
    """Weights of another detector, and a part that cannot be inherited."""
    path = tmp_path / 'other.pth'
    torch.save(dict(state_dict=torch.nn.Linear(2, 2).state_dict()), path)
    start = Detectors(student_checkpoint=str(path))
    with pytest.raises(JobError) as error:
        attempt(plan(options={'model.inherit': ['nekc']}, detectors=start))
    text = str(error.value)
    assert 'is the checkpoint of another detector' in text
    assert 'distilled: the model cannot be built and initialised' in text
    assert "no part 'nekc'" in text and 'teacher: ' not in text


def test_missing_start(plan, tmp_path):
    missing = Detectors(student_checkpoint=str(tmp_path / 'none.pth'))
    with pytest.raises(JobError, match='--student-checkpoint .*none.pth: there is no'):
        attempt(plan('student', detectors=missing))


def test_start_with_moving_averages(plan, tmp_path):
    """As RTMDet has them: MMEngine's hook has no model to load before the run."""
    path = tmp_path / 'start.pth'
    (run,) = plan('student')
    state = toys.build(run.config.model).state_dict()
    torch.save(dict(state_dict=state), path)
    start = Detectors(student_checkpoint=str(path))
    runs = plan('student', {'custom_hooks': [dict(type='EMAHook')]}, start)
    expected, _ = attempt(runs)
    assert [one.run.name for one in expected] == ['student']


def test_weights_that_cannot_be_downloaded(plan):
    # Nothing is asked of a network: the address is of a kind that is not there.
    url = 'http://127.0.0.1:9/none.pth'
    pretrained = dict(_delete_=True, type='Pretrained', checkpoint=url)
    option = {'model.student.backbone.init_cfg': pretrained}
    with pytest.raises(JobError, match='\nWeights .*--student-checkpoint FILE'):
        attempt(plan('student', option))


@pytest.mark.parametrize('limit, expected', [(5, 4), (2, 2), (100, 8)])
def test_largest_batch(student, monkeypatch, limit, expected):
    tried = []

    def step(run, cfg, loaders, found):
        batch = cfg.train_dataloader.batch_size
        tried.append(batch)
        if batch > limit:
            found.problem('a training step fails: CUDA out of memory')
            return None
        return object()

    monkeypatch.setattr(trial, '_try', step)
    assert largest_batch(student, most=8) == expected
    assert tried == [1, 2, 4, 8][: len(tried)]


@pytest.mark.parametrize(
    'problem, message', [('out of memory', 'not even one image'), ('no', 'PROBLEM  no')]
)
def test_no_batch(student, monkeypatch, problem, message):
    monkeypatch.setattr(
        trial, '_try', lambda run, cfg, loaders, found: found.problem(problem)
    )
    with pytest.raises(JobError, match=message):
        largest_batch(student)


def test_teacher_of_other_classes(configs, digits, tmp_path):
    """Its maps can be compared; scores and the heads of as many classes cannot."""
    detector = toys.resolve(str(configs / 'frcnn_teacher.py'))
    path = tmp_path / 'teacher.pth'
    meta = dict(dataset_meta=dict(classes=tuple('abcdefghij')))
    state = toys.build(detector).state_dict()
    torch.save(dict(state_dict=state, meta=meta), path)
    names = Detectors(
        pair=str(configs / 'reviewkd_frcnn.py'), teacher_checkpoint=str(path)
    )

    def attempt_with(**options):
        cfgs = load_configs(
            configs, open_folder(digits), Training(image_size=64), options, names
        )
        assert 'teacher' not in cfgs
        return attempt(plan_runs(cfgs, tmp_path / 'work')[-1:])

    with pytest.raises(JobError, match='leave roi_head out of model.inherit'):
        attempt_with(**{'model.inherit': ['neck', 'roi_head']})
    # 'auto' takes a head for a start only, whose classes are learned anew.
    for parts in (['neck', 'rpn_head'], 'auto'):
        expected, _ = attempt_with(**{'model.inherit': parts})
        assert [one.run.name for one in expected] == ['distilled']
