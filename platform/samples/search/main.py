# SPDX-License-Identifier: Apache-2.0
"""search: finds products by the words of their descriptions."""

import re

from service_kit import App, HttpError, log_sometimes

RESULTS_MAX = 10
PRODUCTS = {
    "mug": "Enamel mug with the harbour chart, holds a strong coffee",
    "poster": "Poster of the old harbour, printed on heavy paper",
    "lantern": "Brass ship lantern, burns all night on one filling",
    "rope": "Ten metres of tarred rope, strong enough for a small ship",
    "compass": "Pocket compass in brass, never points to the office",
}


def words(text):
    return re.findall(r"[a-z]+", text.lower())


INDEX = {}      # word -> names of the products that have it
for name, description in PRODUCTS.items():
    for word in words(f"{name} {description}"):
        INDEX.setdefault(word, set()).add(name)

app = App()
searches = app.metric(
    "counter", "search_queries_total", "Searches, by what they found.",
    ("outcome",))


def find(query):
    """Names of products, those with most of the query's words first."""
    hits = {}
    for word in set(words(query)):
        for name in INDEX.get(word, ()):
            hits[name] = hits.get(name, 0) + 1
    return sorted(hits, key=lambda name: (-hits[name], name))[:RESULTS_MAX]


@app.route("GET", "/search")
def search(request):
    query = request.query.get("q", "")
    if not words(query):
        raise HttpError(400, "q has no word to search for")
    names = find(query)
    searches.add("found" if names else "empty")
    if not names:
        log_sometimes("info", "nothing found", request_id=request.id, q=query)
    return 200, {"results": [
        {"name": name, "description": PRODUCTS[name]} for name in names]}


if __name__ == "__main__":
    app.run()
