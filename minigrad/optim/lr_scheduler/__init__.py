"""Learning rates that change from epoch to epoch.

    scheduler = mg.optim.lr_scheduler.StepLR(optimizer, step_size=30)
    for epoch in range(100):
        ...                    # train: optimizer.step()
        scheduler.step()

A scheduler sets ``group["lr"]`` of the optimizer's groups.  Its `next` gives the learning rate at
time t, which counts the calls of ``scheduler.step()``, from the one before: where several
schedulers change the same optimizer, their factors multiply.  Throughout, γ₀ is the learning rate
that a group starts with (``initial_lr``) and γₜ the one at time t.
"""

from minigrad.optim.lr_scheduler.combined import (
    ChainedScheduler,
    ReduceLROnPlateau,
    SequentialLR,
)
from minigrad.optim.lr_scheduler.cycles import CyclicLR, OneCycleLR
from minigrad.optim.lr_scheduler.schedules import (
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]

_LRScheduler = LRScheduler  # PyTorch's older name
