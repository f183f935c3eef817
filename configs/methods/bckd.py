# BCKD: each class's score and the boxes of positives, with the published weights.
detectors = ('GFL', 'RetinaNet', 'FCOS', 'ATSS')
method = dict(_delete_=True, type='BCKD', box_weight=4.0, loss_weight=1.0)
