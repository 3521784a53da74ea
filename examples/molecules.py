"""A table of SMILES: ROC-AUC beside the untrained encoder, scaffolds, new molecules.

python examples/molecules.py    (pip install 'graph_hcl[molecules]'; docs/guides/molecules.md)
"""

import csv
import itertools
from pathlib import Path

from graph_hcl import GraphContrast
from graph_hcl.data import load
from graph_hcl.probes import compare, evaluate

heads = ["C", "CC", "CCC", "CC(C)", "C1CC1", "C1CCCC1", "c1ccncc1", "C1CCOCC1"]
tails = ["O", "N", "C(=O)O", "C#N", "c1ccccc1", "S"]
rows = [
    (f"m{number}", head + tail, "" if number % 10 == 9 else int("N" in tail or "n" in head))
    for number, (head, tail) in enumerate(itertools.product(heads, tails))
]
with Path("molecules.csv").open("w", encoding="utf-8", newline="") as file:
    csv.writer(file).writerows([("id", "smiles", "active"), *rows])
Path("new.smi").write_text("CCCO propanol\nCCCCc1ccccc1 butylbenzene\n", encoding="utf-8")

molecules = load("molecules.csv", smiles="smiles", targets="active", ids="id")
print(molecules, molecules.classes)

settings = {"backbone": "gine", "random_state": 0}
trained = GraphContrast(epochs=10, **settings).fit(molecules)
untrained = GraphContrast(epochs=0, **settings).fit(molecules)

known = ~molecules.y.isnan()
labels = molecules.y[known].numpy()
scores = [
    evaluate(model.transform(molecules[known]), labels, folds=5, metrics=["roc_auc"])
    for model in (trained, untrained)
]
print(f"ROC-AUC {scores[0].mean:.1%}, untrained {scores[1].mean:.1%}")
print("trained − untrained:", compare(*scores))

molecules = load("molecules.csv", smiles="smiles", targets="active", ids="id", groups="scaffold")
groups = [group for group, is_known in zip(molecules.groups, known, strict=True) if is_known]
print(len(set(groups)), "scaffolds, such as", groups[10], "and", groups[20])
harder = evaluate(
    trained.transform(molecules[known]), labels, folds=3, groups=groups, metrics=["roc_auc"]
)
print(f"ROC-AUC {harder.mean:.1%} on scaffolds that the probe has not seen")

print(trained.transform(["CCCO", "CCCCc1ccccc1"]).shape)
trained.save("encoder")
print(GraphContrast.load("encoder").transform(["CCCO"])[0, :3].round(3))
