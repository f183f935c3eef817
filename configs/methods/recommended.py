# For a student that does not start from weights of its own: it starts from those of the
# teacher that fit, and reviews the teacher's maps.
_base_ = './review_standardized.py'
# The field model.inherit.
inherit = 'auto'
