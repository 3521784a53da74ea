"""Views per second: graph_hcl.augment, a loop over graphs, and PyG's functions on one batch.

Each row draws one kind of view of the same batch of generated graphs with the sizes, degrees and
features of PROTEINS. The loop starts from separate graphs and does not collate the result; PyG's
functions are extended by what they do not return (node numbers, batch, ptr, edge attributes). They
draw each node or edge with a probability where ours draw exact ratios, and have no subgraph without
compiled extensions.

    python -m benchmarks.speed.augmentation            about half a minute; writes the JSON
    python -m benchmarks.speed.augmentation --quick    a few seconds; writes nothing
    python -m benchmarks.speed.augmentation --check    exit 1 when a stated ratio is missed
"""

import copy
import statistics
import sys

import torch
from torch_geometric.data import Batch, Data
from torch_geometric.utils import dropout_edge, dropout_node, mask_feature

from benchmarks.speed import _bench
from graph_hcl.augment import parse, sample_view
from graph_hcl.console import lenient_stdout

GRAPHS = 128
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
    """Across one random edge after another that leaves the nodes kept."""
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


def measure(text, loop, pyg, graphs, batch, rounds):
    """Return the row of one kind of view: views per second of each side, and paired ratios."""
    generator = torch.Generator().manual_seed(1)
    ours = parse(text)
    works = [
        lambda: sample_view(batch, ours, generator),
        lambda: [loop(data, generator) for data in graphs],
    ]
    if pyg is not None:
        works.append(lambda: pyg(batch))
    seconds = _bench.paired_seconds(works, rounds, repeats=[20, 1, 20][: len(works)])
    own, looped, *others = (1 / statistics.median(each) for each in seconds)
    row = {"view": text, "views_per_second": round(own), "loop": round(looped, 1)}
    row["times_loop"] = round(_bench.paired_ratio(seconds[1], seconds[0]), 1)
    if pyg is not None:
        row["pyg"] = round(others[0])
        row["times_pyg"] = round(_bench.paired_ratio(seconds[2], seconds[0]), 2)
    return row


def main():
    options = _bench.parser(__doc__, "few repetitions").parse_args()
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
    if not options.quick:
        size = {"graphs": GRAPHS, "nodes": batch.num_nodes, "edges": batch.num_edges}
        setting = size | _bench.machine("torch-geometric")
        _bench.write_result("augmentation", {"setting": setting, "rows": rows})
    missed = [
        f"{row['view']}: {row[f'times_{peer}']} × against {peer} < {floor}"
        for peer, floor in FLOORS.items()
        for row in rows
        if peer in row and row[f"times_{peer}"] < floor
    ]
    return _bench.conclude(missed, options.check)


if __name__ == "__main__":
    with lenient_stdout():
        sys.exit(main())
