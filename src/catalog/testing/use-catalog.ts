/** A process that uses a catalog: `FOLDER hang` begins a run and never ends it, `FOLDER N` makes N runs and counts them in a document. */
import { systemClock } from '../../util/clock.ts';
import { openCatalog } from '../catalog.ts';

const [folder = '', what = ''] = process.argv.slice(2);
const catalog = openCatalog(folder, systemClock);
if (what === 'hang') {
  catalog.beginRun({ kind: 'backup', trigger: 'schedule', job: 'hung' });
  process.stdout.write('begun\n');
  setInterval(() => {}, 60_000);
} else {
  for (let each = 0; each < Number(what); each++) {
    catalog.beginRun({ kind: 'check', trigger: 'person' }).end({ status: 'done', exit: 0 });
    catalog.alarms.transact(() => {
      const count = Number(catalog.alarms.list('counter')[0]?.text ?? 0);
      catalog.alarms.put('counter', { id: 'all', text: String(count + 1) });
    });
  }
  catalog.close();
}
