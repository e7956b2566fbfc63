"""What may be said of a thread: it rose, it did not rise, or it cannot be told, and why."""

from __future__ import annotations

from signseg_protocols.rises import ALPHA, MAX_GAIN, Rise

ROSE = "rose"
DID_NOT_RISE = "did not rise"

_GAIN_UNSEEN = (
    "the references hardly respond, so that a change of the gain would not show in them, and "
    f"late images score less than {MAX_GAIN:g} times as much as early ones"
)
_NO_GAIN_AND_CHANGED = "the references show no gain (they hardly respond), and they changed"
_TOO_NOISY = "the references are too few or too noisy to exclude that drift did it"
_ONLY_BESIDE_REFERENCES = (
    "late images score no more than early ones, but they do in comparison with the references; "
    "either all responses faded against a rise, or only those to the references did"
)
_ONLY_IF_DRIFT_ADDS = (
    "the references changed, and it is a rise only if drift adds the same to all scores, not if it "
    "multiplies them"
)
_ONLY_IF_DRIFT_MULTIPLIES = (
    "the references changed, and it is a rise only if drift multiplies all scores, not if it adds "
    "the same to them"
)
_MAY_HAVE_DOUBLED = "no rise was found, but the scores are too noisy to exclude that they doubled"


def too_few_blocks(n_blocks: int, n_needed: int) -> str:
    """Say that there are too few blocks with scores to be tested."""
    return _cannot_tell(f"{n_blocks} blocks have scores, and the tests need {n_needed}")


def verdict_of(rise: Rise) -> str:
    """Say what a rise amounts to.

    Parameters
    ----------
    rise : Rise

    Returns
    -------
    verdict : str
        "rose", "did not rise", or "cannot tell: " and the reason.
    """
    if rise.p_value <= ALPHA:
        return ROSE
    doubt = next((reason for holds, reason in _doubts(rise) if holds), None)
    return DID_NOT_RISE if doubt is None else _cannot_tell(doubt)


def _doubts(rise: Rise) -> tuple[tuple[bool, str], ...]:
    """List what may keep it from being told that nothing rose; the first that holds counts."""
    raw, less_sum, less_gain = (
        p_value <= ALPHA for p_value in (rise.p_raw, rise.p_sum, rise.p_gain)
    )
    references = rise.change_of_references
    changed = references.low > 0 or references.high < 0
    may_have_doubled = max(rise.change.high, rise.change_less_sum.high) >= rise.early
    return (
        (changed and not rise.shows_gain, _NO_GAIN_AND_CHANGED),
        (not raw and (less_sum or less_gain), _ONLY_BESIDE_REFERENCES),
        (raw and not changed and less_sum and not rise.shows_gain, _GAIN_UNSEEN),
        (raw and not changed, _TOO_NOISY),
        (raw and less_sum, _ONLY_IF_DRIFT_ADDS),
        (raw and less_gain, _ONLY_IF_DRIFT_MULTIPLIES),
        (rise.responds and may_have_doubled, _MAY_HAVE_DOUBLED),
    )


def _cannot_tell(reason: str) -> str:
    return f"cannot tell: {reason}"
