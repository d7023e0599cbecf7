# SPDX-License-Identifier: Apache-2.0
# numbers.py FILE LAST: lines of `fairway logs -o json` are the numbers from 1 to LAST, none twice, none out of order. Where some
# are missing, fairway said so there: in between, or by the time of the line that comes next (a rotation that is noticed later).
import json, sys
said = [json.loads(line) for line in open(sys.argv[1])]
last = int(sys.argv[2])
told = {d["time"] for d in said if "missing" in d.get("gap", "")}
before, is_said, missing, wrong, seen = 0, False, 0, [], 0
for d in said:
    if "missing" in d.get("gap", ""):
        is_said = True
    if not d.get("text", "").isdigit():
        continue
    n = int(d["text"])
    seen += 1
    if n != before + 1:
        if n <= before or not (is_said or d["time"] in told):
            wrong.append((before, n, d["time"]))
        missing += max(0, n - before - 1)
    before, is_said = max(n, before), False
print(seen, "lines,", missing, "missing and said,", len([d for d in said if "gap" in d]), "sentences")
print("wrong:", wrong[:10], "last:", before)
print("sentences:", [d["gap"] for d in said if "gap" in d][:40])
sys.exit(0 if not wrong and before == last and seen > last * 0.9 else 1)
