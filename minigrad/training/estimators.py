"""Networks as scikit-learn's estimators: in pipelines, grid searches and cross-validation.

What is inside is `fit`, on float64 numbers; what is outside is scikit-learn's interface, which its
own checks (``sklearn.utils.estimator_checks.check_estimator``) find complete.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from minigrad import nn, optim, random
from minigrad.graph import wrap
from minigrad.modes import no_grad
from minigrad.training.callbacks import Callback, EarlyStopping
from minigrad.training.loop import fit
from minigrad.utils.data import DataLoader, TensorDataset

__all__ = ["Classifier", "Regressor"]

OPTIMIZERS = {
    "adam": optim.Adam, "adamw": optim.AdamW, "sgd": optim.SGD, "rmsprop": optim.RMSprop
}  # fmt: skip


def network(features: int, outputs: int, hidden: Sequence[int]) -> nn.Module:
    """Linear layers with a ReLU between each two."""
    sizes = [features, *hidden, outputs]
    layers: list[nn.Module] = []
    for n, m in zip(sizes, sizes[1:]):
        layers += [nn.Linear(n, m), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Estimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn is not typed
    """What `Classifier` and `Regressor` share.

    module_    the trained network
    history_   loss and other numbers of each epoch
    """

    def __init__(
        self,
        hidden: Sequence[int] = (32,),
        *,
        module: Callable[[int, int], nn.Module] | None = None,
        optimizer: str | Callable[[Any], Any] = "adam",
        lr: float = 0.01,
        weight_decay: float = 0.0,
        batch_size: int = 32,
        epochs: int = 100,
        patience: int | None = None,
        validation_fraction: float = 0.1,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.hidden = hidden
        self.module = module
        self.optimizer = optimizer
        self.lr = lr
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.epochs = epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.verbose = verbose

    def _train(self, x: np.ndarray, target: np.ndarray, outputs: int, loss: nn.Module) -> None:
        """Make the network and fit it, without touching the library's random numbers."""
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        before = random.get_rng_state()
        try:
            random.manual_seed(seed)
            made = (self.module or self._network)(x.shape[1], outputs).double()
            train, held_back = self._split(x, target)
            callbacks: list[Callback] = []
            if self.patience is not None:
                callbacks.append(EarlyStopping(patience=self.patience, restore_best=True))
            self.history_ = fit(
                made,
                loss,
                self._optimizer(made),
                DataLoader(TensorDataset(*train), batch_size=self.batch_size, shuffle=True),
                None if held_back is None else [tuple(wrap(part) for part in held_back)],
                epochs=self.epochs,
                callbacks=callbacks,
                progress=self.verbose,
            )
        finally:
            random.set_rng_state(before)
        self.module_ = made.eval()

    def _network(self, features: int, outputs: int) -> nn.Module:
        return network(features, outputs, self.hidden)

    def _optimizer(self, made: nn.Module) -> Any:
        if callable(self.optimizer):
            return self.optimizer(made.parameters())
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(
                f"optimizer is one of {', '.join(OPTIMIZERS)}, or a function of the parameters, "
                f"got {self.optimizer!r}"
            )
        kind: Any = OPTIMIZERS[self.optimizer]
        return kind(made.parameters(), lr=self.lr, weight_decay=self.weight_decay)

    def _split(self, x: np.ndarray, target: np.ndarray) -> tuple[Any, Any]:
        """What is trained on, and what is held back for early stopping."""
        n = int(self.validation_fraction * len(x)) if self.patience is not None else 0
        if n == 0:
            return (x, target), None
        order = random.default_generator.numpy.permutation(len(x))
        x, target = x[order], target[order]
        return (x[n:], target[n:]), (x[:n], target[:n])

    def _outputs(self, X: Any) -> np.ndarray:
        """What the network returns for new samples, an array."""
        check_is_fitted(self)
        x = validate_data(self, X, reset=False, dtype=np.float64)
        with no_grad():
            return self.module_(wrap(x)).numpy()


class Classifier(ClassifierMixin, Estimator):  # type: ignore[misc]  # scikit-learn is not typed
    """A network that classifies, as an estimator of scikit-learn's.

    hidden               sizes of the layers between input and output
    module               another network: a function of the numbers of features and of classes
    optimizer            "adam", "adamw", "sgd", "rmsprop", or a function of the parameters
    lr, weight_decay     of the optimizer, where it is given by name
    batch_size, epochs   of training
    patience             stop after so many epochs without a better loss on samples that are held
                         back; None: train all epochs, on all samples
    validation_fraction  how many samples are held back for that
    random_state         decides initial weights and the order of samples
    verbose              show the progress

    After fit: ``module_``, ``classes_``, ``history_``, ``n_features_in_``.

    Raises   ValueError for samples that are not finite numbers, or a single class.
    Example  >>> from sklearn.datasets import load_iris
             >>> from sklearn.pipeline import make_pipeline
             >>> from sklearn.preprocessing import StandardScaler
             >>> x, y = load_iris(return_X_y=True)
             >>> model = mg.training.Classifier(hidden=(16,), epochs=30, random_state=0)
             >>> make_pipeline(StandardScaler(), model).fit(x, y).score(x, y) > 0.95
             True
    """

    def fit(self, X: Any, y: Any) -> Classifier:
        """Train a new network, and return this estimator."""
        x, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, target = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                "Classifier needs samples of at least 2 classes, the data have 1 class"
            )
        self._train(x, target.astype(np.int64), len(self.classes_), nn.CrossEntropyLoss())
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, a row for each sample."""
        scores = self._outputs(X)
        shifted = np.exp(scores - scores.max(1, keepdims=True))
        return shifted / shifted.sum(1, keepdims=True)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """The logarithm of `predict_proba`, exact where it underflows."""
        scores = self._outputs(X)
        shifted = scores - scores.max(1, keepdims=True)
        total = np.log(np.exp(shifted).sum(1, keepdims=True))
        return shifted - total

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each sample."""
        scores = self._outputs(X)
        return self.classes_[scores.argmax(1)]


class Regressor(RegressorMixin, Estimator):  # type: ignore[misc]  # scikit-learn is not typed
    """A network that predicts numbers, as an estimator of scikit-learn's; one number or several.

    Its parameters are those of `Classifier`; the loss is the mean squared error.

    After fit: ``module_``, ``history_``, ``n_features_in_``.

    Raises   ValueError for samples or targets that are not finite numbers.
    Example  >>> x = np.linspace(-1, 1, 50)[:, None]
             >>> model = mg.training.Regressor(hidden=(16,), epochs=300, random_state=0)
             >>> model.fit(x, np.sin(3 * x[:, 0])).score(x, np.sin(3 * x[:, 0])) > 0.95
             True
    """

    def fit(self, X: Any, y: Any) -> Regressor:
        """Train a new network, and return this estimator."""
        x, y = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        target = y.astype(np.float64).reshape(len(y), -1)
        self.n_outputs_ = 1 if y.ndim == 1 else target.shape[1]
        self._flat = y.ndim == 1
        self._train(x, target, target.shape[1], nn.MSELoss())
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The numbers predicted for each sample."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self._flat else outputs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
