"""Views per second: graph_hcl.augment, a loop over graphs, and PyG's functions on one batch.

Each row draws one kind of view of the same batch of generated graphs with the sizes, degrees and
features of PROTEINS. The loop has the graphs apart already and need not collate them again; PyG's
functions get what they do not return (node numbers, batch, ptr, edge attributes) added. They draw
with probability where ours draws exact shares, and have no subgraph without compiled extensions.

    python benchmarks/augmentation.py            about half a minute; writes the JSON
    python benchmarks/augmentation.py --quick    a few seconds; writes nothing
    python benchmarks/augmentation.py --check    exit 1 when a stated ratio is missed
"""

import argparse
import copy
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path

import torch
import torch_geometric
from torch_geometric.data import Batch, Data
from torch_geometric.utils import dropout_edge, dropout_node, mask_feature

from graph_hcl.augment import parse, sample_view
from graph_hcl.console import any_sign

GRAPHS = 128
RESULT = Path(__file__).parent / "results" / "augmentation.json"
FLOORS = {"loop": 4.0, "pyg": 0.7}
"""Ratios that --check demands of every row."""


def protein_like(generator):
    """A graph of about 39 nodes in a chain with near contacts: degree 3.7, 3 one-hot features."""
    nodes = max(4, int(torch.empty(1).log_normal_(3.35, 0.75, generator=generator)))
    chain = torch.stack([torch.arange(nodes - 1), torch.arange(1, nodes)])
    start = torch.randint(nodes, (int(0.9 * nodes),), generator=generator)
    span = torch.randint(2, 8, start.shape, generator=generator)
    contacts = torch.stack([start, start + span])[:, start + span < nodes]
    edges = torch.cat([chain, contacts], dim=1)
    edges = torch.cat([edges, edges.flip(0)], dim=1).unique(dim=1)
    label = torch.randint(3, (nodes,), generator=generator)
    x = torch.nn.functional.one_hot(label, 3).float()
    return Data(x, edges, edge_attr=torch.ones(edges.shape[1], 1), y=torch.zeros(1).long())


def relabelled(data, nodes):
    """The graph of the nodes of a mask, by hand."""
    source, target = data.edge_index
    number = nodes.cumsum(0) - 1
    edges = nodes[source] & nodes[target]
    return Data(
        data.x[nodes], number[data.edge_index[:, edges]], data.edge_attr[edges], data.y
    )  # fmt: skip


def loop_edge_drop(data, generator):
    source, target = data.edge_index
    half = torch.rand(source.shape, generator=generator)
    fate = torch.zeros(data.num_nodes, data.num_nodes)
    fate[source, target] = half
    stays = torch.where(source < target, fate[source, target], fate[target, source]) >= 0.2
    return Data(data.x, data.edge_index[:, stays], data.edge_attr[stays], data.y)


def loop_node_drop(data, generator):
    nodes = torch.ones(data.num_nodes, dtype=torch.bool)
    order = torch.randperm(data.num_nodes, generator=generator)
    nodes[order[: int(0.2 * data.num_nodes)]] = False
    return relabelled(data, nodes)


def loop_feature_mask(data, generator):
    order = torch.randperm(data.num_nodes, generator=generator)
    x = data.x.clone()
    x[order[: int(0.2 * data.num_nodes)]] = 0
    return Data(x, data.edge_index, data.edge_attr, data.y)


def loop_column_mask(data, generator):
    x = data.x.clone()
    x[:, torch.rand(x.shape[1], generator=generator) < 0.2] = 0
    return Data(x, data.edge_index, data.edge_attr, data.y)


def loop_subgraph(data, generator):
    """One random neighbour after another, as GraphCL's subgraph is meant."""
    neighbours = [[] for _ in range(data.num_nodes)]
    for u, v in data.edge_index.T.tolist():
        neighbours[u].append(v)
    lots = torch.rand(data.num_nodes + 1, generator=generator).tolist()
    kept = [int(lots[-1] * data.num_nodes)]
    inside, border = set(kept), list(neighbours[kept[0]])
    while border and len(kept) < 0.8 * data.num_nodes:
        place = int(lots[len(kept)] * len(border))
        border[place], border[-1] = border[-1], border[place]
        node = border.pop()
        if node not in inside:
            inside.add(node)
            kept.append(node)
            border.extend(neighbours[node])
    nodes = torch.zeros(data.num_nodes, dtype=torch.bool)
    nodes[kept] = True
    return relabelled(data, nodes)


def pyg_edge_drop(batch):
    edge_index, index = dropout_edge(batch.edge_index, 0.2, force_undirected=True)
    return edge_index, batch.edge_attr[index]


