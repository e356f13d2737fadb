"""Runs a released encoder outside LlamBERT, with nothing but onnxruntime and numpy.

  python3 -m venv VENV && VENV/bin/pip install onnxruntime numpy
  VENV/bin/python run_model.py MODEL < texts.jsonl

MODEL is a model's folder. A line of input is a text as its token ids, special tokens included, and, where the model was trained
on text pairs, their types: {"ids": [101, 2307, 102], "types": [0, 0, 0]}. The model's tokenizer.json makes them of a text, for
example with the package `tokenizers`: Tokenizer.from_file(path).encode(text).ids, with at most `maxTokens` of encoder.json.
A line of output is a text's logits, one for each label of manifest.json in its order: [-1.25, 1.5]. They are not calibrated: apply
manifest.json's `calibration` before you take the greatest or a probability. Method "temperature": logits / temperature; "vector":
scales * (logits - their mean) + biases (for a multi-label task without the mean), which may change which label is the greatest.
Then softmax, or for a multi-label task a sigmoid each. Where manifest.json has an `ensemble`, they are the encoder's part of the
model's: train with `student: {ensemble: false}` for an encoder that decides alone.
"""

import argparse
import json
import pathlib
import sys

import numpy as np
import onnxruntime


def open_graph(folder, settings, variant):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        str(folder / settings["graphs"][variant]), options, providers=["CPUExecutionProvider"]
    )


def logits_of(text, session):
    """One text, or in a batch's graph one column, [tokens, texts] -> [labels]. Several columns need padding, which `lengths` masks."""
    length = len(text["ids"])
    feeds = {}
    for given in session.get_inputs():
        if given.name == "lengths":
            feeds["lengths"] = np.array([length], np.int32)
        else:
            feeds[given.name] = np.array(text[given.name], np.int32).reshape([length, 1][: len(given.shape)])
    return session.run(["logits"], feeds)[0][0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    arguments = parser.parse_args()
    manifest = arguments.model / "manifest.json"
    if manifest.exists() and "ensemble" in json.loads(manifest.read_text()):
        print("note: a linear student decides beside this encoder; these are the encoder's logits alone", file=sys.stderr)
    settings = json.loads((arguments.model / "encoder.json").read_text())
    sessions = {variant: open_graph(arguments.model, settings, variant) for variant in ("single", "batch")}
    for line in filter(str.strip, sys.stdin):
        text = json.loads(line)
        variant = "batch" if len(text["ids"]) <= settings["longestInBatch"] else "single"
        print(json.dumps([float(value) for value in logits_of(text, sessions[variant])]))


if __name__ == "__main__":
    main()
