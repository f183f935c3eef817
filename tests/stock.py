"""MMDetection's own configs, as narrow as they run, with three classes."""

import toys
from mmengine.config import ConfigDict

from mmreviewkd.model_config import without_pretrained


def stock(name: str, **changes) -> ConfigDict:
    """Config of one of MMDetection's models without pretrained weights, changed."""
    config = toys.resolve(dict(_base_=f'mmdet::{name}', **changes))
    return _batch_norm(without_pretrained(config))


def _batch_norm(config):
    """Take batch normalisation that a CPU has."""
    if isinstance(config, dict):
        if config.get('type') == 'SyncBN':
            config.type = 'BN'
        for value in config.values():
            _batch_norm(value)
    elif isinstance(config, list | tuple):
        for value in config:
            _batch_norm(value)
    return config


def faster_rcnn(depth: int = 50) -> ConfigDict:
    """Faster R-CNN."""
    return stock('faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py', **_two_stage(depth))


def mask_rcnn(depth: int = 50) -> ConfigDict:
    """Mask R-CNN."""
    changes = _two_stage(depth)
    changes['roi_head'].update(
        mask_roi_extractor=dict(out_channels=8),
        mask_head=dict(in_channels=8, conv_out_channels=8, num_classes=3),
    )
    return stock('mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py', **changes)


def _two_stage(depth: int) -> dict:
    expansion = 4 if depth >= 50 else 1
    return dict(
        backbone=dict(depth=depth, base_channels=4, stem_channels=4, frozen_stages=-1),
        neck=dict(in_channels=[4 * expansion * 2**n for n in range(4)], out_channels=8),
        rpn_head=dict(in_channels=8, feat_channels=8),
        roi_head=dict(
            bbox_roi_extractor=dict(out_channels=8),
            bbox_head=dict(in_channels=8, fc_out_channels=16, num_classes=3),
        ),
    )


def rtmdet(width: int = 8, size: str = 'tiny') -> ConfigDict:
    """RTMDet, in sizes that differ in more than their width."""
    return stock(
        f'rtmdet/rtmdet_{size}_8xb32-300e_coco.py',
        backbone=dict(deepen_factor=0.167, widen_factor=width / 256),
        neck=dict(
            in_channels=[width, 2 * width, 4 * width],
            out_channels=width,
            num_csp_blocks=1,
        ),
        bbox_head=dict(in_channels=width, feat_channels=width, num_classes=3),
    )


def yolox(width: int = 8, size: str = 's') -> ConfigDict:
    """YOLOX, which resizes each of its batches."""
    return stock(
        f'yolox/yolox_{size}_8xb8-300e_coco.py',
        backbone=dict(deepen_factor=0.33, widen_factor=width / 256),
        neck=dict(
            in_channels=[width, 2 * width, 4 * width],
            out_channels=width,
            num_csp_blocks=1,
        ),
        bbox_head=dict(in_channels=width, feat_channels=width, num_classes=3),
    )


def dino() -> ConfigDict:
    """DINO with Swin."""
    attention = dict(embed_dims=16, num_levels=5, num_heads=2)
    layer = dict(
        self_attn_cfg=dict(embed_dims=16, num_heads=2),
        cross_attn_cfg=attention,
        ffn_cfg=dict(embed_dims=16, feedforward_channels=16),
    )
    return stock(
        'dino/dino-5scale_swin-l_8xb2-12e_coco.py',
        num_queries=10,
        backbone=dict(
            embed_dims=8, depths=[1, 1, 1, 1], num_heads=[1, 2, 2, 2], window_size=4
        ),
        neck=dict(
            in_channels=[8, 16, 32, 64], out_channels=16, norm_cfg=dict(num_groups=4)
        ),
        encoder=dict(
            num_layers=1,
            layer_cfg=dict(self_attn_cfg=attention, ffn_cfg=layer['ffn_cfg']),
        ),
        decoder=dict(num_layers=1, layer_cfg=layer),
        positional_encoding=dict(num_feats=8),
        bbox_head=dict(num_classes=3, embed_dims=16),
        test_cfg=dict(max_per_img=10),
    )


