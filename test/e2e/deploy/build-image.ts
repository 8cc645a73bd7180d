/** The image of holdfast, built by the Dockerfile that people use; the base is made here, since the tests' engine can pull nothing. */
import { projectRoot, runProgram } from '../../../scripts/run-program.ts';
import type { TestDocker } from '../../harness/docker/docker.ts';
import { makeNodeImage } from '../../harness/docker/node-image.ts';

/** Its name. Needs Debian's mirror and npm, as the build does for anybody. Throws with the end of what the build said. */
export async function buildImage(docker: TestDocker): Promise<string> {
  const name = 'holdfast-test/holdfast';
  const base = await makeNodeImage(docker);
  // The PostgreSQL project's packages are left out: of Debian's versions there is one, and that is enough here.
  const options = { BASE: base, POSTGRESQL_REPOSITORY: '' };
  const { status, output } = await runProgram(
    'docker',
    [
      'build',
      '--network=host',
      ...Object.entries(options).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]),
      '--file=deploy/container/Dockerfile',
      `--tag=${name}`,
      '.',
    ],
    // Of the two builders, the one that every engine has.
    { cwd: projectRoot, env: { ...docker.environment, DOCKER_BUILDKIT: '0' } },
  );
  if (status !== 0) throw new Error(`The image cannot be built:\n${output.slice(-8000)}`);
  return name;
}
