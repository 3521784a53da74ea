"""What others have shown of hardness and temperature, and the temperatures of published codes."""

RELATED = """## The field's temperatures

Logits are cosines / T in all of these, read in their code; every one has a projection head, so we
know of no published temperature without one.

| code | T |
| --- | --- |
| GraphCL, JOAO, SimGRACE, RGCL, AD-GCL, CuCo, AUGCL without labels; PyGCL's GraphCL example | .2 |
| AutoGCL without labels; GraphCL, JOAO, SimGRACE semi-supervised on TU sets | .5 |
| GraphCL, JOAO, SimGRACE, RGCL pre-trained on molecules | .1 |
| ADNCE, chosen for each set | .05–.2, IMDB-BINARY .55 |
| GraphCL as run by arXiv 2311.02687, chosen for each set | .2–1 |
| InfoGraph, HCL on graphs (Jensen–Shannon on inner products) | none |

Several (GraphCL, JOAO, SimGRACE, AD-GCL, AutoGCL, ADNCE) leave the positive out of the denominator:
there the factor of each pair is 1.

## What others have shown

We looked for an earlier statement of the law and found none; we searched stored copies of papers,
code and discussions, not the whole literature. In brackets: what we read of each.

- **The question was asked** in [issue 8](https://github.com/joshr17/HCL/issues/8) of the code of
  arXiv 2010.04592: are β and the temperature the same? Its author names two differences. That a
  temperature acts on positives too is one: the factor of each pair, and more where an anchor has
  many positives. That β shares out a budget is none: the plain gradient over negatives is a softmax
  as well.
- **Temperature is hardness**: arXiv 2012.09740 (main text) shows that a negative's share is a
  softmax of its similarity / T. With only the nearest negatives kept, a larger T is best. That is
  the trade in words; e^{βs} is not treated.
- **Relatives of our forms**: Rényi losses, arXiv 2208.06270 (abstract, code), push negatives as our
  power mean of order 2 does, over a whole batch. LLaVE, arXiv 2503.04812 (main text), multiplies
  negatives by a detached e^{α cos}, now in sentence-transformers: T / (1 + αT) among negatives.
  Neither says so where we read. Optimal transport, arXiv 2111.03169 (abstract), gives a form
  similar to e^{βs} and similar accuracy.
- **The factor of each pair** is found and dropped by arXiv 2110.06848 (abstract, proposition 1),
  and gets a temperature of its own in 2203.17248 (abstract, code).
- **Robustness**: arXiv 2310.11048 (abstract, code) reads T as the Lagrange coefficient of how far
  the negatives' distribution may go. Its bell-shaped weights are locally β = T (μ − cos) / σ²: .27
  at most in size in its graph settings, save on IMDB-BINARY.
- **False negatives**: arXiv 2007.00224 (abstract) corrects for negatives of the anchor's own class
  without labels; 2010.04592 (abstract) lets the user set how hard negatives are.
- **Are pairs needed?** By its abstract, arXiv 2311.02687 finds negatives dispensable for graph
  classification, and 2509.01541 finds untrained encoders level with contrast on small sets.
"""
