"""Detection data sets as people have them, made one for MMDetection.

A folder is looked at, its format found, converted to COCO where it is another one, and
checked.
"""

from .data_folder import DataFolder, Split
from .errors import DataError
from .given import Given
from .open_folder import open_folder

__all__ = ['DataError', 'DataFolder', 'Given', 'Split', 'open_folder']