def mask2former() -> ConfigDict:
    """Mask2Former; its heads are left as wide as they are."""
    ffn = dict(embed_dims=16, feedforward_channels=16)
    attention = dict(embed_dims=16, num_heads=2)
    return stock(
        'mask2former/mask2former_r50_8xb2-lsj-50e_coco.py',
        backbone=dict(base_channels=4, stem_channels=4),
        panoptic_head=dict(
            in_channels=[16, 32, 64, 128],
            feat_channels=16,
            out_channels=16,
            num_things_classes=3,
            num_queries=10,
            pixel_decoder=dict(
                norm_cfg=dict(num_groups=4),
                encoder=dict(
                    num_layers=1,
                    layer_cfg=dict(self_attn_cfg=attention, ffn_cfg=ffn),
                ),
                positional_encoding=dict(num_feats=8),
            ),
            positional_encoding=dict(num_feats=8),
            transformer_decoder=dict(
                num_layers=1,
                layer_cfg=dict(
                    self_attn_cfg=attention, cross_attn_cfg=attention, ffn_cfg=ffn
                ),
            ),
            loss_cls=dict(class_weight=[1.0, 1.0, 1.0, 0.1]),
        ),
        panoptic_fusion_head=dict(num_things_classes=3),
    )


def detr(width: int = 16) -> ConfigDict:
    """DETR."""
    attention = dict(embed_dims=width, num_heads=2)
    ffn = dict(embed_dims=width, feedforward_channels=width)
    encoder = dict(self_attn_cfg=attention, ffn_cfg=ffn)
    return stock(
        'detr/detr_r50_8xb2-150e_coco.py',
        num_queries=10,
        backbone=dict(base_channels=4, stem_channels=4, frozen_stages=-1),
        neck=dict(in_channels=[128], out_channels=width),
        encoder=dict(num_layers=1, layer_cfg=encoder),
        decoder=dict(num_layers=2, layer_cfg=dict(encoder, cross_attn_cfg=attention)),
        positional_encoding=dict(num_feats=width // 2),
        bbox_head=dict(embed_dims=width, num_classes=3),
        test_cfg=dict(max_per_img=10),
    )


def detr_with_anchors(name: str) -> ConfigDict:
    """Conditional DETR, or DAB-DETR, by the name of its config."""
    layer = dict(ffn_cfg=dict(feedforward_channels=16))
    return stock(
        name,
        num_queries=10,
        backbone=dict(base_channels=4, stem_channels=4, frozen_stages=-1),
        neck=dict(in_channels=[128]),
        encoder=dict(num_layers=1, layer_cfg=layer),
        decoder=dict(num_layers=2, layer_cfg=layer),
        bbox_head=dict(num_classes=3),
        test_cfg=dict(max_per_img=10),
    )


def deformable(name: str, width: int = 16, **changes) -> ConfigDict:
    """Deformable DETR, or DINO, by the name of its config."""
    dims = dict(embed_dims=width)
    self_attention = dict(dims, num_heads=2)
    cross = dict(self_attention, num_levels=4)
    ffn = dict(dims, feedforward_channels=width)
    return stock(
        name,
        num_queries=10,
        backbone=dict(depth=18, base_channels=4, stem_channels=4, frozen_stages=-1),
        neck=dict(
            in_channels=[8, 16, 32], out_channels=width, norm_cfg=dict(num_groups=4)
        ),
        encoder=dict(num_layers=1, layer_cfg=dict(self_attn_cfg=cross, ffn_cfg=ffn)),
        decoder=dict(
            num_layers=2,
            layer_cfg=dict(
                self_attn_cfg=self_attention, cross_attn_cfg=cross, ffn_cfg=ffn
            ),
        ),
        positional_encoding=dict(num_feats=width // 2),
        bbox_head=dict(embed_dims=width, num_classes=3),
        test_cfg=dict(max_per_img=10),
        **changes,
    )


def hrnet() -> ConfigDict:
    """Faster R-CNN on HRNet, whose smallest maps are rounded down."""
    stages = {
        f'stage{number}': dict(
            num_modules=1,
            num_blocks=(1,) * number,
            num_channels=(4,) if number == 1 else (4, 8, 16, 32)[:number],
        )
        for number in range(1, 5)
    }
    return stock(
        'hrnet/faster-rcnn_hrnetv2p-w32-1x_coco.py',
        backbone=dict(extra=stages),
        neck=dict(in_channels=[4, 8, 16, 32], out_channels=8),
        **{k: _two_stage(18)[k] for k in ('rpn_head', 'roi_head')},
    )
