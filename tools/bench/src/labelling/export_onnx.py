"""Exports a released encoder for transformers.js: export_onnx.py RELEASE OUT POOLING

Reads config.json and model.safetensors of a released encoder, its head included, and writes OUT/onnx/model.onnx (float32) and
OUT/onnx/model_quantized.onnx (what transformers.js calls q8). Pooling and head are in the graph: the form that costs transformers.js least.
"""

import json
import sys
import warnings
from pathlib import Path

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.torch import load_file
from transformers import AutoModel

release, out, pooling = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
config = json.loads((release / "config.json").read_text())
weights = load_file(release / "model.safetensors")
# Attention written out: of the two forms that transformers exports, it is the one that onnxruntime runs faster.
encoder = AutoModel.from_pretrained(release, attn_implementation="eager")
names = ["input_ids", "attention_mask", *(["token_type_ids"] if config.get("type_vocab_size", 0) > 1 else [])]


class Classifier(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = encoder
        self.weight, self.bias = weights["classifier.weight"], weights["classifier.bias"]

    def forward(self, *inputs):
        given = dict(zip(names, inputs))
        hidden = self.encoder(**given).last_hidden_state
        mask = given["attention_mask"].unsqueeze(-1).to(hidden.dtype)
        pooled = hidden[:, 0] if pooling == "first" else (hidden * mask).sum(1) / mask.sum(1)
        return torch.nn.functional.linear(pooled, self.weight, self.bias)


ids = torch.randint(5, 100, (2, 16))
mask = torch.ones_like(ids)
mask[1, 10:] = 0
(out / "onnx").mkdir(parents=True)
plain, quantized = out / "onnx" / "model.onnx", out / "onnx" / "model_quantized.onnx"
with warnings.catch_warnings(), torch.no_grad():
    warnings.simplefilter("ignore")
    torch.onnx.export(
        Classifier().eval(),
        (ids, mask, torch.zeros_like(ids))[: len(names)],
        str(plain),
        input_names=names,
        output_names=["logits"],
        dynamic_axes={**{name: {0: "texts", 1: "tokens"} for name in names}, "logits": {0: "texts"}},
        opset_version=17,
        dynamo=False,
    )
# The settings of transformers.js' own scripts/quantize.py for q8: weights in signed integers with one scale a tensor, 8 whole bits.
quantize_dynamic(plain, quantized, weight_type=QuantType.QInt8)
