"""Whether samples packed into one sequence stay strangers to each other.

TRL packs without a mask and tells the model by restarting position ids where each sample begins. Attention in
transformers honours that, with or without flash attention; recurrent or remote architectures may not.
"""

from __future__ import annotations

from typing import Any

#: Token ids of two tiny samples; any ids do, as only a difference is looked for.
SAMPLE_LENGTH = 8
#: Relative change of the second sample's logits that rounding can explain (bfloat16 has 8 bits; our choice).
TOLERANCE = 0.02


def keeps_samples_apart(model: Any) -> bool:
    """True where exchanging the first of two packed samples leaves the logits of the second as they were."""
    import torch

    positions = torch.arange(SAMPLE_LENGTH, device=model.device).repeat(2)[None]
    first, other, second = torch.arange(3 * SAMPLE_LENGTH, device=model.device).view(3, SAMPLE_LENGTH) + 10
    model.eval()
    with torch.inference_mode():
        behind_first, behind_other = (
            model(input_ids=torch.cat([before, second])[None], position_ids=positions, use_cache=False).logits[
                0, SAMPLE_LENGTH:
            ]
            for before in (first, other)
        )
    change = (behind_first - behind_other).abs().max() / behind_first.abs().max()
    return bool(change < TOLERANCE)
