from mmreviewkd.preflight.category_order import CategoryOrder, check_order
from mmreviewkd.preflight.findings import Findings

ABC, CAB = ('a', 'b', 'c'), ('c', 'a', 'b')


def problems(*orders):
    found = Findings()
    check_order([CategoryOrder(*order) for order in orders], found)
    return found.problems


def test_right():
    assert not problems()
    assert not problems(('x', ABC, ABC), ('y', ABC, ABC))


def test_all_files_agree():
    """The class list is what is wrong."""
    found = problems(('x', CAB, ABC), ('y', CAB, ABC))
    assert len(found) == 2
    assert all(f'write classes={CAB!r}' in problem for problem in found)


def test_files_differ():
    """No class list is right for both, so a file has to change."""
    for classes in (ABC, CAB):
        (problem,) = problems(('x', ABC, ABC), ('y', CAB, classes))
        assert problem.startswith('y lists its categories in another order than other')
        assert f'sort the entries of its list "categories" as {ABC!r}' in problem


def test_files_differ_and_the_first_is_mixed_up():
    (problem,) = problems(('x', CAB, ABC), ('y', ABC, ABC))
    assert problem.startswith('x') and f'"categories" as {ABC!r}' in problem


def test_other_classes_elsewhere():
    (problem,) = problems(('x', ABC, ABC), ('y', ('e', 'd'), ('d', 'e')))
    assert problem.startswith('y') and "write classes=('e', 'd')" in problem
