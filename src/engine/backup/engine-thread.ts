/** The engine thread: walks and reads the source, cuts it into blobs for the workers, and writes the trees. */
import { assertRunning } from './job-queue.ts';
import { ContentChunker } from './content-chunker.ts';
import { FolderQueue } from './folder-queue.ts';
import { Mailbox } from './mailbox.ts';
import { BlobClaimer, type PackWriter } from './pack-writer.ts';
import { ParentTrees } from './parent-trees.ts';
import { StreamCollector } from './stream-collector.ts';
import { mainPort, serveRuns, startThread, type EngineResult, type EngineStart, type Statistics } from './thread-start.ts';
import { TreeWalker } from './tree-walker.ts';

// Until the main thread sends what to do the modules above are loaded.
serveRuns(runEngine);

function runEngine(start: EngineStart): void {
  const { index, sealer, writer } = startThread(start, 'tree');
  const port = mainPort();
  const counters = new Float64Array(start.shared.counters);
  const statistics: Statistics = {
    filesNew: 0,
    filesChanged: 0,
    filesUnmodified: 0,
    dirsNew: 0,
    dirsChanged: 0,
    dirsUnmodified: 0,
    bytes: 0,
  };
  const mailbox = new Mailbox(start.mailbox, start.shared);
  const chunker = new ContentChunker(start.shared, start.threads, sealer.kernels, start.polynomial, (wanted) =>
    port.postMessage({ type: 'workers', wanted }),
  );
  const claimer = new BlobClaimer(index);
  const folders = new FolderQueue((json) => writeTree(json, claimer, writer, start.dryRun));
  let root: string | undefined;
  let sawAttributes = true;
  const onRoot = (tree: string): void => void (root = tree);

  if (start.work.kind === 'tree') {
    const parents = new ParentTrees(start, index, mailbox);
    const walker = new TreeWalker(start.work.capture, {
      chunker,
      folders,
      parents,
      statistics,
      counters,
      withAtime: start.withAtime,
      reuseEntries: start.reuseEntries,
      hasBlob: (id) => index.has(id, 'data'),
      report: (path, reason) => port.postMessage({ type: 'problem', path, reason }),
      notice: (message) => port.postMessage({ type: 'notice', message }),
      assertRunning: () => assertRunning(start.shared),
    });
    walker.walk(start.parentTree, onRoot);
    sawAttributes = walker.seesAttributes;
    parents.close();
    chunker.finish();
  } else {
    const streams = new StreamCollector(mailbox, chunker, counters, statistics);
    streams.collect();
    chunker.finish();
    streams.writeFolders(folders, start.work.time, onRoot);
  }
  folders.writeReady();
  writer.finish();
  if (root === undefined) throw new Error('the root of the snapshot was not written');
  const result: EngineResult = { tree: root, trees: writer.totals, statistics, sawAttributes };
  port.postMessage({ type: 'engine', result });
  start.mailbox.close();
}

function writeTree(json: Buffer, claimer: BlobClaimer, writer: PackWriter, dryRun: boolean): string {
  const entry = claimer.claim(json, 'tree');
  if (entry >= 0 && !dryRun) writer.addBuffer(entry, claimer.hash, json);
  else if (entry >= 0) {
    writer.totals.blobs += 1;
    writer.totals.plain += json.length;
  }
  return Buffer.from(claimer.hash).toString('hex');
}
