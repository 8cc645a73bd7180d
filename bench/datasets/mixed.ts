/** What a web application's folders hold: code, JSON, images, documents, logs, a few very large files, copies of some of it. */
import type { PlannedFile } from './contents.ts';
import { Random } from './random.ts';

const seed = 'holdfast bench mixed 1';

/** The files of the data set; `scale` 1 is about 1.6 GB in about 27 000 files. */
export function planMixed(scale: number): PlannedFile[] {
  const times = (count: number): number => Math.max(1, Math.round(count * scale));
  const random = new Random(seed);
  const texts = [
    ...several(times(9_000), (n) => file(`app/src/module-${n % 60}/part-${n % 7}/unit-${n}.ts`, 'code', random.logBetween(600, 30_000))),
    ...several(times(7_000), (n) => file(`data/records/${n % 97}/record-${n}.json`, 'json', random.logBetween(400, 60_000))),
    ...several(times(4_000), (n) => file(`content/pages/${n % 50}/page-${n}.md`, 'prose', random.logBetween(800, 50_000))),
  ];
  const images = several(times(2_000), (n) => file(`uploads/2025/${n % 12}/photo-${n}.jpg`, 'noise', random.logBetween(40_000, 600_000)));
  const documents = several(times(300), (n) =>
    file(`uploads/documents/${n % 20}/invoice-${n}.pdf`, 'document', random.logBetween(100_000, 1_500_000)),
  );
  const logs = several(times(12), (n) => file(`logs/access-${n}.log`, 'log', Math.round(18_000_000 * Math.min(1, scale * 12))));
  const large = [
    file('uploads/video/introduction.mp4', 'noise', times(200_000_000)),
    file('backups/export.json', 'json', times(130_000_000)),
    file('data/search.index', 'document', times(120_000_000)),
  ];
  return [
    ...texts,
    ...images,
    ...documents,
    ...logs,
    ...large,
    ...copies('uploads/thumbnails-old', images, 5),
    ...copies('releases/previous', texts, 3),
  ];
}

function several(count: number, make: (number: number) => PlannedFile): PlannedFile[] {
  return Array.from({ length: count }, (_, number) => make(number));
}

function file(path: string, kind: PlannedFile['kind'], size: number): PlannedFile {
  return { path, kind, size, seed: `${seed} ${path}` };
}

/** Every `step`-th file once more, the same bytes under another name. */
function copies(folder: string, files: readonly PlannedFile[], step: number): PlannedFile[] {
  return files.filter((_, number) => number % step === 0).map((original) => ({ ...original, path: `${folder}/${original.path}` }));
}
