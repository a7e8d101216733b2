"""Reads analytics documents over HTTP and uses only what may be believed now. Standard library only.

    python3 docs/signal_reader.py SPY http://127.0.0.1:8004
"""
import json
import sys
import time
import urllib.error
import urllib.request

HEARTBEAT_MS = 3_000


def fetch(url):
    """The document, or None with whoever answers 404 or does not answer."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return json.load(answer)
    except (urllib.error.URLError, TimeoutError, ValueError):
        return None


def current(document, now_ms):
    """(document, None) where it may be believed at this instant, else (None, why)."""
    if document is None:
        return None, "no document"
    meta = document["meta"]
    if meta["status"] != "ok":
        return None, f"{meta['status']}: {meta.get('reason')}"
    if (meta.get("valid_until_ms") or now_ms) < now_ms:
        return None, "over"
    return document, None


def main(symbol, base):
    while True:
        now = int(time.time() * 1000)
        beat = fetch(f"{base}/heartbeat")
        if beat is None or now - beat["ts"] > HEARTBEAT_MS:
            print("no signal: the engine does not beat")
        else:
            for name, field in (("gex", "gex_usd_per_1pct"), ("vpin", "value")):
                document, why = current(fetch(f"{base}/analytics/{symbol}/{name}"), now)
                print(symbol, name, document[field] if document else f"– ({why})", flush=True)
        time.sleep(0.5)


if __name__ == "__main__":
    main(*sys.argv[1:3])
