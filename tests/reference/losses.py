"""The loss by loops over anchors, positives and negatives, in float64; slow and independent."""

import math

import torch


def loop_loss(
    z,
    positive_keys,
    negative_keys,
    *,
    temperature=0.5,
    eta=lambda s: 1.0,
    order=1.0,
    negative_reduction="sum",
    average="anchor",
    tau_plus=0.0,
    samples=None,
    sample_positive_keys=None,
    sample_negative_keys=None,
    denominator="positive-and-negatives",
    include_self=False,
    contrast="all",
    view=None,
):
    """Return the loss [] of rows z against each other, or against `samples`; η is not in log.

    `order` is that of the power mean of the negatives.
    `view` is the view of each row, for a `contrast` across views.
    """
    z = z.double()
    among = samples is None
    x = z if among else samples.double()
    other_positive = positive_keys if among else sample_positive_keys
    other_negative = negative_keys if among else sample_negative_keys
    pair_losses, anchor_losses = [], []
    for i in range(len(z)):
        s = [torch.dot(z[i], x[j]) / temperature for j in range(len(x))]
        others = [j for j in range(len(x)) if include_self or not (among and j == i)]
        if contrast != "all":
            others = [j for j in others if view[j] != view[i]]
            wanted = {"across-views": view[i], "first-view": min(view), "last-view": max(view)}
            if view[i] != wanted[contrast]:
                continue
        positives = [j for j in others if positive_keys[i] == other_positive[j]]
        negatives = [
            j for j in others if negative_keys is None or negative_keys[i] != other_negative[j]
        ]
        if not positives or not negatives:
            continue
        weights = [eta(s[j]) for j in negatives]
        if sum(float(torch.as_tensor(w).detach()) for w in weights) == 0:
            hardest = max(negatives, key=lambda j: s[j].item())
            weights = [1.0 if j == hardest else 0.0 for j in negatives]
        total = sum(weights)
        powers = (w * torch.exp(s[j]) ** order for w, j in zip(weights, negatives, strict=True))
        mean = (sum(powers) / total) ** (1 / order)
        q = {"sum": len(negatives), "mean": 1}.get(negative_reduction, negative_reduction)
        losses = []
        for p in positives:
            n = q * mean
            if tau_plus > 0:
                n = (n - tau_plus * q * torch.exp(s[p])) / (1 - tau_plus)
                n = torch.clamp(n, min=q * math.exp(-1 / temperature))
            below = n if denominator == "negatives" else torch.exp(s[p]) + n
            losses.append(-torch.log(torch.exp(s[p]) / below))
        pair_losses += losses
        anchor_losses.append(sum(losses) / len(losses))
    chosen = anchor_losses if average == "anchor" else pair_losses
    return sum(chosen) / len(chosen) if chosen else (z * 0).sum()


def published_hcl_loss(first, second, *, beta, tau_plus, temperature=0.5):
    """Return the estimator of Robinson et al. (ICLR 2021) for two views [B, d], from its formula.

    With N = 2B − 2 negatives, imp = e^{β s}, R = Σ imp·neg / mean(imp), and
    Ng = max((−τ⁺ N pos + R) / (1 − τ⁺), N e^{−1/T}), the loss is the mean of −log pos/(pos + Ng).
    """
    count = len(first)
    rows = torch.cat([first, second])
    total = []
    for i in range(2 * count):
        partner = (i + count) % (2 * count)
        pos = torch.exp(rows[i] @ rows[partner] / temperature)
        neg = torch.stack(
            [
                torch.exp(rows[i] @ rows[j] / temperature)
                for j in range(2 * count)
                if j not in (i, partner)
            ]
        )
        imp = neg**beta
        n = len(neg)
        reweighted = (imp * neg).sum() / imp.mean()
        ng = (-tau_plus * n * pos + reweighted) / (1 - tau_plus)
        ng = torch.clamp(ng, min=n * math.exp(-1 / temperature))
        total.append(-torch.log(pos / (pos + ng)))
    return torch.stack(total).mean()


def joint_loss(z, keys, temperature):
    """Return NT-Xent or SupCon (L_out) by loops: the sum of an anchor holds every other row."""
    total = []
    for i in range(len(z)):
        others = [k for k in range(len(z)) if k != i]
        positives = [k for k in others if keys[k] == keys[i]]
        if not positives:
            continue
        below = sum(torch.exp(z[i] @ z[k] / temperature) for k in others)
        terms = [-torch.log(torch.exp(z[i] @ z[p] / temperature) / below) for p in positives]
        total.append(sum(terms) / len(terms))
    return sum(total) / len(total)
