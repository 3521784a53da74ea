"""The text of docs/temperature.md that does not depend on the results."""

from benchmarks.pages.blocks import picture

HEAD = """# Hardness and temperature

**Exponential hardening is a lower temperature for the negatives.** H-UCL at T and β pushes them as
UCL at T′ = T / (1 + 2β) does, to first order. Whether accuracy follows, where that ends, and which
temperature to take is measured here.
"""

RECORDS = """## The records

This page rests on {trials} trials of the {all} that are planned ({there}). What has no records yet
is named above. `python -m benchmarks.science.temperature` runs the missing ones, and `python -m
benchmarks.science.temperature --page` writes this page, its figures and
[the full listing](temperature-runs.md).
"""
FAMILIES = {
    "ucl": "without labels",
    "scl": "with labels, held-out graphs",
    "ucl-held-out": "without labels, held-out graphs",
}

SHORT = """## In short

- **The law {tested}**: of {rows} comparisons of H-UCL with UCL at T′
  ([below](#hard-losses-and-their-controls)), {tested_counts}{over}.
- **A T so low that 5 % of the negatives count, instead of .5**, without a projection head: with ten
  classes or more **{many}** ({many_counts}), with fewer **{few}** ({few_counts}).
- **H-UCL with T and β tuned, beside UCL with T tuned**: **{both_tuned}** ({both_tuned_counts}).

*Equal* means: shown to be within ±1 point of accuracy (two one-sided tests, Schuirmann 1987).
*Higher* and *lower* mean: shown to differ. *Undecided* is neither, no evidence of equality.
Differences are paired by seed and fold and corrected for overlapping training sets; p-values and
verdicts are corrected by Holm for all {tests} tests of this page; single pairs, which decide
nothing, are judged one by one. Marks in tables: = equal, ▲ higher, ▼ lower, ? undecided; brackets
are 95 % intervals, not corrected for their number. With one
seed, tests speak of two trained encoders; only several speak of the losses.
"""

LAW = """## The law

Let s = cos / T be an anchor's logits, p_b = softmax(b·s) over its Q negatives, and n what they add
to the denominator of the loss, ℓ = log(1 + n / e^{{s_p}}). Then n is Q times a mean of the e^s, and
a loss pushes a negative by ∂ log n / ∂ s:

| hardening | mean | push on negatives | plain UCL's at |
| --- | --- | --- | --- |
| none | arithmetic | p_1 | T |
| `power` | power mean of order 1 + β | p_{{1+β}} | T / (1 + β), exactly |
| exponential, `detach_weights` | Lehmer mean of order 1 + β | p_{{1+β}} | T / (1 + β), exactly |
| exponential (default) | Lehmer mean of order 1 + β | (1 + β) p_{{1+β}} − β p_β | T / (1 + 2β), \
to first order in the spread of s |

All of them sum to 1, so attraction and repulsion stay in balance, and a pair's gradient has the
plain one's direction at T′. What is left is a **factor of each pair**, σ(log n − s_p): the plain
loss at T′ lets those anchors rest whose positive is far ahead, the hard one at T hardly does.
Losses without the positive in the denominator have no such factor.

Each statement is a test in `tests/geometry/test_temperature.py`:

{proofs}

`geometry.equivalent_temperature(T, beta)` is the law, and `geometry.match_temperature(loss, z,
graph)` finds T′ for any hardening and says how parallel the gradients are.
"""

PROOFS = {
    "test_power_mean_and_detached_weights_have_the_plain_direction": "power mean and detached "
    "weights have the plain direction at T / (1 + β), pair by pair",
    "test_gradients_of_the_three_forms_are_their_formulas": "the third column of the table",
    "test_differentiated_weights_differ_by_the_square_of_the_spread": "differentiated weights are "
    "off by the square of the spread",
    "test_what_remains_is_a_factor_of_the_pair": "what remains is σ(log n − s_p)",
    "test_means_grow_with_their_order": "means grow with their order: hard losses are above the "
    "plain one",
    "test_positives_keep_their_temperature_under_the_power_mean": "positives keep their T",
    "test_without_the_positive_below_the_law_is_exact_for_a_whole_batch": "without the positive in "
    "the denominator it is exact for a whole batch",
}

FIGURE = f"""## One curve

{picture("temperature", "accuracy of kNN by equivalent temperature")}

*Accuracy of 5 nearest neighbours after training without labels (GIN 3×32, mean read-out, batches of
128, no head). Dots on a line: plain UCL. Coloured: H-UCL, drawn at its T′ = T / (1 + 2β), by the T
it was trained at. Dashed: untrained. If the law holds, the coloured points are on the line. Bands
are one standard deviation over seeds, where there are several. The same with an
[SVM](figures/temperature-svm-light.svg).*
"""
NO_FIGURE = "## One curve\n\nNo records yet.\n"

NOTHING = "No records yet."

TESTED = """Prediction: H-UCL is equal to UCL at T′. It **{verdict}**: of {rows} rows, {counts}.

A row is the mean over a set's pairs of T ∈ {{1, .5, .2}} and β ∈ {{.5, 1, 2, 5}} that have results,
hard − control, in points; the mean is over finished sets, COIL-DEL once. The last column judges a
row's pairs one at a time, without any correction: of all {singles}, {uncorrected}.

{table}
"""