def pyg_node_drop(batch):
    edge_index, edges, nodes = dropout_node(
        batch.edge_index, 0.2, num_nodes=batch.num_nodes, relabel_nodes=True
    )
    before = torch.cat([torch.zeros(1, dtype=torch.long), nodes.cumsum(0)])
    return edge_index, batch.edge_attr[edges], batch.x[nodes], batch.batch[nodes], before[batch.ptr]


def pyg_mask(batch, mode):
    found = copy.copy(batch)
    found.x, _ = mask_feature(batch.x, 0.2, mode=mode)
    return found


def pyg_feature_mask(batch):
    return pyg_mask(batch, "row")


def pyg_column_mask(batch):
    return pyg_mask(batch, "col")


def random_of(draws):
    """A loop's random choice: another draw for each graph."""

    def draw(data, generator):
        return draws[int(torch.randint(len(draws), (1,), generator=generator))](data, generator)

    return draw


GRAPHCL = [loop_node_drop, loop_edge_drop, loop_subgraph, loop_feature_mask]
ROWS = {
    "edge_drop(0.2)": (loop_edge_drop, pyg_edge_drop),
    "node_drop(0.2)": (loop_node_drop, pyg_node_drop),
    "feature_mask(0.2)": (loop_feature_mask, pyg_feature_mask),
    "column_mask(0.2)": (loop_column_mask, pyg_column_mask),
    "subgraph(0.8)": (loop_subgraph, None),
    "node_drop(0.2)|edge_drop(0.2)|subgraph(0.8)|feature_mask(0.2)": (random_of(GRAPHCL), None),
}


def seconds(works, rounds):
    """The median time of each work, taken in turn so that a slow moment hits all alike."""
    taken = [[] for _ in works]
    for number in range(rounds + 1):
        for times, (work, repeats) in zip(taken, works, strict=True):
            start = time.perf_counter()
            for _ in range(repeats):
                work()
            if number:  # the first round warms up
                times.append((time.perf_counter() - start) / repeats)
    return [statistics.median(times) for times in taken]


def measure(text, loop, pyg, graphs, batch, rounds):
    generator = torch.Generator().manual_seed(1)
    ours = parse(text)
    works = [
        (lambda: sample_view(batch, ours, generator), 20),
        (lambda: [loop(data, generator) for data in graphs], 1),
    ]
    if pyg is not None:
        works.append((lambda: pyg(batch), 20))
    own, *others = (1 / taken for taken in seconds(works, rounds))
    row = {"view": text, "views_per_second": round(own), "loop": round(others[0], 1)}
    row["times_loop"] = round(own / others[0], 1)
    if pyg is not None:
        row |= {"pyg": round(others[1]), "times_pyg": round(own / others[1], 2)}
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few repetitions; write no JSON")
    parser.add_argument("--check", action="store_true", help="exit 1 when a ratio is missed")
    options = parser.parse_args()
    generator = torch.Generator().manual_seed(0)
    graphs = [protein_like(generator) for _ in range(GRAPHS)]
    batch = Batch.from_data_list(graphs)
    print(f"{GRAPHS} graphs, {batch.num_nodes} nodes, {batch.num_edges} edges; views per second")
    print(f"{'view':64s} {'ours':>7s} {'loop':>7s} {'×':>6s} {'PyG':>7s} {'×':>6s}")
    rows = []
    for text, (loop, pyg) in ROWS.items():
        row = measure(text, loop, pyg, graphs, batch, rounds=5 if options.quick else 31)
        rows.append(row)
        print(
            f"{text:64s} {row['views_per_second']:7d} {row['loop']:7.1f} {row['times_loop']:6.1f}"
            f" {row.get('pyg', '–'):>7} {row.get('times_pyg', '–'):>6}",
            flush=True,
        )
    least = {peer: min(r[f"times_{peer}"] for r in rows if peer in r) for peer in FLOORS}
    if not options.quick:
        RESULT.parent.mkdir(exist_ok=True)
        setting = {
            "graphs": GRAPHS,
            "nodes": batch.num_nodes,
            "edges": batch.num_edges,
            "threads": torch.get_num_threads(),
            "cpus": os.cpu_count(),
            "machine": platform.machine(),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "torch_geometric": torch_geometric.__version__,
        }
        RESULT.write_text(
            json.dumps({"setting": setting, "rows": rows}, indent=2) + "\n", encoding="utf-8"
        )
    print(
        f"Least ratio against the loop {least['loop']} (stated {FLOORS['loop']}), against PyG "
        f"{least['pyg']} (stated {FLOORS['pyg']})"
    )
    missed = any(least[peer] < floor for peer, floor in FLOORS.items())
    sys.exit(1 if options.check and missed else 0)


if __name__ == "__main__":
    with any_sign():
        main()
