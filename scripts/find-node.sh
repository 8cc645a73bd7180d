#!/bin/sh
# Prints the path of a Node of version 24 or newer.
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
for candidate in "$root"/node_modules/node-*/bin/node "$root"/tools/node24/node_modules/node-*/bin/node; do
  if [ -x "$candidate" ]; then echo "$candidate"; exit 0; fi
done
if command -v node >/dev/null 2>&1 && node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 24 ? 0 : 1)'; then
  command -v node
  exit 0
fi
echo "Cannot find Node 24: neither this machine nor node_modules has one. Run: npm ci" >&2
exit 1
