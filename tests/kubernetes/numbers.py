# SPDX-License-Identifier: Apache-2.0
# numbers.py FILE LAST [INSTANCE]: lines of `fairway logs -o json` begin with the numbers from 1 to LAST, none twice, none out of
# order. Where some are missing fairway said so, with the times of the lines before and after them; and wherever it said so,
# these are the times of two lines that follow each other.
import json, re, sys
said = [json.loads(line) for line in open(sys.argv[1])]
last = int(sys.argv[2])
if len(sys.argv) > 3:
    said = [d for d in said if d.get("instance", "").startswith(sys.argv[3])]
gaps = [d["gap"] for d in said if "gap" in d]
lines = [(int(d["text"].split()[0]), d["time"]) for d in said if d.get("text", "")[:1].isdigit()]
told = set()
for gap in gaps:
    times = re.findall(r"\d{4}-\S+Z", gap)
    if "may be missing" in gap:
        told.add((times[0], times[-1]))
neighbours = {(a, b) for (_, a), (_, b) in zip(lines, lines[1:])}
steps = [(a, b) for a, b in zip([(0, "")] + lines, lines) if b[0] != a[0] + 1]
wrong = [(a, b) for a, b in steps if b[0] <= a[0] or (a[1], b[1]) not in told]
missing = sum(b[0] - a[0] - 1 for a, b in steps)
print(len(lines), "lines,", missing, "missing and said,", len(gaps), "sentences")
print("not said, or told twice:", wrong[:10])
print("said of no place:", sorted(told - neighbours)[:10])
print("sentences:", gaps[:40])
sys.exit(0 if not wrong and told <= neighbours and lines[-1][0] == last and len(lines) > last * 0.9 else 1)
