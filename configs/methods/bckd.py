# BCKD: each class's score, and the boxes, with the weights of the authors' code.
detectors = ('GFL', 'RetinaNet', 'FCOS', 'ATSS')
method = dict(_delete_=True, type='BCKD', box_weight=4.0, loss_weight=1.0)
