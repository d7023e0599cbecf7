# SPDX-License-Identifier: Apache-2.0
"""users: who is who, and who is signed in.

Sessions are kept in memory and end with the process.
"""

import os
from collections import OrderedDict

from service_kit import App, HttpError, log_sometimes

SESSIONS_KEPT = 1_000
USERS = {"ada": "Ada Byron", "grace": "Grace Hopper", "mary": "Mary Jackson",
         "katherine": "Katherine Johnson", "radia": "Radia Perlman"}

app = App()
sign_ins = app.metric(
    "counter", "users_sign_ins_total", "Attempts to sign in.", ("outcome",))
sessions = OrderedDict()    # token -> name, oldest first


@app.route("GET", "/users/{name}")
def show_user(request, name):
    if name not in USERS:
        raise HttpError(404, f"no user {name!r}")
    return 200, {"name": name, "full_name": USERS[name]}


@app.route("POST", "/sessions")
def sign_in(request):
    name = request.json().get("name")
    if not isinstance(name, str) or name not in USERS:
        sign_ins.add("refused")
        log_sometimes("warning", "sign-in refused", request_id=request.id)
        raise HttpError(403, "no such user")
    token = os.urandom(16).hex()
    sessions[token] = name
    if len(sessions) > SESSIONS_KEPT:
        sessions.popitem(last=False)
    sign_ins.add("signed in")
    log_sometimes("info", "signed in", request_id=request.id, name=name)
    return 201, {"token": token}


@app.route("GET", "/sessions/{token}")
def show_session(request, token):
    if token not in sessions:
        raise HttpError(404, "no such session")
    return 200, {"name": sessions[token]}


if __name__ == "__main__":
    app.run()
