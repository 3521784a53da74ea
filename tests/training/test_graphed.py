"""Recorded steps against steps of one kernel after the other, with a recorder that needs no GPU."""

import copy
from collections.abc import Callable
from contextlib import contextmanager, nullcontext

import pytest
import torch

from benchmarks.device.checks.common import some_graphs
from benchmarks.device.pretend import DEVICE, pretended
from graph_hcl import losses
from graph_hcl.__main__ import main
from graph_hcl.augment import View, ViewSampler, parse
from graph_hcl.errors import UserError
from graph_hcl.nn import ContrastiveModel, GraphEncoder, make_backbone, perturbed
from graph_hcl.training import TrainingSettings, fit, graphed, loop
from graph_hcl.training.checkpoint import Checkpoint
from graph_hcl.training.graphed import CudaRecorder, GraphedSteps, check_graphed, why_not

CPU = torch.device("cpu")
VIEWS = ViewSampler([parse("edge_drop(0.2)+feature_mask(0.2)")] * 2)
NETWORKS = ("gin", "gine", "gcn", "graphsage", "pna", "edgecnn")
"""Networks that do not wait for the device: gat does, for its self-loops, and gps for sizes."""


class Repeated:
    """A recorder that takes the whole step again, and leaves its numbers where they were."""

    def __init__(self) -> None:
        self.replays = 0

    def warm_up(self, step: Callable) -> None:
        for _ in range(2):
            step()

    def record(self, step: Callable):
        numbers = step()

        def replay() -> None:
            self.replays += 1
            loss, norm, given = step()
            numbers.loss.copy_(loss)
            numbers.norm.copy_(norm)
            numbers.given.z.copy_(given.z)

        return replay, numbers


@pytest.fixture
def repeated(monkeypatch) -> Repeated:
    """Let every training record its steps, by a recorder that needs no GPU."""
    recorder = Repeated()
    monkeypatch.setattr(loop, "check_graphed", lambda *given: None)
    monkeypatch.setattr(loop, "GraphedSteps", lambda cuda: GraphedSteps(recorder))
    return recorder


def settings(**options) -> TrainingSettings:
    defaults = {"epochs": 2, "batch_size": 12, "lr": 0.01, "cuda_graphs": True}
    return TrainingSettings(**defaults | options)


def model_of(backbone: str = "gin", dropout: float = 0.0) -> ContrastiveModel:
    torch.manual_seed(0)
    degrees = torch.tensor([1, 5, 9, 4])
    net = make_backbone(backbone, 7, 8, 2, edge_dim=2, dropout=dropout, degrees=lambda: degrees)
    return ContrastiveModel(GraphEncoder(net, 16))


def trained(objective, chosen: TrainingSettings, **options):
    """Return the weights after a training, and its losses."""
    found = []

    class Losses(loop.Callback):
        def on_epoch_end(self, state) -> None:
            found.append(state.loss)

    model = model_of(options.pop("backbone", "gin"), options.pop("dropout", 0.0))
    indices = options.pop("indices", torch.arange(36))
    store = some_graphs()
    fit(
        model, objective, VIEWS, store, indices, chosen, device=CPU, callbacks=[Losses()], **options
    )
    return model.state_dict(), found


@pytest.mark.parametrize(
    ("objective", "chosen"),
    [
        (losses.HUCL(), {}),
        (losses.HSCL(), {"optimizer": "adamw", "weight_decay": 0.1, "clip": 0.5}),
        (losses.SupCon(), {"schedule": "cosine", "warmup": 1.0, "precision": "bf16-mixed"}),
    ],
)
def test_recorded_steps_train_as_others_do(repeated, objective, chosen) -> None:
    """Smaller last batches, too: 36 graphs by 16 are 16, 16 and 4."""
    found, mine = trained(objective, settings(batch_size=16, **chosen))
    assert repeated.replays == 6
    plain, theirs = trained(objective, settings(batch_size=16, cuda_graphs=False, **chosen))
    limit = 2e-2 if "precision" in chosen else 1e-4
    assert mine == pytest.approx(theirs, rel=limit)
    if "precision" not in chosen:
        for name, value in plain.items():
            torch.testing.assert_close(found[name], value, rtol=1e-2, atol=2e-3)


def test_recording_leaves_weights_optimiser_and_random_numbers_as_they_are(repeated) -> None:
    """With dropout: the first step is that of a recorder that takes no steps before."""
    first, _ = trained(losses.UCL(), settings(epochs=1), dropout=0.3)
    repeated.warm_up = lambda step: None
    second, _ = trained(losses.UCL(), settings(epochs=1), dropout=0.3)
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_beyond_the_most_shapes_steps_are_taken_one_kernel_after_the_other(
    repeated, monkeypatch
) -> None:
    monkeypatch.setattr(graphed, "MOST_SHAPES", 1)
    _, mine = trained(losses.UCL(), settings(batch_size=16))
    assert 0 < repeated.replays < 6
    _, theirs = trained(losses.UCL(), settings(batch_size=16, cuda_graphs=False))
    assert mine == pytest.approx(theirs, rel=1e-4)


