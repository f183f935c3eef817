# FGD: objects, background, attention and the relation of positions, with the weights
# of the authors' code for Faster R-CNN.
method = dict(_delete_=True, type='FGD', loss_weight=1.0)
