/** A blob worker: hash → known? → compress → seal → verify → pack, for one blob after the other, until there are no more. */
import { JobTaker } from './job-queue.ts';
import { BlobClaimer } from './pack-writer.ts';
import { mainPort, serveRuns, startThread, type ThreadStart } from './thread-start.ts';

serveRuns((start: ThreadStart) => {
  const { index, sealer, writer } = startThread(start, 'data');
  const claimer = new BlobClaimer(index);
  new JobTaker(start.shared).run((address, length) => {
    const entry = claimer.claim(sealer.bytes.subarray(address, address + length), 'data');
    if (entry >= 0 && !start.dryRun) writer.add(entry, claimer.hash, address, length);
    else if (entry >= 0) {
      writer.totals.blobs += 1;
      writer.totals.plain += length;
    }
    return claimer.hash;
  });
  writer.finish();
  mainPort().postMessage({ type: 'blobs', totals: writer.totals });
});