@pytest.mark.usefixtures("repeated")
def test_what_an_epoch_keeps_of_its_batches_is_not_overwritten_by_later_ones(monkeypatch) -> None:
    """All batches have one shape here, so that one recorded step takes them all."""
    monkeypatch.setattr(graphed, "padded_shape", lambda batch: (1024, 2048))
    seen = []

    class Largest(loop.Callback):
        def on_epoch_end(self, state) -> None:
            seen.append(state.largest_batch)

    for recorded in (True, False):
        chosen = settings(epochs=1, cuda_graphs=recorded, lr=1e-9)
        model, every = model_of(), torch.arange(36)
        kept = {"device": CPU, "callbacks": [Largest()]}
        fit(model, losses.HSCL(), VIEWS, some_graphs(), every, chosen, **kept)
    mine, theirs = seen
    assert torch.equal(mine.graph, theirs.graph)
    assert torch.equal(mine.label, theirs.label)
    torch.testing.assert_close(mine.z, theirs.z, rtol=1e-3, atol=1e-4)


def test_graphs_that_are_given_twice_are_not_recorded(repeated) -> None:
    _, mine = trained(losses.UCL(), settings(epochs=1), indices=torch.arange(24) % 20)
    assert not repeated.replays
    chosen = settings(epochs=1, cuda_graphs=False)
    _, theirs = trained(losses.UCL(), chosen, indices=torch.arange(24) % 20)
    assert mine == theirs


@pytest.mark.usefixtures("repeated")
def test_a_training_goes_on_as_if_it_had_never_stopped(tmp_path) -> None:
    whole, _ = trained(losses.HUCL(), settings(epochs=3), dropout=0.2)
    file = tmp_path / "part.safetensors"
    for epochs in (1, 3):
        parts, _ = trained(
            losses.HUCL(), settings(epochs=epochs), dropout=0.2, checkpoint=Checkpoint(file)
        )
    assert all(torch.equal(value, parts[name]) for name, value in whole.items())


def waits_of_steps(backbone: str, objective) -> int:
    """Return the waits for a pretended device in steps that are recorded and taken."""
    with pretended() as seen:
        store = some_graphs().to(DEVICE)
        chosen = settings(clip=1.0, cuda_graphs=False)  # whose optimiser is one of CUDA
        state = loop.start(model_of(backbone), objective, chosen, DEVICE)
        state.distinct = True
        recorder = Repeated()
        state.graphed = GraphedSteps(recorder)
        state.model.train()
        parts = list(torch.arange(36).split(12))
        drawn = list(VIEWS(store, parts, state.generators["augment"]))
        counted = []
        for _ in range(2):
            seen.waits.clear()
            for part, views in zip(parts, drawn, strict=True):
                part = part.to(DEVICE, non_blocking=True)
                loop.run_step(state, views, part, store.y, chosen.clip)
            counted.append(seen.waits.total())
        assert recorder.replays == 6
    return counted[1]


@pytest.mark.parametrize("backbone", NETWORKS)
def test_steps_of_these_networks_do_not_wait(backbone: str) -> None:
    assert waits_of_steps(backbone, losses.HUCL()) == 0


def test_steps_of_the_plain_loss_do_not_wait_and_those_of_labels_do_without_triton() -> None:
    assert waits_of_steps("gin", losses.UCL()) == 0
    assert waits_of_steps("gin", losses.SCL()) > 0


def test_steps_of_gat_wait() -> None:
    assert waits_of_steps("gat", losses.HUCL()) > 0


class Own(losses.HUCL):
    pass


