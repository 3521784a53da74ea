"""A table of SMILES: train, score by ROC-AUC beside the untrained encoder, embed new molecules.

python examples/molecules.py    (pip install 'graph_hcl[molecules]')
"""

import csv
import itertools
from pathlib import Path

from graph_hcl import GraphContrast
from graph_hcl.__main__ import main
from graph_hcl.data import load
from graph_hcl.probes import evaluate

heads = ["C", "CC", "CCC", "CC(C)", "C1CC1", "C1CCCC1", "c1ccncc1", "C1CCOCC1"]
tails = ["O", "N", "C(=O)O", "C#N", "c1ccccc1", "S"]
rows = [
    (f"m{number}", head + tail, int("N" in tail or "n" in head))
    for number, (head, tail) in enumerate(itertools.product(heads, tails))
]
with Path("molecules.csv").open("w", encoding="utf-8", newline="") as file:
    csv.writer(file).writerows([("id", "smiles", "active"), *rows])
Path("new.smi").write_text("CCCO\nCCCCc1ccccc1\n", encoding="utf-8")

# From the shell: the encoder sees the molecules without their labels, the probe is cross-validated.
table = ["--dataset", "molecules.csv", "--data.smiles", "smiles", "--data.targets", "active"]
quick = ["--epochs", "3", "--hidden", "16", "--probe.folds", "3"]
main(["train", *table, "--backbone", "gine", "--metric", "roc_auc", "--out", "run", *quick])
main(["embed", "run", "--dataset", "new.smi", "--out", "new.parquet"])

# The same in Python.
molecules = load("molecules.csv", smiles="smiles", targets="active", ids="id")
model = GraphContrast(backbone="gine", epochs=3, hidden=16, random_state=0).fit(molecules)
scores = evaluate(model.transform(molecules), molecules.y.numpy(), folds=3, metrics=["roc_auc"])
print(f"ROC-AUC {scores.mean:.2f}; new molecules {model.transform(['CCCO', 'CCN']).shape}")
