/** A program for tests: stops services as a backup does, says so, and waits to be killed. Arguments: state folder, project, services. */
import { connectDocker } from '../../../src/sources/docker/connect-docker.ts';
import { stopServices } from '../../../src/sources/docker/stop-services.ts';

const [stateFolder = '', project = '', ...services] = process.argv.slice(2);
const engine = await connectDocker({ environment: process.env });
await stopServices(engine, services, project, stateFolder, new AbortController().signal);
process.stdout.write('stopped\n');
setInterval(() => {}, 1000);
