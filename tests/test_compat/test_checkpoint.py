import os
import pickle
import re
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
import toys
from hypothesis import event, given, settings
from hypothesis import strategies as st
from mmdet.apis import DetInferencer
from mmengine.config import Config
from mmengine.hooks import EMAHook, Hook
from mmengine.logging import HistoryBuffer
from mmengine.model import BaseModel
from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler
from mmengine.runner import CheckpointLoader, Runner
from torch import nn
from torch.utils.data import Dataset

from mmreviewkd.compat import checkpoint
from mmreviewkd.compat.checkpoint import UnsafeCheckpointError

# For each commit; CASES=4000 before a release.
CASES = int(os.environ.get('CASES', '1000'))


class Call:
    """Pickled as a call of ``function``, with ``state`` given to the result."""

    def __init__(self, function, *args, state=None):
        self.reduced = (function, args) if state is None else (function, args, state)

    def __reduce__(self):
        return self.reduced


class Named:
    """An ordinary object of a class that does not belong in a checkpoint."""


class ToyModel(BaseModel):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 1)
        self.norm = nn.BatchNorm1d(1)

    def forward(self, inputs, mode='tensor'):
        out = self.norm(self.linear(inputs))
        return {'loss': out.pow(2).mean()} if mode == 'loss' else out


class ToyData(Dataset):
    METAINFO = {'classes': ('a',)}
    metainfo = METAINFO

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return {'inputs': torch.tensor([index, 1.0])}


def make_runner(work_dir: Path, epochs: int, **changes) -> Runner:
    settings = dict(
        model=ToyModel(),
        work_dir=str(work_dir),
        train_dataloader=dict(
            dataset=ToyData(),
            batch_size=4,
            sampler=dict(type='DefaultSampler', shuffle=True),
            collate_fn=dict(type='default_collate'),
        ),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9)),
        param_scheduler=[
            dict(type='MultiStepMomentum', milestones=[1]),
            dict(type='OneCycleLR', eta_max=0.1, total_steps=6, by_epoch=False),
        ],
        custom_hooks=[EMAHook()],
        default_hooks=dict(logger=dict(type='LoggerHook', interval=1)),
        experiment_name=f'{work_dir.name}_{epochs}',
    )
    return Runner(**(settings | changes))


def save(path: Path, content, **options) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, path, **options)
    return str(path)


def load(address: str):
    return CheckpointLoader.load_checkpoint(address, map_location='cpu')


@pytest.fixture
def address(request, tmp_path, monkeypatch):
    """Makes the path or the URL under which a saved file can be loaded."""

    def address_of(content, name='payload.pth', **options):
        if request.param == 'path':
            return save(tmp_path / name, content, **options)
        monkeypatch.setattr(torch.hub, '_hub_dir', str(tmp_path))
        save(tmp_path / 'checkpoints' / name, content, **options)
        return f'https://nowhere.invalid/{name}'

    return address_of


both_doors = pytest.mark.parametrize('address', ['path', 'url'], indirect=True)


@pytest.fixture(scope='module')
def trained(tmp_path_factory) -> Path:
    work_dir = tmp_path_factory.mktemp('trained')
    runner = make_runner(work_dir, epochs=2)
    # What evaluation may leave there.
    runner.message_hub.update_info('best_score', np.float32(0.5))
    runner.message_hub.update_info('confusion', np.arange(4).reshape(2, 2))
    runner.train()
    return work_dir / 'epoch_2.pth'


def test_training_checkpoint_loads(trained):
    content = load(str(trained))
    assert {
        'ema_state_dict',
        'message_hub',
        'meta',
        'optimizer',
        'param_schedulers',
        'state_dict',
    } <= content.keys()
    loss = content['message_hub']['log_scalars']['train/loss']
    assert type(loss) is HistoryBuffer
    assert len(loss.data[0]) == 4
    assert loss.statistics('mean') == pytest.approx(loss.data[0].mean())
    info = content['message_hub']['runtime_info']
    assert info['best_score'] == np.float32(0.5)
    assert info['confusion'].tolist() == [[0, 1], [2, 3]]


class Start(Hook):
    """Keeps what training starts from."""

    def before_train(self, runner):
        self.iter = runner.iter
        self.weight = runner.model.linear.weight.detach().clone()
        state = runner.optim_wrapper.state_dict()['state'][0]
        self.momentum = state['momentum_buffer'].clone()


