#!/bin/sh
# Runs a script under Node 24 or newer: the machine's own where it is new enough, else the one that npm brought.
# Installs the locked dependencies first where they are missing, so that every `npm run` works right after a clone.
set -e
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
if [ ! -f "$root/node_modules/.package-lock.json" ] || [ "$root/package-lock.json" -nt "$root/node_modules/.package-lock.json" ]; then
  (cd "$root" && npm ci --no-audit --no-fund --loglevel=error >&2 && touch node_modules/.package-lock.json)
fi
exec "$(sh "$root/scripts/find-node.sh")" --disable-warning=ExperimentalWarning "$root/$@"
