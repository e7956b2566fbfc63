"""Other models to compare a PLS fit with: other penalties, and weights of one sign only."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from signseg_rig.neurons.cross_validation import N_COMPONENTS, fit_pls_chosen
from signseg_rig.neurons.linear import LinearModel
from signseg_rig.neurons.regularized import LinearFit, fit_lasso, fit_ridge, fit_signed
from signseg_rig.signs import Sign, ablate
from signseg_rig.values import FloatArray

# Those whose weights are of one sign, which means something where features are of one sign.
ONE_SIGN_FITS = ("positive-only", "negative-only", "positive-refit", "negative-refit")


def fit_ablated(
    features: FloatArray,
    responses: FloatArray,
    *,
    keep: Sign,
    n_components: Sequence[int] = N_COMPONENTS,
    seed: int = 0,
    groups: Sequence[object] | None = None,
) -> LinearModel:
    """Fit by PLS, and then remove the weights of the other sign.

    Parameters
    ----------
    features : (n_images, n_features) float array
    responses : (n_images, n_units) float array
    keep : {"positive", "negative"}
        The sign of the weights that stay.
    n_components, seed, groups
        See `fit_pls_chosen`.

    Returns
    -------
    model : LinearModel
        With the mean response to mean features (the convention ``"centered"``): where the mean rate
        goes is not what a comparison of predictions is about.
    """
    fitted = fit_pls_chosen(
        features, responses, n_components=n_components, seed=seed, groups=groups
    )
    removed: Sign = "negative" if keep == "positive" else "positive"
    coef = ablate(fitted.coef, sign=removed, strength=1).weights
    at_mean = fitted.intercept + fitted.coef @ fitted.feature_mean
    return LinearModel(coef, at_mean - coef @ fitted.feature_mean, fitted.feature_mean)


def comparison_fits(
    *, n_components: Sequence[int] = N_COMPONENTS, seed: int = 0
) -> dict[str, LinearFit]:
    """Return the fits to compare with, by name, for `cross_validate_fit`.

    The names with a sign tell which weights there are: those left of a PLS fit (``only``), or those
    of a fit that may have no others (``refit``).

    Parameters
    ----------
    n_components : sequence of int
        Which the fits by PLS choose from.
    seed : int
        Of inner folds.
    """
    ablated = partial(fit_ablated, n_components=n_components, seed=seed)
    return {
        "ridge": fit_ridge,
        "lasso": partial(fit_lasso, seed=seed),
        "positive-only": partial(ablated, keep="positive"),
        "negative-only": partial(ablated, keep="negative"),
        "positive-refit": partial(fit_signed, sign="positive"),
        "negative-refit": partial(fit_signed, sign="negative"),
    }