def test_training_resumes(trained, tmp_path):
    start = Start()
    runner = make_runner(
        tmp_path,
        epochs=3,
        load_from=str(trained),
        resume=True,
        custom_hooks=[EMAHook(), start],
    )
    runner.train()
    before = load(str(trained))
    assert start.iter == 4
    # EMAHook saves its averages as the model and the model as its averages.
    weight = before['ema_state_dict']['module.linear.weight']
    assert torch.equal(start.weight, weight)
    momentum = before['optimizer']['state'][0]['momentum_buffer']
    assert torch.equal(start.momentum, momentum)
    after = load(str(tmp_path / 'epoch_3.pth'))
    assert after['meta']['iter'] == 6
    old, new = (
        content['message_hub']['log_scalars']['train/loss'].data[0].tolist()
        for content in (before, after)
    )
    assert new[:4] == old and len(new) == 6


def test_loss_scaler_and_legacy_file_load(tmp_path):
    scaler = torch.amp.GradScaler('cpu', enabled=True).state_dict()
    content = {'optimizer': {'loss_scaler': scaler}, 'state_dict': {}}
    path = save(tmp_path / 'old.pth', content, _use_new_zipfile_serialization=False)
    assert load(path) == content


@pytest.mark.parametrize('module', ['numpy.core', 'numpy._core'])
def test_arrays_of_both_numpy_load(tmp_path, module):
    path = tmp_path / 'array.pth'
    content = {'array': np.arange(3.0), 'scalar': np.float32(0.5)}
    # The old format is plain pickle, so names in it can be replaced.
    save(path, content, _use_new_zipfile_serialization=False)
    pickled = re.sub(rb'cnumpy\._?core\.', f'c{module}.'.encode(), path.read_bytes())
    path.write_bytes(pickled)
    loaded = load(str(path))
    assert loaded['array'].tolist() == [0, 1, 2]
    assert loaded['scalar'] == np.float32(0.5)


def test_training_checkpoint_loads_in_a_fresh_process(trained, monkeypatch):
    # MMEngine registers its statistics with the first HistoryBuffer.
    monkeypatch.setattr(HistoryBuffer, '_statistics_methods', {})
    loss = load(str(trained))['message_hub']['log_scalars']['train/loss']
    assert loss.statistics('current') == loss.data[0][-1]


def test_registered_statistics_load(tmp_path, monkeypatch):
    monkeypatch.setattr(HistoryBuffer, '_statistics_methods', {})
    HistoryBuffer.register_statistics(total)
    path = save(tmp_path / 'total.pth', HistoryBuffer([1.0, 2.0], [1, 1]))
    assert load(path).statistics('total') == 3

    HistoryBuffer._statistics_methods.pop('total')
    with pytest.raises(UnsafeCheckpointError, match='total'):
        load(path)


def total(self):
    return self._log_history.sum()


PLACES = {
    'state_dict': lambda content, payload: content['state_dict'].update(x=payload),
    'meta': lambda content, payload: content['meta'].update(x=payload),
    'message_hub': lambda content, payload: content['message_hub'][
        'runtime_info'
    ].update(x=payload),
    'optimizer': lambda content, payload: content['optimizer']['param_groups'][
        0
    ].update(x=payload),
}


@both_doors
@pytest.mark.parametrize('place', PLACES)
def test_payload_is_refused_and_not_run(place, address, trained, tmp_path):
    evidence = tmp_path / 'executed'
    content = load(str(trained))
    PLACES[place](content, Call(os.mkdir, str(evidence)))
    where = address(content)
    with pytest.raises(UnsafeCheckpointError) as error:
        load(where)
    assert not evidence.exists()
    assert where in str(error.value)
    assert f'{os.mkdir.__module__}.mkdir' in str(error.value)
    assert 'Nothing in it was executed' in str(error.value)


def test_payload_would_run_without_us(tmp_path):
    """The payload is a real one."""
    evidence = tmp_path / 'executed'
    path = save(tmp_path / 'payload.pth', Call(os.mkdir, str(evidence)))
    torch.load(path, weights_only=False)
    assert evidence.exists()


@both_doors
def test_environment_cannot_switch_it_off(address, monkeypatch, tmp_path):
    monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')
    monkeypatch.delenv('TORCH_FORCE_WEIGHTS_ONLY_LOAD', raising=False)
    evidence = tmp_path / 'executed'
    where = address(Call(os.mkdir, str(evidence)))
    with pytest.raises(UnsafeCheckpointError):
        load(where)
    assert not evidence.exists()
    assert os.environ['TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'] == '1'
    assert 'TORCH_FORCE_WEIGHTS_ONLY_LOAD' not in os.environ


def test_user_list_is_neither_used_nor_lost(tmp_path):
    gadget = Call(getattr, HistoryBuffer.mean, '__code__')
    paths = [save(tmp_path / 'a.pth', gadget), save(tmp_path / 'b.pth', Named())]
    with torch.serialization.safe_globals([getattr, HistoryBuffer, Named]):
        before = set(torch.serialization.get_safe_globals())
        for path in paths:
            with pytest.raises(UnsafeCheckpointError):
                load(path)
        assert set(torch.serialization.get_safe_globals()) == before


