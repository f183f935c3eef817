"""Pictures of what a distilled detector attends to."""

from .picture import draw
from .views import View, attention_maps, connectors, see, see_both

__all__ = ['View', 'attention_maps', 'connectors', 'draw', 'see', 'see_both']
