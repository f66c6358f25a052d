"""From samples to packs: tokens, packing, the order of steps, the objective's weights."""