def test_list_does_not_outlast_the_load(trained):
    load(str(trained))
    with pytest.raises(pickle.UnpicklingError):
        torch.load(trained, weights_only=True)


DTYPE_STATE = (3, '>', None, None, None, 64, 8, 63)
GADGETS = {
    'object': Named(),
    'class': Named,
    'getattr of a function': Call(getattr, HistoryBuffer.mean, '__globals__'),
    'getattr of the class': Call(getattr, HistoryBuffer, '__init__'),
    'getattr of the schedule': Call(getattr, OneCycleParamScheduler, '__init__'),
    'getattr of a value': Call(getattr, 'text', 'format'),
    'getattr of an array': Call(getattr, np.ones(1), 'mean'),
    'call of HistoryBuffer': Call(HistoryBuffer, [1.0], [1]),
    'call of the schedule': Call(OneCycleParamScheduler, 1),
    "call of a schedule's function": Call(OneCycleParamScheduler._annealing_cos, 1, 2),
    'call of ndarray': Call(np.ndarray, (1,), 'f8', bytes(8)),
    'array of objects': np.array([{}, None], dtype=object),
    'array of structures': np.zeros(1, dtype=[('a', 'f8')]),
    'scalar of objects': Call(np.float64(0).__reduce__()[0], np.dtype('O'), 'x'),
    'dtype of objects': Call(np.dtype, 'O'),
    'dtype with own fields': Call(np.dtype, {'names': ['a'], 'formats': ['O']}),
    'dtype with a state': Call(np.dtype, 'V8', False, True, state=DTYPE_STATE),
}


@pytest.mark.parametrize('gadget', GADGETS.values(), ids=GADGETS)
@pytest.mark.parametrize('new_format', [True, False])
def test_gadget_is_refused(gadget, new_format, tmp_path):
    path = save(
        tmp_path / 'gadget.pth',
        {'meta': gadget},
        _use_new_zipfile_serialization=new_format,
    )
    with pytest.raises(UnsafeCheckpointError, match=r'gadget\.pth is refused'):
        load(path)


def test_state_cannot_alter_numpy(tmp_path):
    path = save(
        tmp_path / 'dtype.pth', Call(np.dtype, 'f8', False, True, state=DTYPE_STATE)
    )
    assert load(path) == np.dtype('f8') == np.dtype(float)
    assert np.dtype(float).isnative and not np.dtype(float).hasobject


def forged_history(monkeypatch, path: Path, **state) -> str:
    numbers = np.ones(1)
    full = {'_log_history': numbers, '_count_history': numbers, 'max_length': 9}
    with monkeypatch.context() as patch:
        patch.setattr(HistoryBuffer, '__getstate__', lambda self: full | state)
        return save(path, HistoryBuffer())


def test_state_cannot_add_or_replace_statistics(monkeypatch, tmp_path):
    HistoryBuffer()  # registers the default ones
    before = dict(HistoryBuffer._statistics_methods)
    path = forged_history(
        monkeypatch,
        tmp_path / 'forged.pth',
        statistics_methods={'mean': torch.Size, 'new': torch.Size},
        update=torch.Size,
    )
    history = load(path)
    assert type(history) is HistoryBuffer
    assert before == HistoryBuffer._statistics_methods
    assert history.statistics('mean') == 1
    assert history.update.__func__ is HistoryBuffer.update


@pytest.mark.parametrize(
    'state',
    [{'_log_history': [1.0]}, {'_count_history': torch.ones(1)}, {'max_length': '9'}],
)
def test_history_holds_numbers_only(monkeypatch, tmp_path, state):
    path = forged_history(monkeypatch, tmp_path / 'forged.pth', **state)
    with pytest.raises(UnsafeCheckpointError, match='HistoryBuffer'):
        load(path)


