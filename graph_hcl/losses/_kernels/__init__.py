"""How the losses are computed: kernels that give one value and gradient at different costs."""
