def _train(experiment: Experiment, trial: Trial) -> dict[int, list[np.ndarray]]:
    """Return the embeddings at each of the trial's epochs: one matrix for each part."""
    embeddings: dict[int, list[np.ndarray]] = {epoch: [] for epoch in trial.epochs}

    def embed(snapshot: Snapshot) -> None:
        found = experiment.embed(snapshot.model, snapshot.spec)
        embeddings[snapshot.epoch].append(found)

    for part in experiment.parts(trial.config.seed):
        _fit(experiment, trial, part, embed)
    return embeddings


def _fit(
    experiment: Experiment, trial: Trial, part: Part, visit: Callable[[Snapshot], None]
) -> None:
    """Train the model of a part and visit it at each of the trial's epochs."""
    spec = experiment.describe(part)

    def at_epoch(epoch: int, model: ContrastiveModel) -> None:
        if epoch in trial.epochs:
            visit(Snapshot(experiment, part, model, spec, epoch, epoch == trial.epochs[-1]))

    at_epoch(0, experiment.model(part.seed, spec))
    if trial.config.epochs:
        experiment.fit(part, spec, at_epoch=at_epoch)


def _measure_baseline(experiment: Experiment, trial: Trial) -> list[dict[str, Any]]:
    baseline = BASELINES.get(str(trial.baseline))(experiment.store)
    seed = trial.config.seed
    matrices = [baseline.embeddings] * len(experiment.parts(seed))
    return _records(experiment.measure(matrices, seed, probe=baseline.probe), 0)


def _measure_snapshots(
    experiment: Experiment, trial: Trial
) -> tuple[list[dict[str, Any]], str | None]:
    """Return what the trial's own measurement gives, and why the training stopped early if so."""
    measurement = find_measurement(str(trial.measure))
    records: list[dict[str, Any]] = []

    def visit(snapshot: Snapshot) -> None:
        about = {"epoch": snapshot.epoch, "part": snapshot.part.name}
        records.append(about | measurement.measure(snapshot))

    try:
        for part in measurement.parts(experiment, trial.config.seed):
            _fit(experiment, trial, part, visit)
    except UserError as error:  # a loss that is no longer finite is a result
        return records, str(error)
    return records, None


def _records(evaluation: probes.Evaluation, epoch: int) -> list[dict[str, Any]]:
    """Return one record for each fold, without its predictions."""
    return [
        {
            "epoch": epoch,
            "probe": evaluation.probe,
            "seed": evaluation.seed,
            "fold": fold.fold,
            "scores": _rounded({"accuracy": fold.accuracy, "macro_f1": fold.macro_f1}),
            "validation_score": _round(fold.validation_accuracy),
            "params": {} if fold.C is None else {"C": fold.C},
            "train": fold.train,
            "validation": fold.validation,
            "test": fold.test,
        }
        for fold in evaluation.scores
    ]


def _rounded(scores: Mapping[str, float]) -> dict[str, float]:
    return {name: round(score, 6) for name, score in scores.items()}


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
