#!/usr/bin/env python3
"""Makes random boxes and records what COCO's own evaluation says of them (pip install pycocotools).

The test of the mean average precision compares with tests/golden/coco_average_precision.json:
  scripts/compare_with_pycocotools.py tests/golden/coco_average_precision.json --images 12
Sides are whole numbers and scores such that 32-bit floats hold them, so both compute with the same values.
"""

import argparse
import contextlib
import io
import json
import random

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

CLASSES = 4
SIDE = 100
PLAIN, CROWD = 0, 2


def random_box(draw):
    left, top = draw.randrange(SIDE - 10), draw.randrange(SIDE - 10)
    return [left, top, draw.randint(left + 8, SIDE), draw.randint(top + 8, SIDE)]


def moved(draw, box):
    return [side + draw.randint(-3, 3) for side in box]


def random_image(draw, most_detections):
    """Detections lie near objects, some of them of another class, and elsewhere; scores repeat."""
    objects = [
        random_box(draw) + [draw.randrange(CLASSES - 1), draw.choices([PLAIN, CROWD], [6, 1])[0]]
        for _ in range(draw.randrange(8))
    ]
    detections = []
    for _ in range(draw.randrange(most_detections)):
        near = draw.choice(objects) if objects and draw.random() < 0.8 else None
        box = moved(draw, near[:4]) if near else random_box(draw)
        label = near[4] if near and draw.random() < 0.9 else draw.randrange(CLASSES)
        detections.append(box + [label, draw.randrange(64) / 64])
    return {"objects": objects, "detections": detections}


def as_bbox(box):
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]


def evaluate(images):
    """[all, at 0.5, at 0.75], each the average precision of every class; null without objects."""
    annotations, results = [], []
    for number, image in enumerate(images):
        for *box, label, kind in image["objects"]:
            bbox = as_bbox(box)
            annotations.append(
                {"id": len(annotations) + 1, "image_id": number, "category_id": label, "bbox": bbox,
                 "area": bbox[2] * bbox[3], "iscrowd": int(kind == CROWD)})
        for *box, label, score in image["detections"]:
            results.append(
                {"image_id": number, "category_id": label, "bbox": as_bbox(box), "score": score})
    truth = COCO()
    truth.dataset = {"images": [{"id": i} for i in range(len(images))], "annotations": annotations,
                     "categories": [{"id": c} for c in range(CLASSES)], "info": {}}
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]  # overlap, recall, class

    def of_classes(part):
        return [None if part[:, :, c].min() < 0 else float(part[:, :, c].mean())
                for c in range(CLASSES)]

    return [of_classes(precision), of_classes(precision[0:1]), of_classes(precision[5:6])]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", help="the JSON to write")
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--most-detections", type=int, default=16, help="on an image")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    draw = random.Random(arguments.seed)
    images = [random_image(draw, arguments.most_detections) for _ in range(arguments.images)]
    lines = ",\n".join(json.dumps(image) for image in images)
    with open(arguments.file, "w", encoding="utf-8") as file:
        file.write(f'{{"made_by": "scripts/compare_with_pycocotools.py", "classes": {CLASSES},\n'
                   f'"images": [\n{lines}],\n"expected": {json.dumps(evaluate(images))}}}\n')


if __name__ == "__main__":
    main()
