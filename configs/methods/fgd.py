# FGD: objects, background, attention and the relation of positions, with the weights
# of the authors' code for Faster R-CNN; for one-stage detectors see the class.
method = dict(_delete_=True, type='FGD', loss_weight=1.0)
