"""The kinds of AP."""

KINDS = dict(box='bbox', mask='segm')
"""What this project calls them, and what COCO does."""
