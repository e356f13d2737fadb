"""Measures scikit-learn's linear classifiers on the first SIZE documents of a folder, as student.ts measures ours.

    python3 scikit_learn.py FOLDER ANSWERS_FILE SIZE

Prints a JSON list of measurements (see measurement.ts).
"""

import gzip
import json
import resource
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.pipeline import make_pipeline

warnings.filterwarnings("ignore", category=FutureWarning)
STRENGTHS = [0.3, 1, 3, 10, 30, 100, 300]


def read(path):
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def measure(name, pipeline, train, test):
    start = time.process_time()
    pipeline.fit([text for text, _ in train], [label for _, label in train])
    trained = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    predicted = pipeline.predict([text for text, _ in test])
    scored = time.process_time()
    return {
        "name": name,
        "trained": len(train),
        "scored": len(test),
        "accuracy": float(np.mean(predicted == np.array([label for _, label in test]))),
        "trainCpuSeconds": trained - start,
        "documentsPerCpuSecond": len(test) / (scored - trained),
        "peakMegabytes": peak,
    }


folder, answers_file, size = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
documents = read(folder / "documents.jsonl.gz")
gold = {row["id"]: row["label"] for row in read(folder / "gold.jsonl.gz")}
answers = {row["id"]: row["label"] for row in read(folder / answers_file)}
train = [(row["text"], answers[row["id"]]) for row in documents[:size] if answers.get(row["id"]) is not None]
test = [(row["text"], gold[row["id"]]) for row in documents[size:] if gold.get(row["id"]) is not None]

pipelines = {
    "scikit-learn, TF-IDF, C by cross-validation": make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        LogisticRegressionCV(Cs=STRENGTHS, cv=5, scoring="neg_log_loss", max_iter=1000),
    ),
}
# A million columns for every class: with dozens of classes its solver takes tens of gigabytes.
if len({label for _, label in train}) <= 4:
    pipelines["scikit-learn, hashing, C = 10"] = make_pipeline(
        HashingVectorizer(ngram_range=(1, 2), alternate_sign=False, norm=None),
        TfidfTransformer(sublinear_tf=True),
        LogisticRegression(C=10, max_iter=1000),
    )
print(json.dumps([measure(name, pipeline, train, test) for name, pipeline in pipelines.items()]))
