import pytest

from mmreviewkd.hooks import class_order
from mmreviewkd.hooks.class_order import check_classes

OWN = ('RBC', 'WBC', 'Platelets')
REORDERED = ('WBC', 'Platelets', 'RBC')
OTHERS = ('person', 'car', 'dog')


@pytest.fixture
def said(monkeypatch):
    lines = []
    monkeypatch.setattr(class_order, 'print_log', lambda text, **_: lines.append(text))
    return lines


@pytest.mark.parametrize(
    'teacher, own', [(OWN, list(OWN)), (None, OWN), (OWN, None), (None, None)]
)
def test_same_or_unknown(teacher, own, said):
    check_classes(teacher, own, scores_compared=True, inherited=('roi_head',))
    assert not said


@pytest.mark.parametrize('teacher', [REORDERED, OTHERS, OWN[:2]])
@pytest.mark.parametrize('inherited', [(), ('neck', 'rpn_head')])
def test_necks_have_no_classes(teacher, inherited, said):
    check_classes(teacher, OWN, scores_compared=False, inherited=inherited)
    (line,) = said
    assert ', '.join(teacher) in line and ', '.join(OWN) in line


def test_head_of_another_number_of_classes_is_not_taken_over(said):
    check_classes(OTHERS[:2], OWN, scores_compared=False, inherited=('roi_head',))
    assert 'other classes' in said[0]


@pytest.mark.parametrize('inherited', ['roi_head', 'bbox_head'])
def test_inherited_head(inherited):
    with pytest.raises(ValueError, match=f'leave {inherited} out of model.inherit'):
        check_classes(REORDERED, OWN, False, ('neck', inherited))


@pytest.mark.parametrize('teacher', [REORDERED, OTHERS])
def test_head_that_starts_unasked(teacher, said):
    """Training corrects such a start, as the job's default has it."""
    check_classes(teacher, OWN, False, ('neck', 'roi_head'), only_fitting=True)
    (line,) = said
    assert 'Where roi_head fit' in line and 'learn the others' in line
    with pytest.raises(ValueError, match='compares the scores'):
        check_classes(teacher, OWN, True, ('roi_head',), only_fitting=True)


def test_scores_of_classes_in_another_order():
    with pytest.raises(ValueError, match='in another order') as error:
        check_classes(REORDERED, OWN, True, ())
    assert f'metainfo=dict(classes={REORDERED!r})' in str(error.value)


def test_scores_of_other_classes():
    with pytest.raises(ValueError, match='other classes .*') as error:
        check_classes(('a\nb', *OTHERS[1:]), OWN, True, ())
    assert 'teacher:  a\\nb, car, dog' in str(error.value)
    assert 'trained on the classes of the data set' in str(error.value)
