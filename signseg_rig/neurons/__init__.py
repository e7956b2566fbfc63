"""Models of recorded neurons: fits, how good they are, and what is left of them without a sign."""

from signseg_rig.neurons.ablation_curves import AblationPoint, ablation_curves
from signseg_rig.neurons.choice_tests import MEANING, ChoiceTest, compare_choices
from signseg_rig.neurons.choices import Choices, Removal, ablated_choices, choose_images
from signseg_rig.neurons.comparisons import ONE_SIGN_FITS, comparison_fits, fit_ablated
from signseg_rig.neurons.cross_validation import (
    CrossValidation,
    cross_validate_fit,
    cross_validate_pls,
    fit_pls_chosen,
)
from signseg_rig.neurons.feature_signs import (
    FeatureSigns,
    allow_sign_ablation,
    describe_readout,
    describe_signs,
    require_never_negative,
)
from signseg_rig.neurons.features import FeatureCache, FeatureReader, FeatureSpec, Rectify
from signseg_rig.neurons.gates import Gate, gate_channels
from signseg_rig.neurons.image_order import OrderAutocorrelation, order_autocorrelation
from signseg_rig.neurons.linear import LinearModel
from signseg_rig.neurons.model_file import model_file_sha256
from signseg_rig.neurons.models import Ablation, Convention, NeuronModels
from signseg_rig.neurons.noise_ceiling import NoiseCeiling, noise_ceiling
from signseg_rig.neurons.permutation_null import PermutationNull, permutation_null
from signseg_rig.neurons.pls import PlsModel, PlsPath, fit_pls, fit_pls_path
from signseg_rig.neurons.regularized import LinearFit, fit_lasso, fit_ridge, fit_signed
from signseg_rig.neurons.reliability import (
    correlation_ceiling,
    normalized_explained_variance,
    split_half_reliability,
)
from signseg_rig.neurons.shuffles import block_groups

__all__ = [
    "MEANING",
    "ONE_SIGN_FITS",
    "Ablation",
    "AblationPoint",
    "ChoiceTest",
    "Choices",
    "Convention",
    "CrossValidation",
    "FeatureCache",
    "FeatureReader",
    "FeatureSigns",
    "FeatureSpec",
    "Gate",
    "LinearFit",
    "LinearModel",
    "NeuronModels",
    "NoiseCeiling",
    "OrderAutocorrelation",
    "PermutationNull",
    "PlsModel",
    "PlsPath",
    "Rectify",
    "Removal",
    "ablated_choices",
    "ablation_curves",
    "allow_sign_ablation",
    "block_groups",
    "choose_images",
    "compare_choices",
    "comparison_fits",
    "correlation_ceiling",
    "cross_validate_fit",
    "cross_validate_pls",
    "describe_readout",
    "describe_signs",
    "fit_ablated",
    "fit_lasso",
    "fit_pls",
    "fit_pls_chosen",
    "fit_pls_path",
    "fit_ridge",
    "fit_signed",
    "gate_channels",
    "model_file_sha256",
    "noise_ceiling",
    "normalized_explained_variance",
    "order_autocorrelation",
    "permutation_null",
    "require_never_negative",
    "split_half_reliability",
]
