"""All checks, the quick ones first. What they may take together stays under half an hour on one card."""

from benchmarks.gpu.check import Check

_HERE = "benchmarks.gpu"

CHECKS = (
    Check("versions", "torch and CTranslate2 see the GPU and its arithmetic", f"{_HERE}.kernels:versions", 60, gpus=1),
    Check("loss", "the loss in pieces has the gradient of the whole in float32", f"{_HERE}.kernels:loss", 60),
    Check("attention", "every packed kernel has SDPA's losses and gradients", f"{_HERE}.kernels:backends", 150, gpus=1),
    Check("packing", "packing a real model changes no token's loss", f"{_HERE}.kernels:packing", 60),
    Check("likelihood", "choices of several tokens score as with transformers", f"{_HERE}.answers:likelihood", 120),
    Check("engines", "engines one after another give their memory back", f"{_HERE}.answers:engines", 120),
    Check("comet", "COMET in half precision scores as on the CPU", f"{_HERE}.models:comet", 60),
    Check("translator", "quantized translators agree with float32 on the CPU", f"{_HERE}.models:translator", 90),
    Check("stream", "all stages share the machine, two engines at once", f"{_HERE}.stream:stream", 150),
    Check("precisions", "bf16 under every ZeRO stage follows float32", f"{_HERE}.training:precisions", 150),
    Check("kernels", "each attention and fp16 follow float32", f"{_HERE}.training:attentions", 90, gpus=1),
    Check("offload", "an offloaded optimizer follows float32", f"{_HERE}.training:offload", 60),
    Check("adapters", "LoRA, DoRA and new tokens train", f"{_HERE}.training:adapters", 120),
    Check("quantized", "QLoRA in 4 and 8 bits trains", f"{_HERE}.training:quantized", 90),
    Check("resume", "a killed rank is replaced, and the curve is whole", f"{_HERE}.resume:resume", 120),
    Check("speed", "half of the card's arithmetic is used, as estimated", f"{_HERE}.speed:speed", 270, gpus=1),
    Check("ranks", "two GPUs give one GPU's curve through NCCL", f"{_HERE}.training:ranks", 180, gpus=2),
)
