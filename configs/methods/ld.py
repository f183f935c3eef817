# LD: distributions of each side of a box, with MMDetection's temperature and weight,
# which are the authors' too, for 2 or 3 images.
detectors = ('GFL',)
method = dict(
    _delete_=True, type='LocalizationDistillation', temperature=10.0, loss_weight=0.25
)
