"""Seconds per training epoch against the usual PyG pipeline, with the same model and loss.

The usual pipeline: a DataLoader over the data set, two views of each batch by PyG's `dropout_edge`
and `mask_feature`, one forward pass per view, H-UCL with two dense log-sum-exps. Ours: graphs
sliced from the store, `edge_drop(0.2)+feature_mask(0.2)` twice, `graph_hcl.training.fit`. Both have
a GIN 3×32 and batches of 128. The two take turns; a ratio is the median over the turns of
PyG / ours. The following are fractions of our epoch: `views`, slicing and views; `network`, the
encoder forward and backward, whose kernels are PyTorch's on both sides; the rest is head, loss and
optimiser. If all but the network were free, the ratio would be `ratio` / `network`. `diagnosis` is
one evaluation of the diagnostics, which a run makes once in 12 batches at most.

    python -m benchmarks.speed.pipeline            six data sets, minutes; writes the JSON
    python -m benchmarks.speed.pipeline --quick    MUTAG and PROTEINS, under a minute
    python -m benchmarks.speed.pipeline --check    exit 1 when a stated ratio is missed

Needs $GRAPH_HCL_TU_MIRROR for all but MUTAG.
"""

import math
import statistics
import sys
import time

import torch
from torch.nn import functional as F
from torch_geometric.loader import DataLoader
from torch_geometric.nn import GIN, MLP, global_add_pool
from torch_geometric.utils import dropout_edge, mask_feature

from benchmarks.speed import _bench
from graph_hcl.config import Config
from graph_hcl.console import lenient_stdout
from graph_hcl.experiment import make_experiment
from graph_hcl.training import Diagnosis, Log, TrainingSettings, diagnose, fit

GOALS = {"PROTEINS": 2, "NCI1": 2, "IMDB-BINARY": 2}
GOALS |= {"DD": 1.5, "REDDIT-BINARY": 1.5, "COLLAB": 1.5}
EPOCHS = {"DD": 2, "REDDIT-BINARY": 2, "COLLAB": 2}
TURNS = 3
VIEW = "edge_drop(0.2) + feature_mask(0.2)"


class Usual(torch.nn.Module):
    """GIN 3×32 with concatenated layers, sum read-out and a projection head."""

    def __init__(self, features):
        super().__init__()
        self.gnn = GIN(features, 32, 3, jk="cat", norm="batch_norm")
        self.gnn.lin = torch.nn.Identity()
        self.head = MLP([96, 96, 96], norm=None)

    def forward(self, x, edge_index, batch):
        return F.normalize(self.head(global_add_pool(self.gnn(x, edge_index), batch)), dim=1)


def two_log_sum_exps(z):
    """H-UCL of two views with T = .5, β = 1, from the whole matrix of logits."""
    half = len(z) // 2
    s = z @ z.t() / 0.5
    key = torch.arange(half).repeat(2)
    negatives = s.masked_fill(key[:, None] == key, -math.inf)
    log_n = (2 * negatives).logsumexp(1) - negatives.logsumexp(1) + math.log(2 * half - 2)
    return F.softplus(log_n - torch.cat([s.diagonal(half), s.diagonal(half)])).mean()


def usual(store, epochs):
    """Return seconds of each epoch of the usual pipeline."""
    graphs = list(store)
    loader = DataLoader(graphs, batch_size=128, shuffle=True)
    model = Usual(store.num_features)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def view(batch):
        edge_index, _ = dropout_edge(batch.edge_index, 0.2, force_undirected=True)
        x, _ = mask_feature(batch.x, 0.2, mode="row")
        return model(x, edge_index, batch.batch)

    seconds = []
    for _ in range(epochs):
        start = time.perf_counter()
        for batch in loader:
            loss = two_log_sum_exps(torch.cat([view(batch), view(batch)]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()
        seconds.append(time.perf_counter() - start)
    return seconds


class Watch:
    """Seconds spent in a function, call by call, or in a generator, step by step."""

    def __init__(self, function):
        self.function, self.seconds = function, []

    def call(self, *given):
        start = time.perf_counter()
        found = self.function(*given)
        self.seconds.append(time.perf_counter() - start)
        return found

    def steps(self, *given):
        steps = iter(self.function(*given))
        while True:
            start = time.perf_counter()
            found = next(steps, None)
            self.seconds.append(time.perf_counter() - start)
            if found is None:
                return
            yield found


def ours(experiment, epochs):
    """Return seconds of each epoch of `fit`, of views in the mean epoch, and of each diagnosis."""
    seconds = []
    views, diagnosing = Watch(experiment.trainer.sampler), Watch(diagnose)
    fit(
        experiment.trainer.model(0),
        experiment.trainer.new_objective(),
        views.steps,
        experiment.store,
        torch.arange(len(experiment.store)),
        TrainingSettings(epochs, 128),
        device=experiment.trainer.device,
        callbacks=[
            Diagnosis(diagnosing.call),
            Log(lambda record: seconds.append(record["seconds"])),
        ],
    )
    return seconds, [sum(views.seconds) / epochs], diagnosing.seconds


def network(experiment):
    """Return seconds that the encoder takes for the views of an epoch, forward and backward."""
    encoder, seconds = experiment.trainer.model(0).encoder.train(), 0.0
    parts = torch.randperm(len(experiment.store)).split(128)
    generator = torch.Generator().manual_seed(0)
    for (view,) in experiment.trainer.sampler(experiment.store, parts, generator):
        start = time.perf_counter()
        z = encoder(view.batch)
        z.backward(torch.ones_like(z))
        seconds += time.perf_counter() - start
        encoder.zero_grad()
    return seconds


def compare(name):
    """Return one row: the medians of both sides and of their ratios, and shares of our epoch."""
    experiment = make_experiment(Config(dataset=name, beta=1.0, views=[VIEW, VIEW]))
    epochs = EPOCHS.get(name, 6)
    turns = [
        (*ours(experiment, epochs), [network(experiment)], usual(experiment.store, epochs))
        for _ in range(TURNS)
    ]
    mine, views, diagnosing, net, theirs = (
        [statistics.median(part) for part in side] for side in zip(*turns, strict=True)
    )
    return {
        "seconds": round(statistics.median(mine), 4),
        "pyg": round(statistics.median(theirs), 4),
        "ratio": round(_bench.paired_ratio(theirs, mine), 2),
        "views": round(statistics.median(views) / statistics.median(mine), 3),
        "network": round(statistics.median(net) / statistics.median(mine), 3),
        "diagnosis": round(statistics.median(diagnosing) / statistics.median(mine), 4),
    }


def main():
    options = _bench.parser(__doc__, "two small sets").parse_args()
    table, missed = {}, []
    for name in ["MUTAG", "PROTEINS"] if options.quick else GOALS:
        row = table[name] = compare(name)
        print(f"{name:15s}", row, flush=True)
        if row["ratio"] < GOALS.get(name, 0):
            missed.append(f"{name}: {row['ratio']} × < {GOALS[name]}")
    if not options.quick:
        content = {"setting": _bench.machine("torch-geometric"), "sets": table, "missed": missed}
        _bench.write_result("pipeline", content)
    return _bench.conclude(missed, options.check)


if __name__ == "__main__":
    with lenient_stdout():
        sys.exit(main())
