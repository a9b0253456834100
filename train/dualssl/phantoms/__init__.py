"""Generated MR-like cases on which learning from unlabelled images earns its keep.

A case is a chest: body, lungs and spine around a blood-filled chamber, the wall around it, vessels that leave it, and
objects that look like one of them and are none. Four things make a few labelled cases too few, and none of them is a trick:

* What differs between people and scans differs here too, continuously: size, shape, evenness of the wall, number, course and
  bore of the vessels, contrast of blood, wall and surroundings, receive field. Two or three labelled cases show a
  few points of that space; the unlabelled ones fill it, so that labels can spread from case to similar case.
* Brightness alone does not tell: look-alikes have the intensity of blood or wall, and in some cases the surroundings are
  brighter than the wall, in others darker, or as bright as blood.
* Position alone does not tell: the anatomy lies anywhere near the middle, turned any way, on oblique or flipped grids.
* The image does tell: a septum parts look-alikes from structures and wall and surroundings never have one intensity, so a
  network trained on the labels of all cases comes close to the truth.

`PhantomSettings.variation` turns the first point from nothing to its full width, and with it the gap between learning
from few labels and from all. The package needs NumPy, SciPy and SimpleITK only.
"""
