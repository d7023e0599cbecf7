# SPDX-License-Identifier: Apache-2.0
"""swell: the customers. Browses, orders, searches and signs in, steadily.

It has no port: what it sees is in its log, a summary every 10 s.
"""

import os
import random
import signal
import threading
import time

from service_kit import STOP_SIGNALS, HttpError, Upstream, log, log_sometimes

SUMMARY_EVERY = 10      # seconds
ENVIRONMENT = os.environ.get("FAIRWAY_ENVIRONMENT", "dev")

# Requests a second to each service.
RATES = {"gateway": 0.6, "search": 0.25, "users": 0.15}
RATES_IN_PROD = {"gateway": 5.0, "search": 2.0, "users": 1.0}

# How many of 100 orders pay in which currency. Only the real shop sells to
# Japan and Korea.
CURRENCIES = {"EUR": 60, "USD": 30, "GBP": 10}
CURRENCIES_IN_PROD = {"EUR": 30, "USD": 25, "GBP": 10, "JPY": 25, "KRW": 10}

PRODUCTS = ("mug", "poster", "lantern")
QUERIES = ("harbour", "brass+ship", "strong+rope", "compass", "submarine")
NAMES = ("ada", "grace", "mary", "katherine", "radia")


def shop(currencies):
    """Two in three customers who look at something buy it."""
    product = random.choice(PRODUCTS)
    if random.random() < 1 / 3:
        return "GET", "/products/" + product, None
    currency, = random.choices(list(currencies), currencies.values())
    return "POST", "/orders", {"product": product, "currency": currency}


def search():
    return "GET", "/search?q=" + random.choice(QUERIES), None


def sign_in():
    return "POST", "/sessions", {"name": random.choice(NAMES)}


class Crowd(threading.Thread):
    """The customers of one service: they come at its rate, irregularly."""

    def __init__(self, name, rate, action):
        super().__init__(daemon=True)
        self.upstream, self.action = Upstream(name), action
        self.pause = 1 / rate
        self.sent = self.failed = 0

    def run(self):
        due = time.monotonic()
        while True:
            due += self.pause * random.uniform(0.5, 1.5)
            time.sleep(max(0, due - time.monotonic()))
            due = max(due, time.monotonic() - 1)    # no rush after a stall
            self.visit(*self.action())

    def visit(self, method, path, body):
        request_id = os.urandom(6).hex()
        self.sent += 1
        try:
            self.upstream.call(method, path, body, request_id)
        except HttpError as error:
            self.failed += 1
            log_sometimes("warning", str(error), request_id=request_id,
                          path=path, **(body or {}))


def main():
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    is_prod = ENVIRONMENT == "prod"
    rates = RATES_IN_PROD if is_prod else RATES
    currencies = CURRENCIES_IN_PROD if is_prod else CURRENCIES
    crowds = [Crowd("gateway", rates["gateway"], lambda: shop(currencies)),
              Crowd("search", rates["search"], search),
              Crowd("users", rates["users"], sign_in)]
    log("info", "the shop is open", environment=ENVIRONMENT,
        to=[crowd.upstream.address() for crowd in crowds],
        per_second=sum(rates.values()))
    for crowd in crowds:
        crowd.start()
    while not signal.sigtimedwait(STOP_SIGNALS, SUMMARY_EVERY):
        log("info", "customers",
            **{crowd.upstream.name: crowd.sent for crowd in crowds},
            failed=sum(crowd.failed for crowd in crowds))
    log("info", "stopped")


if __name__ == "__main__":
    main()
