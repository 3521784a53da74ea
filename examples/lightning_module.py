"""The loss in a LightningModule, for those who train with Lightning (pip install lightning).

python examples/lightning_module.py
"""

import torch
from torch_geometric.loader import DataLoader
from torch_geometric.nn import GIN, global_add_pool

from graph_hcl.augment import drop_edge
from graph_hcl.data import load
from graph_hcl.losses import HUCL

try:
    import lightning
except ImportError:
    import pytorch_lightning as lightning


class Contrast(lightning.LightningModule):
    """A GIN whose two views of each graph are contrasted by H-UCL."""

    def __init__(self, in_channels: int, beta: float = 0.5):
        super().__init__()
        self.encoder = GIN(in_channels, 32, num_layers=2)
        self.loss = HUCL(beta=beta)

    def forward(self, batch, edge_index):
        return global_add_pool(self.encoder(batch.x, edge_index), batch.batch)

    def training_step(self, batch):
        views = [self(batch, drop_edge(batch.edge_index, p=0.2)[0]) for _ in range(2)]
        loss = self.loss(*views)
        self.log("loss", loss, batch_size=batch.num_graphs, on_epoch=True)
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-3)


store = load("MUTAG")
trainer = lightning.Trainer(
    max_epochs=2, logger=False, enable_checkpointing=False, accelerator="cpu"
)
model = Contrast(store.num_features)
trainer.fit(model, DataLoader(store, batch_size=64, shuffle=True))
print(f"loss {float(trainer.callback_metrics['loss']):.3f}")