LARGE_BETA = """Prediction: T′ is the law's to first order in the spread of the logits, so large β
and low T end it; the factor of each pair adds to that. *Matched* is the temperature at which plain
UCL's gradient is most parallel at the end of training, with the cosine of the two; *factor*
is the mean σ(log n − s_p) then, hard / plain at T′; the last column is the mean difference to the
control over the sets, in points.

{table}

That H-UCL with β = {beta} is equal to its control **{verdict}** ({counts}).
"""

OTHER_FORMS = """Prediction: the power mean and detached weights have the plain direction exactly,
whatever β, and the exponential form differs from both, at the same T and T′, by the second order
alone, which attracts far negatives. That all rows are equal **{verdict}** ({counts}).

{table}
"""

FACTORS = """Prediction: the law is of the loss alone, so it holds whatever else is changed. Small
batches and the mean over negatives weaken it, since the factor of a pair falls as n does (*factor*:
its mean at the end of training, hard / plain at T′). That all
rows, H-UCL − its control, are equal **{verdict}** ({counts}).

{table}
"""

LABELS = """Prediction: H-SCL differs from SCL at T′, since a temperature acts on positives too, and
there are many of them here. That all rows are equal **{verdict}** ({counts}). Training on 80 % of
the graphs, accuracy on the others; each seed is one split.

{table}
"""

BOTH_TUNED = """Prediction: hardness is worth nothing that a temperature is not. The best of the
hard settings − the best of as many temperatures of plain UCL, each chosen on the other seeds:
**{verdict}** ({counts}).

{table}
"""

NONE = """Prediction: a threshold, a bell (ADNCE), and weights of a given effective sample size or
class mass give each anchor a temperature of its own; the law says nothing of what that is worth.
The best of each − the best of as many temperatures of plain UCL, each chosen on the other seeds:
**{verdict}** ({counts}).

{table}
"""

ORACLE = """Prediction: a low temperature and hard negatives push at false negatives most. With
those removed by an oracle − with them, each at the T chosen on the other seeds: **{verdict}**
({counts}). More than this no method against false negatives can win.

{table}
"""

UNTRAINED = """Plain UCL at that temperature − the encoder before training: **{verdict}**
({counts}).

{table}
"""

TEMPERATURES = """## Which temperature

Plain UCL by temperature, kNN / SVM accuracy in %, the highest bold (chosen on the scores
shown: one candidate of six):

{curve}
"""

SHARES = """
The candidate for a rule is `temperature="auto"`, the T at which 5 % of an anchor's negatives count
(Kish's effective sample size). Below, the T of the table that is nearest to it at the end of
training − T = .5:

{table}
"""

LABELLED_TEMPERATURES = """### With labels

Plain SCL on held-out graphs, kNN / SVM accuracy in %:

{curve}
"""

WITHOUT_RECORDS = "No records of several seeds yet of: {missing}.\n"

FORM_NAMES = {"power": "power mean", "detached": "detached"}
FACTOR_NAMES = {
    "": "core, no head",
    "head": "head of 2 layers",
    "batch32": "batches of 32",
    "batch1024": "batches of 1024",
    "batch4110": "one batch",
    "hidden128": "width 128",
    "long": "4 × as long",
    "mean": "mean over negatives",
    "debiased": "debiased, τ⁺ = .1",
}

ADVICE = """## What to do

{table}

*Measured* counts the verdicts of a section below by all probes and sets, then has their means.
`auto` is meant for features without a head. When you report hard negatives, put the plain loss at
T′ beside them.
"""
CASES = {
    "many": "no labels, no head (`--projection.layers 0`), ten classes or more",
    "few": "the same, fewer classes",
    "head": "no labels, head of two layers (default)",
    "low scl": "labels for training, no head",
    "tested": "you have H-UCL at some T and β",
    "both tuned": "you can afford to tune",
    "labels": "labels, and you think of hard negatives",
}
NO_RECORDS = "no records of several seeds yet"
UNKNOWN = ["not known yet", "0", "–"]
WITH_HEAD = ".5 to .2, as published; not decided"
EITHER = ".5 or `auto`: not decided"
TRY_BOTH = "{hint} and .5: better here, worse there"
HARD_EQUAL = ["T / (1 + 2β)", "0", "`ucl`: equal over the sets"]
HARD_DIFFERS = ["try T / (1 + 2β)", "0 and yours", "both: they are not equal everywhere"]
HARD_OPEN = ["T / (1 + 2β)", "0", "`ucl`: pushes alike; equal where decided"]
TUNE_BOTH = ["tune", "tune", "`h-ucl`"]
TUNE_T = ["tune", "0", "`ucl`"]
TUNE_OPEN = ["tune first", "0", "`ucl`; β is not decided"]
LABELS_HARD = ["keep T", "tune", "`h-scl`: better than `scl` at T′"]
LABELS_PLAIN = ["T / (1 + 2β)", "0", "`scl`"]
LABELS_OPEN = ["tune first", "0", "`scl`; β is not decided"]
