import sys

import pytest
from mmengine.config import Config

from mmreviewkd.job import JobError
from mmreviewkd.job.method import Method, read_methods, refuse_double_names


def write(path, text):
    path.write_text(text)
    return path


def test_one_distillation_and_several(tmp_path):
    one = write(tmp_path / 'one.py', "method = dict(_delete_=True, type='A')\n")
    two = write(tmp_path / 'two.py', "method = [dict(type='A'), dict(type='B')]\n")
    pair = [dict(type='A'), dict(type='B')]
    assert read_methods([two, str(one)]) == [
        Method('two', dict(distillation=pair), []),
        Method('one', dict(distillation=dict(type='A')), []),
    ]


def test_detectors_that_a_method_fits(tmp_path):
    one = write(tmp_path / 'one.py', "detectors = ('GFL',)\nmethod = dict(type='A')\n")
    (method,) = read_methods([one])
    assert method.detectors == ('GFL',)
    assert method.model == dict(distillation=dict(type='A'))


def test_parts_that_a_method_starts_from_the_teacher(tmp_path):
    one = write(tmp_path / 'one.py', "inherit = 'auto'\nmethod = dict(type='A')\n")
    (method,) = read_methods([one])
    cfg = Config(dict(model=dict(inherit=())))
    method.apply(cfg)
    assert cfg.model.inherit == 'auto'
    # The student's own checkpoint would be loaded over it.
    cfg = Config(dict(model=dict(inherit=()), load_from='student.pth'))
    method.apply(cfg)
    assert cfg.model.inherit == ()


@pytest.mark.parametrize('imports', ["'own_module'", "['own_module']"])
def test_imports(tmp_path, monkeypatch, imports):
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, 'own_module', raising=False)
    write(tmp_path / 'own_module.py', '')
    text = f"custom_imports = dict(imports={imports})\nmethod = dict(type='A')\n"
    (method,) = read_methods([write(tmp_path / 'own.py', text)])
    assert method.imports == ['own_module']
    assert 'own_module' in sys.modules


@pytest.mark.parametrize(
    'text, message',
    [
        (None, 'own.py cannot be read: .*No such file'),
        ('method = dict(', 'own.py cannot be read'),
        ('method = 1 / 0', 'own.py cannot be read'),
        ("custom_imports = dict(imports='no_such_module')", 'no_such_module'),
        ("model = dict(type='A')", 'own.py has no variable `method`'),
    ],
)
def test_wrong_files(tmp_path, text, message):
    path = tmp_path / 'own.py'
    if text is not None:
        path.write_text(text)
    with pytest.raises(JobError, match=message):
        read_methods([path])


@pytest.mark.parametrize(
    'names', [('own', 'own'), ('student',), ('own', 'teacher'), ('distilled',) * 2]
)
def test_names_are_not_given_twice(names):
    with pytest.raises(JobError, match=f'cannot be named {names[-1]}'):
        refuse_double_names([Method(name) for name in names])


def test_names_in_a_package():
    with pytest.raises(JobError, match='default_runtime.py has no variable `method`'):
        read_methods(['mmdet::_base_/default_runtime.py'])


def test_fields_are_set_as_a_whole():
    model = dict(distillation=dict(type='A', loss=dict(type='B'), loss_weight=1.0))
    cfg = Config(dict(model=model, custom_imports=dict(imports=['mine'])))
    zero = cfg.copy()
    Method('zero', {'distillation.loss_weight': 0.0}).apply(zero)
    assert zero.model.distillation == model['distillation'] | dict(loss_weight=0.0)
    other = dict(type='C')
    Method('other', dict(distillation=other), ['other']).apply(cfg)
    assert cfg.model.distillation == dict(type='C')
    assert cfg.custom_imports.imports == ['mine', 'other']
    cfg.model.distillation.type = 'D'
    assert other == dict(type='C')
