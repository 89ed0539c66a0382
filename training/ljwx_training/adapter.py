"""The adapter on a frozen base: LoRA by peft, in 32 bits, whatever the base is kept in."""

from __future__ import annotations

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn
from transformers import PreTrainedModel, set_seed

from ljwx_training.errors import NotInstalled
from ljwx_training.lean import made_lean
from ljwx_training.recipe import PROJECTIONS, Hyperparameters


def with_adapter(base: PreTrainedModel, settings: Hyperparameters, seed: int) -> PeftModel:
    """Freeze the base and put an adapter on its projections; the seed decides the adapter's first weights."""
    blocks = base.config.num_hidden_layers
    upper = None if settings.layers is None else list(range(max(0, blocks - settings.layers), blocks))
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=list(settings.targets),
        layers_to_transform=upper,
        task_type="CAUSAL_LM",
    )
    set_seed(seed)
    model = get_peft_model(without_adapter(base), config, autocast_adapter_dtype=True)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    for module in model.modules():
        if isinstance(module, BaseTunerLayer):
            module.cast_input_dtype_enabled = False  # type: ignore[assignment]  # autocast casts the small adapter instead of each activation
    if not settings.compile and not settings.dropout:
        made_lean(model)
    if settings.compile:
        for block in base.model.layers:
            block.compile()
    return model


def without_adapter(base: PreTrainedModel) -> PreTrainedModel:
    """Take an adapter off again, with what it learned, so that the base can be trained from the start."""
    for name, module in list(base.named_modules()):
        if isinstance(module, BaseTunerLayer):
            base.set_submodule(name, module.get_base_layer())
    if hasattr(base, "peft_config"):
        del base.peft_config
    return base


def in_four_bits(base: PreTrainedModel) -> PreTrainedModel:
    """Replace the projections by 4-bit ones (NF4, QLoRA); they are quantised when the model moves to its device."""
    try:
        import bitsandbytes
    except ImportError as error:
        raise NotInstalled("quantize: bitsandbytes is not installed: pip install 'ljwx-training[qlora]'") from error
    for name, module in list(base.named_modules()):
        if isinstance(module, nn.Linear) and name.rpartition(".")[2] in PROJECTIONS:
            small = bitsandbytes.nn.Linear4bit(
                module.in_features,
                module.out_features,
                bias=module.bias is not None,
                compute_dtype=torch.bfloat16,
                quant_type="nf4",
            )
            small.weight = bitsandbytes.nn.Params4bit(
                module.weight.data, requires_grad=False, quant_type="nf4", compress_statistics=True
            )
            small.bias = module.bias
            base.set_submodule(name, small.to(module.weight.device))
    return base
