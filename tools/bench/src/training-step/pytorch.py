"""A training step of the same encoder in PyTorch and transformers: pytorch.py SIZE FORM THREADS TEXTS TOKENS STEPS

Prints one JSON line: CPU milliseconds of each step and the process's peak memory. FORM: eager (attention written out, AdamW as it comes)
or fastest (SDPA attention, fused AdamW).
"""

import json
import resource
import sys
import time

import torch
from transformers import BertConfig, BertModel

size, form, threads, texts, tokens, steps = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
torch.set_num_threads(threads)
SIZES = {"minilm": (384, 6, 12, 1536), "bert-base": (768, 12, 12, 3072)}
hidden, layers, heads, intermediate = SIZES[size]
config = BertConfig(hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads, intermediate_size=intermediate)
fastest = form == "fastest"
model = BertModel._from_config(config, attn_implementation="sdpa" if fastest else "eager")
model.pooler = None
head = torch.nn.Linear(hidden, 2)
weights = [*model.parameters(), *head.parameters()]
optimizer = torch.optim.AdamW(weights, lr=5e-5, fused=True if fastest else None)
torch.manual_seed(1)
ids = torch.randint(1000, 30000, (steps, texts, tokens))
mask = torch.ones(texts, tokens)
labels = torch.randint(0, 2, (steps, texts))
milliseconds = []
for step in range(steps):
    begun = time.process_time()
    optimizer.zero_grad()
    hidden_states = model(input_ids=ids[step], attention_mask=mask).last_hidden_state
    logits = head(torch.nn.functional.dropout(hidden_states.mean(1), 0.1))
    torch.nn.functional.cross_entropy(logits, labels[step]).backward()
    torch.nn.utils.clip_grad_norm_(weights, 1.0)
    optimizer.step()
    milliseconds.append(1000 * (time.process_time() - begun))
print(json.dumps({"milliseconds": milliseconds, "peakMegabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "torch": torch.__version__}))
