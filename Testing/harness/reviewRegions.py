"""Regions of a review list as a case stores them."""

from dualssl.review import PlacedRegion


def aRegion(number, labels=(1,), score=1.0):
    return PlacedRegion(
        id=number,
        kind="ambiguous",
        voxels=8,
        volume_ml=0.1,
        score=score,
        mean_entropy=0.6,
        peak_entropy=0.9,
        mean_kl=0.1,
        peak_kl=0.2,
        centre_ras=(1.0, 2.0, 3.0),
        labels=tuple(labels),
    )


def rows(*numbers, **other):
    return [{"region": aRegion(n).to_json(), "state": "open", "answer": None, "changed": None, **other} for n in numbers]