REFUSED = {
    "--max-nodes 9": {"max_nodes": 9},
    "16-mixed, whose scale": {"precision": "16-mixed"},
    "adam or adamw, but got sgd": {"optimizer": "sgd"},
    "--encoder.per-view or": {"sampler": ViewSampler(VIEWS.views, per_view=True)},
    "or --encoder.weight-noise": {
        "sampler": ViewSampler([VIEWS.views[0], View(parse("identity"), perturbed(0.1))])
    },
    "but got InfoGraph": {"objective": losses.InfoGraph()},
    "but got CrossEntropy": {"objective": losses.CrossEntropy()},
    "but got Own": {"objective": Own()},
    "a memory of earlier": {"objective": losses.UCL(memory_size=8)},
    "a schedule of beta": {"objective": losses.HUCL(schedule="linear")},
    "a temperature of each": {"objective": losses.UCL(temperature="auto")},
    "with psi": {"objective": losses.UCL(psi="triplet")},
    "that are drawn": {"objective": losses.UCL(num_negatives=3)},
    "contrast across-views": {"objective": losses.UCL(contrast="across-views")},
    "include_self": {"objective": losses.UCL(include_self=True)},
    "HUCL with Threshold": {"objective": losses.HUCL(hardening="threshold")},
    "HUCL with ClassMass": {"objective": losses.HUCL(hardening="class-mass")},
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_recorded_is_refused_in_one_sentence(text: str) -> None:
    given = dict(REFUSED[text])
    objective, sampler = given.pop("objective", losses.HUCL()), given.pop("sampler", VIEWS)
    with pytest.raises(UserError) as told:
        check_graphed(settings(**given), objective, sampler, torch.device("cuda"))
    said = str(told.value)
    assert text in said
    assert said.startswith("Expected ")
    assert said.endswith("with --cuda-graphs: leave one of them out.")
    assert said.count(". ") == 0


@pytest.mark.parametrize(
    "objective",
    [losses.HUCL(), losses.HUCL(hardening="power"), losses.HSCL(tau_plus=0.1), losses.NTXent()],
)
def test_what_can_be_recorded_is_not_refused(objective) -> None:
    assert why_not(settings(optimizer="adamw", precision="bf16-mixed"), objective, VIEWS) is None


def test_the_flag_is_refused_without_a_cuda_device(capsys, tmp_path) -> None:
    words = ["train", "--dataset", "digits", "--device", "cpu", "--cuda-graphs", "--epochs", "1"]
    assert main([*words, "--out", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err
    expected = "Expected a CUDA device with --cuda-graphs, but got cpu: leave it out, or choose"
    assert expected in said
    assert not (tmp_path / "run").exists()
    with pytest.raises(UserError, match="Expected a CUDA device with --cuda-graphs, but got cpu"):
        trained(losses.HUCL(), settings())


class FakeStream:
    def __init__(self, device: torch.device | None = None) -> None:
        self.device = device

    def wait_stream(self, other: object) -> None:
        pass


@pytest.fixture
def cuda(monkeypatch) -> list[str]:
    """Let the recorder find what it asks of CUDA; return what it does."""
    done: list[str] = []

    class Graph:
        def replay(self) -> None:
            done.append("replayed")

        def pool(self) -> str:
            return "its pool"

    @contextmanager
    def recording(graph, pool, stream):
        done.append(f"recorded in {pool} on {stream.device}")
        yield

    monkeypatch.setattr(torch.cuda, "Stream", FakeStream)
    monkeypatch.setattr(torch.cuda, "current_stream", FakeStream)
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext())
    monkeypatch.setattr(torch.cuda, "get_sync_debug_mode", lambda: 0)
    monkeypatch.setattr(torch.cuda, "set_sync_debug_mode", lambda mode: done.append(str(mode)))
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", recording)
    return done


def test_the_recorder_warms_up_aside_and_records_into_one_pool(cuda) -> None:
    recorder = CudaRecorder(torch.device("cuda:1"))
    recorder.warm_up(lambda: cuda.append("step"))
    assert cuda == ["step", "step", "error", "step", "0"]
    cuda.clear()
    for _ in range(2):
        replay, numbers = recorder.record(lambda: "numbers")
        replay()
        assert numbers == "numbers"
    first, *_, second, _ = cuda
    assert first == "recorded in None on cuda:1"
    assert second == "recorded in its pool on cuda:1"
    assert cuda == [first, "replayed", second, "replayed"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [("called a synchronizing CUDA operation", UserError), ("out of luck", RuntimeError)],
)
def test_a_step_that_waits_is_refused_before_it_is_recorded(cuda, text, kind) -> None:
    calls = []

    def step() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise RuntimeError(text)

    with pytest.raises(kind, match=r"do not wait for the device|out of luck"):
        CudaRecorder(torch.device("cuda")).warm_up(step)
    assert cuda == ["error", "0"]


def test_the_rate_of_a_recorded_step_is_where_it_was() -> None:
    made = loop.make_optimizer([torch.nn.Parameter(torch.ones(2))], settings(lr=0.5), CPU)
    place = made.param_groups[0]["lr"]
    assert loop.set_rate(made, 0.5, 0.5) == 0.25
    assert made.param_groups[0]["lr"] is place
    assert float(place) == 0.25
    assert copy.deepcopy(made.state_dict())["param_groups"][0]["lr"] == 0.25
