from mmengine.registry import Registry

from mmreviewkd.compat import registry


def test_a_name_with_the_own_scope_is_looked_for_as_one_without():
    registry.install()
    root = Registry('thing', scope='rootscope')
    child = Registry('thing', parent=root, scope='childscope')
    root.register_module(name='Shared', module=dict)
    child.register_module(name='Own', module=list)
    assert child.get('childscope.Shared') is child.get('Shared') is dict
    assert child.get('childscope.Own') is list
    assert child.get('childscope.Missing') is None
