"""The text of docs/collapse.md that does not depend on the results."""

from benchmarks.science.collapse.control import NEAR
from benchmarks.science.collapse.verdicts import EQUAL, FULL

HEAD = """# Collapse and loss orderings on graphs

A reproduction, on graph data sets, of what two papers claim of image data sets:

- arXiv 2311.05139 (below: *geometry paper*): with hard negatives and normalised features, training
  reaches neural collapse; without either, the features collapse to few dimensions.
- arXiv 2209.00078 (*H-SCL paper*): H-SCL is bounded by H-UCL under its Assumption 1, not by UCL.

Hard negatives weight negatives as a lower temperature does; so beside each hard loss in the unit
ball stands the plain one at that temperature.

This page is generated: `python -m benchmarks.science.collapse` runs the trials without results, and
`python -m benchmarks.science.collapse --page` writes results, figures and this text. A single trial
is, for example,
`python -m graph_hcl.train --config configs/reproduce/collapse/COIL-DEL.yaml --beta 5
--projection.normalize ball`.
"""

CAPTIONS = {
    "collapse-live": "What grows with training on the set with most classes, in the unit ball. The "
    "dotted line is C − 1. Lines that still rise at the right edge are not converged.",
    "collapse-long": "Longer training at single points of the grid: with hard negatives in the "
    "unit ball, and without either. UCL type has β = 5 on COIL-DEL, 2 elsewhere.",
    "collapse-spectra": "Singular values of the covariance of the class means (training graphs, "
    "unit ball, end of training). Above the dotted line, 10⁻³ of the largest, a dimension is live.",
    "collapse-grid": "The whole grid at epoch {epoch}, the last one that all trials have. The grey "
    "stars are the geometry paper's CIFAR-100 figures, unit ball, after 401 epochs of 98 steps. "
    "Diamonds are the plain losses at a lower temperature.",
    "collapse-temperature": "Hard negatives at T = 1 and plain losses at the temperature T′ that "
    "pushes negatives alike, at the end of training, in the unit ball; dimensions and angles of "
    "training graphs. The light points are H-SCL with another seed.",
    "collapse-metrics": "The four distances from neural collapse on training graphs, unit ball, "
    "SCL type: all are 0 there.",
    "collapse-losses": "H-SCL above its floor, logarithmic, in the unit ball. The floor is that of "
    "every β. A line ends where it is no longer above it.",
    "collapse-orderings": "The four losses on held-out graphs (β = 1, T = .5; the positive is the "
    "other view), by what the encoder was trained with, seed 0. The "
    "counterpart of figure 5 of the H-SCL paper.",
    "collapse-assumption": "Fraction of held-out anchors under Assumption 1, by what the encoder "
    "was trained with. The counterpart of figure 4 of the H-SCL paper.",
}

RULES = f"""
A claim holds when it holds on every data set, does not when on none, and partly otherwise. Neural
collapse counts as reached when {FULL:.0%} of the C − 1 dimensions are live and the class means'
cosines differ from −1/(C−1) by {EQUAL} on average at most; coming nearer to it than without hard
negatives counts as a part. Dimensional collapse is less than half of the dimensions live.
"""

ALIKE = f"""
A hard point and its control are alike when they are on the same side of each of these three bounds
and their live dimensions differ by {NEAR:.0%} of C − 1 at most; on a data set the claim holds when
all its points are. Each point is one training, and angles near a bound fall on either side by
chance: the hard loss with another seed, and so another split, shows how much trainings vary.
"""

TEMPERATURES = """### Hardness or temperature

With weights that are held constant, as here, hardness β gives each negative of an anchor the weight
that the plain loss gives it at T′ = T / (1 + β), exactly. For each pair of anchor and positive the
two gradients then have one direction; only their lengths differ, by the factor σ(log n − s). At T′
it falls sooner where the positive is ahead of the negatives: such a pair rests, and soonest with a
mean over negatives, as here. The factor's mean is at most 1 − e^(−loss), the column "σ at most".

Hard loss with β at T = 1 / plain loss at T′ / plain loss at T = 1 / hard loss with another seed:
unit ball, end of training, dimensions and angles of training graphs, accuracy of the nearest class
mean on held-out graphs in %.
"""

SETTING = """
Collapse: GIN 3×64 with mean read-out, projection head of two layers to C − 1 dimensions, one view
without augmentation, positives of the same label, T = 1, mean over negatives, Adam 1e-3, 80 % of
the graphs, stratified, for training. "SCL type" takes negatives of other labels; "UCL type", the
latent-class reading, takes all other graphs of the batch. Metrics are taken in evaluation mode on
all training and on all held-out graphs; features are those behind the head.

Departures from the geometry paper: the expectation over negatives is exact where the paper draws
256 per positive pair (its weights are detached there, and so are ours); an anchor is neither its
own positive nor its own negative; batches are smaller, since an epoch of 512 has seven steps at
most here; and the training is shorter, {steps} steps at most, where the paper takes 401 epochs of
98 steps on CIFAR-100. Where the curves still rise, more would be reached.

Orderings: GIN 3×32 with sum read-out, head of two layers to 32 dimensions, unit sphere, T = .5, two
augmented views, sum over negatives; the four losses are logged with the mean over negatives on two
views of each held-out graph, and all of them under each hardening, whatever was trained with.
"""
