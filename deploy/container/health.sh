#!/bin/sh
# Whether the daemon in this container answers. HOLDFAST_HEALTH_URL says where, unless it is the usual address.
exec node -e '
  const url = process.env.HOLDFAST_HEALTH_URL || "http://127.0.0.1:7930/health";
  const end = (text, status) => { console.log(`${url}: ${text}`); process.exit(status); };
  fetch(url, { signal: AbortSignal.timeout(4000) })
    .then((answer) => end(answer.status, answer.ok ? 0 : 1))
    .catch((error) => end(error.cause?.message || error.message, 1));
'
