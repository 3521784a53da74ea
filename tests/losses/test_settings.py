"""Settings are declared once, named in every signature, and reach the kernels."""

import dataclasses
import inspect

import pytest
import torch

from graph_hcl.losses import (
    HSCL,
    HUCL,
    SCL,
    UCL,
    ContrastiveLoss,
    CrossEntropy,
    Epoch,
    Exponential,
    HInfoGraph,
    InfoGraph,
    LossSettings,
    NTXent,
    Objective,
    ObjectiveInput,
    ObjectiveTags,
    Pairs,
    SupCon,
    as_objective,
    contrastive_loss,
    jensen_shannon_loss,
    psi_loss,
)
from graph_hcl.losses.finite import largest_product

FIELDS = {field.name: field.default for field in dataclasses.fields(LossSettings)}
OBJECTIVES = (UCL, SCL, HUCL, HSCL, NTXent, SupCon, InfoGraph, HInfoGraph, CrossEntropy)


def views(dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    z1, z2 = torch.randn(2, 6, 3, generator=generator, dtype=dtype)
    return z1, z2, torch.arange(6) % 2


def test_the_formula_takes_every_setting_with_its_default() -> None:
    parameters = inspect.signature(contrastive_loss).parameters
    assert {name: parameters[name].default for name in FIELDS} == FIELDS
    assert all(parameters[name].kind is inspect.Parameter.KEYWORD_ONLY for name in FIELDS)


@pytest.mark.parametrize("function", [contrastive_loss, psi_loss, jensen_shannon_loss])
def test_each_argument_of_a_function_is_described(function) -> None:
    described = inspect.getdoc(function)
    shared = inspect.getdoc(contrastive_loss)
    for name in inspect.signature(function).parameters:
        assert f"{name}: " in described or f"{name}: " in shared, name
    assert "Raises:" in described


def test_each_setting_is_described_where_it_is_declared() -> None:
    for name in FIELDS:
        assert f"{name}: " in LossSettings.__doc__


@pytest.mark.parametrize("make", OBJECTIVES)
def test_a_misspelt_option_is_refused_by_name(make) -> None:
    with pytest.raises(
        TypeError,
        match=rf"{make.__name__}\(\) .* argument 'temprature'(. Did you mean temp|: it takes )",
    ):
        make(temprature=0.1)


@pytest.mark.parametrize("make", [UCL, SCL])
@pytest.mark.parametrize("option", ["beta", "hardening", "detach_weights"])
def test_losses_without_hardening_take_no_option_of_it(make, option) -> None:
    assert option not in inspect.signature(make).parameters
    with pytest.raises(TypeError, match=f"'{option}': HUCL, HSCL and HInfoGraph take it"):
        make(**{option: 1})
    with pytest.raises(TypeError, match=option):
        make(**{option: 1})


@pytest.mark.parametrize("make", OBJECTIVES)
def test_every_objective_keeps_the_contract_of_the_training_loop(make) -> None:
    objective = make()
    assert isinstance(objective, Objective)
    assert as_objective(objective) is objective
    objective.on_epoch(Epoch(1, 2))
    z, _, label = views(torch.float32)
    graph = torch.arange(6) // 2
    nodes = torch.randn(12, 3)
    given = ObjectiveInput(z, graph, label, nodes, torch.arange(12) // 4)
    assert objective.compute(given).isfinite()
    count = objective.count(given)
    assert count is None or 0 < int(count) <= 12


def test_labels_are_dropped_where_they_are_not_read() -> None:
    z, _, label = views()
    given = ObjectiveInput(z, torch.arange(6) // 2, label)
    assert HUCL().compute(given) == HUCL().compute(given._replace(label=None))
    assert UCL().tags == ObjectiveTags()
    assert HSCL().tags == ObjectiveTags(labels=True)
    assert CrossEntropy().tags == ObjectiveTags(labels=True, logits=True)


def test_a_callable_is_an_objective_with_the_tags_that_it_names() -> None:
    class Recorder:
        uses_labels, reads_nodes = True, True
        seen = None

        def __call__(self, z, graph, label, nodes, node_graph):
            self.seen = (graph, label, nodes, node_graph)
            return z.sum()

        def count(self, given):
            return torch.tensor(7)

        def on_epoch(self, epoch):
            self.progress = epoch.progress

    recorder = Recorder()
    objective = as_objective(recorder)
    assert objective.tags == ObjectiveTags(labels=True, nodes=True)
    given = ObjectiveInput(*torch.eye(5)[:, None].unbind())
    assert objective.compute(given) == 1
    assert all(a is b for a, b in zip(recorder.seen, given[1:5], strict=True))
    objective.on_epoch(Epoch(2, 3))
    assert (int(objective.count(given)), recorder.progress) == (7, 0.5)
    assert as_objective(lambda z, graph, label: z.sum()).count(given) is None


def test_a_schedule_moves_beta_with_the_epochs() -> None:
    loss = HUCL(beta=2.0, schedule="linear")
    betas = []
    for number in range(1, 6):
        loss.on_epoch(Epoch(number, 5))
        betas.append(loss.hardening.beta)
    assert betas == [0.0, 0.5, 1.0, 1.5, 2.0]
    z1, z2, _ = views()
    assert loss(z1, z2) == HUCL(beta=2.0)(z1, z2)


class Centred(ContrastiveLoss):
    def __init__(self, *, price: float, **options) -> None:
        super().__init__(**options)
        self.price = price

    def penalty(self, z):
        return self.price * z.mean(0).square().sum()


def test_a_penalty_is_added_to_the_loss_of_normalised_rows() -> None:
    z1, z2, _ = views()
    z = torch.nn.functional.normalize(torch.cat([z1, z2]), dim=1)
    torch.testing.assert_close(
        Centred(price=0.3)(z1, z2) - UCL()(z1, z2), 0.3 * z.mean(0).square().sum()
    )
    graph = torch.arange(12) // 2 + torch.eye(12, dtype=torch.long)[0] * 99  # two without a partner
    each = Centred(price=0.3, reduction="none")(z, graph=graph)
    assert (each[:2] == 0).all()
    torch.testing.assert_close(each[2:].mean(), Centred(price=0.3)(z, graph=graph))
    x = z1.requires_grad_()
    assert torch.autograd.gradcheck(lambda a: Centred(price=0.3)(a, z2), x)


@pytest.mark.parametrize("make", [HUCL, HSCL, NTXent])
@pytest.mark.parametrize("mode", ["auto", "dense", "tiled"])
@pytest.mark.parametrize("normalize", [True, False])
def test_without_validation_the_value_is_the_same(make, mode, normalize) -> None:
    z1, z2, label = views()
    labels = (label,) if make.uses_labels else ()
    options = {"mode": mode, "normalize": normalize, "temperature": 0.3}
    torch.testing.assert_close(
        make(validate_args=False, **options)(z1, z2, *labels), make(**options)(z1, z2, *labels)
    )


def test_without_validation_nothing_is_checked() -> None:
    z = torch.full((4, 2), torch.nan)
    key = torch.arange(2).repeat(2)
    assert contrastive_loss(z, Pairs.among(key, key), validate_args=False).isnan()
    with pytest.raises(ValueError, match="finite features"):
        contrastive_loss(z, Pairs.among(key, key))
    assert LossSettings(tau_plus=2.0, validate_args=False).tau_plus == 2.0


def test_values_on_another_device_are_not_waited_for() -> None:
    elsewhere = torch.full((4, 2), torch.nan, device="meta")  # reading a value of it would raise
    assert largest_product(elsewhere, None, LossSettings()) is None


def test_one_setting_reaches_every_kernel() -> None:
    """The same settings object gives one value by all kernels, with each field off its default."""
    z1, z2, _ = views()
    z = torch.cat([z1, z2])
    key = torch.tensor([0, 0, 0, 1, 1, 2]).repeat(2)
    options = {
        "temperature": 0.9,
        "hardening": Exponential(0.5),
        "negative_reduction": "mean",
        "average": "pair",
        "tau_plus": 0.1,
        "detach_weights": True,
    }
    values = [
        contrastive_loss(z, Pairs.among(key, key), mode=mode, **options)
        for mode in ("auto", "dense", "tiled")
    ]
    rectangular = contrastive_loss(
        z, Pairs((key, key), (key, key), torch.arange(12)), z.clone(), **options
    )
    for value in (*values, rectangular):
        torch.testing.assert_close(value, values[0])
    for name, default in FIELDS.items():
        if name in options:
            changed = contrastive_loss(z, Pairs.among(key, key), **(options | {name: default}))
            if name != "detach_weights":  # the gradient alone
                assert not torch.isclose(changed, values[0])