@pytest.mark.parametrize('new_format', [True, False])
def test_truncated_file_is_named(tmp_path, new_format):
    path = tmp_path / 'cut.pth'
    save(path, {'x': torch.ones(99)}, _use_new_zipfile_serialization=new_format)
    whole = path.read_bytes()
    expected = r'cut\.pth cannot be read: .*damaged'
    if not new_format:  # may end within a name, which is then an unknown one
        expected += r'|cut\.pth is refused'
    for size in range(0, len(whole) - 1, len(whole) // 20):
        path.write_bytes(whole[:size])
        with pytest.raises(RuntimeError, match=expected):
            load(str(path))


@pytest.mark.filterwarnings('ignore:Detected pickle protocol')
@pytest.mark.parametrize('content', [b'<html>Not found</html>', pickle.dumps({})])
def test_other_file_is_named(tmp_path, content):
    path = tmp_path / 'page.pth'
    path.write_bytes(content)
    with pytest.raises(RuntimeError, match=r'page\.pth cannot be read: .*torch\.save'):
        load(str(path))


def test_missing_file_keeps_its_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(str(tmp_path / 'missing.pth'))


def test_threads_do_not_disturb_each_other(trained):
    before = set(torch.serialization.get_safe_globals())
    failures = []

    def work():
        try:
            for _ in range(5):
                load(str(trained))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert set(torch.serialization.get_safe_globals()) == before


def test_install_is_idempotent():
    before = CheckpointLoader.load_checkpoint.__func__
    checkpoint.install()
    assert CheckpointLoader.load_checkpoint.__func__ is before


def test_resuming_runs_no_config_of_the_checkpoint(trained, tmp_path):
    """MMEngine would run the text that former versions kept in ``meta``."""
    content = torch.load(trained, weights_only=False)
    touched = tmp_path / 'touched'
    content['meta']['config'] = (
        f'import pathlib\npathlib.Path({str(touched)!r}).touch()'
    )
    path = save(tmp_path / 'epoch_2.pth', content)
    runner = make_runner(tmp_path / 'run', epochs=3, resume=True, load_from=path)
    runner.train()
    assert runner.iter == 6
    assert not touched.exists()


def test_inferencer_runs_no_config_of_the_checkpoint(tmp_path):
    """MMEngine would run it where the weights are given without a config."""
    touched = tmp_path / 'touched'
    text = f'import pathlib\npathlib.Path({str(touched)!r}).touch()'
    for content in (
        dict(meta=dict(cfg=text)),
        dict(message_hub=dict(runtime_info=dict(cfg=text))),
    ):
        path = save(tmp_path / 'weights.pth', content | dict(state_dict={}))
        with pytest.raises(UnsafeCheckpointError, match=r'weights\.pth .*model=CONFIG'):
            DetInferencer(weights=path, device='cpu')
        assert not touched.exists()


def test_inferencer_takes_weights_with_their_config(tmp_path):
    cfg = Config.fromfile(toys.CONFIGS / 'small/frcnn_student.py')
    model = toys.build(toys.detector())
    cfg.model = toys.detector()
    meta = dict(cfg='raise AssertionError', dataset_meta=dict(classes=('a', 'b', 'c')))
    path = save(
        tmp_path / 'weights.pth', dict(meta=meta, state_dict=model.state_dict())
    )
    inferencer = DetInferencer(model=cfg, weights=path, device='cpu')
    assert inferencer.model.dataset_meta['classes'] == ('a', 'b', 'c')
    for name, value in model.state_dict().items():
        assert torch.equal(inferencer.model.state_dict()[name], value)


_EDITS = st.lists(
    st.tuples(
        st.sampled_from(['replace', 'delete', 'insert']),
        st.floats(0, 1, exclude_max=True),
        st.binary(min_size=1, max_size=50),
    ),
    min_size=1,
    max_size=4,
)


def edited(content: bytes, edits) -> bytes:
    """Change bytes in some places, each a share of the file's length."""
    changed = bytearray(content)
    for kind, share, value in edits:
        place = int(share * len(changed))
        if kind == 'replace':
            changed[place : place + 1] = value[:1]
        elif kind == 'delete':
            del changed[place : place + len(value)]
        else:
            changed[place:place] = value
    return bytes(changed)


@pytest.fixture(scope='module')
def originals(trained, tmp_path_factory):
    """A sound checkpoint, a pickle of a call, and the file that it would write."""
    folder = tmp_path_factory.mktemp('fuzzed')
    content = torch.load(trained, weights_only=False)
    small = {key: content[key] for key in ('meta', 'message_hub', 'param_schedulers')}
    sound = Path(save(folder / 'sound.pth', small)).read_bytes()
    touched = folder / 'touched'
    # Names that a flipped byte may turn into something that can be called.
    return [sound, pickle.dumps(Call(open, str(touched), 'w'))], touched


@pytest.mark.filterwarnings('ignore:Detected pickle protocol')
@given(st.integers(0, 3), _EDITS)
@settings(max_examples=CASES, deadline=None, derandomize=True)
def test_damaged_checkpoints_load_or_are_refused(originals, which, edits):
    """Nothing is run, and every error is ours."""
    (sound, payload), touched = originals
    path = touched.with_name('fuzzed.pth')
    path.write_bytes(edited(sound if which else payload, edits))
    try:
        load(str(path))
    except RuntimeError as error:  # UnsafeCheckpointError is one
        assert 'fuzzed.pth' in str(error)
        event(type(error).__name__)
    assert not touched.exists()
