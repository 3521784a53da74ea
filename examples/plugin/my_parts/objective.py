"""An objective: who attracts, who repels, and what is added to the loss."""

from torch import Tensor

from graph_hcl.losses import ContrastiveLoss


class Centred(ContrastiveLoss):
    """UCL with a price on features whose mean leaves the origin."""

    def __init__(self, *, price: float = 0.2, temperature: float = 0.5, normalize: bool = True):
        super().__init__(temperature=temperature, normalize=normalize)
        self.price = price

    def penalty(self, z: Tensor) -> Tensor:
        return self.price * z.mean(0).square().sum()
