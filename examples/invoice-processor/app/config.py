"""Settings of this installation that are no secrets."""

CURRENCY = "EUR"
PAGE_SIZE = 50
VAT_RATES = {"standard": "0.19", "reduced": "0.07", "none": "0"}
CACHE = "/cache"
