"""The scope ``mmreviewkd`` of MMEngine's registries.

MMEngine gives this scope to what a config inherits by name, such as
``_base_ = 'mmreviewkd::small/reviewkd_frcnn.py'``, and looks for it here. Everything is
registered with MMDetection's registries, where these find it.
"""

from mmdet import registry as mmdet_registry
from mmengine.registry import Registry

SCOPE = 'mmreviewkd'
CHILDREN = [
    Registry(parent.name, parent=parent, scope=SCOPE, locations=[SCOPE])
    for parent in vars(mmdet_registry).values()
    if isinstance(parent, Registry) and parent.scope == 'mmdet'
]
