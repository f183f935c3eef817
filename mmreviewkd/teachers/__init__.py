"""Teachers: any trained model, frozen, in its own normalisation and precision."""

from .models import ImageModel, TimmModel, TorchvisionModel
from .teacher import Teacher

__all__ = ['ImageModel', 'Teacher', 'TimmModel', 'TorchvisionModel']
