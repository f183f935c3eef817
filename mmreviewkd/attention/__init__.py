"""Pictures of what a distilled detector attends to."""

from .picture import draw
from .views import View, attention_maps, connectors, see

__all__ = ['View', 'attention_maps', 'connectors', 'draw', 'see']
