"""Runs a released encoder outside LlamBERT, with nothing but onnxruntime and numpy.

  python3 -m venv VENV && VENV/bin/pip install onnxruntime numpy
  VENV/bin/python run_model.py MODEL < texts.jsonl

MODEL is a model's folder. A line of input is a text as its token ids, special tokens included, and, where the model was trained
on text pairs, their types: {"ids": [101, 2307, 102], "types": [0, 0, 0]}. The model's tokenizer.json makes them of a text, for
example with the package `tokenizers`: Tokenizer.from_file(path).encode(text).ids, with at most `maxTokens` of encoder.json.
A line of output is a text's logits, one for each label of manifest.json in its order: [-1.25, 1.5].
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


def run_single(session, text):
    """One text, not padded -> [labels]."""
    feeds = {name: np.array(text[name], np.int32) for name in input_names(session)}
    return session.run(["logits"], feeds)[0][0]


def run_batch(session, texts, pad):
    """Texts side by side, [tokens, texts], the shorter ones padded -> [texts, labels]."""
    lengths = np.array([len(text["ids"]) for text in texts], np.int32)
    feeds = {"lengths": lengths}
    for name in input_names(session) - {"lengths"}:
        feeds[name] = np.full((lengths.max(), len(texts)), pad if name == "ids" else 0, np.int32)
        for column, text in enumerate(texts):
            feeds[name][: lengths[column], column] = text[name]
    return session.run(["logits"], feeds)[0]


def input_names(session):
    return {given.name for given in session.get_inputs()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--batch", action="store_true", help="all texts in one run (a little faster where they are short)")
    arguments = parser.parse_args()
    settings = json.loads((arguments.model / "encoder.json").read_text())
    texts = [json.loads(line) for line in sys.stdin if line.strip()]
    session = open_graph(arguments.model, settings, "batch" if arguments.batch else "single")
    if arguments.batch:
        # Padding is masked: any token will do.
        logits = run_batch(session, texts, pad=0) if texts else []
    else:
        logits = [run_single(session, text) for text in texts]
    for row in logits:
        print(json.dumps([float(value) for value in row]))


if __name__ == "__main__":
    main()
