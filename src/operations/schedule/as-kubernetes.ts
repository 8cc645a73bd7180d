/** The schedule as CronJobs of Kubernetes. */
import { basename } from 'node:path';
import { stringify } from 'yaml';
import { cronOf, type OuterJob, type OuterSchedule } from './outer-schedule.ts';

export interface KubernetesChoice {
  readonly image: string;
  /** Where the configuration lies in the container. */
  readonly configFolder: string;
  /** Whose hours are meant where a job does not say; that of the cluster's controller is anybody's guess. */
  readonly timezone: string;
}

const stateFolder = '/var/lib/holdfast';
const secretsFolder = '/run/secrets/holdfast';
const userId = 10_001;

/** Several documents in one: a claim for the state, and a CronJob for each job. */
export function asKubernetes(schedule: OuterSchedule, choice: KubernetesChoice): string {
  const { slug, file } = schedule;
  const documents = [claimOf(slug), ...schedule.jobs.map((job) => cronJobOf(schedule, job, choice))];
  const head = `# Needs the configuration and the password of the repository, which are not in here:
#   kubectl create configmap ${slug} --from-file=${basename(file)}
#   kubectl create secret generic ${slug} --from-file=password=FILE
# Other secrets that the configuration names as files go into the same one; they lie in ${secretsFolder}.
# Credentials of a store go into a secret of their own, by their names:
#   kubectl create secret generic ${slug}-store --from-literal=AWS_ACCESS_KEY_ID=… --from-literal=AWS_SECRET_ACCESS_KEY=…
`;
  return `${head}${documents.map((document) => stringify(document, { lineWidth: 0 })).join('---\n')}`;
}

function claimOf(slug: string): object {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: `${slug}-state`, labels: labelsOf(slug) },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  };
}

function cronJobOf(schedule: OuterSchedule, job: OuterJob, choice: KubernetesChoice): object {
  const { slug } = schedule;
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: nameOf(schedule, job), labels: labelsOf(slug) },
    spec: {
      schedule: cronOf(job),
      timeZone: job.timezone ?? choice.timezone,
      concurrencyPolicy: 'Forbid',
      startingDeadlineSeconds: job.catchUp ? 86_400 : 300,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 3,
      jobTemplate: {
        spec: {
          backoffLimit: 2,
          activeDeadlineSeconds: 86_400,
          template: { metadata: { labels: labelsOf(slug) }, spec: podOf(schedule, job, choice) },
        },
      },
    },
  };
}

function podOf({ slug, file }: OuterSchedule, job: OuterJob, { image, configFolder }: KubernetesChoice): object {
  const words = job.words.map((word) => (word === file ? `${configFolder}/${basename(file)}` : word));
  const wait = Math.round(job.delayMs / 1000);
  return {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: userId,
      runAsGroup: userId,
      fsGroup: userId,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [
      {
        name: 'holdfast',
        image,
        ...(wait > 0 ? { command: ['sh', '-c', `sleep ${wait}; exec holdfast "$@"`, 'sh'] } : {}),
        args: words,
        env: [
          { name: 'HOLDFAST_TRIGGER', value: 'schedule' },
          { name: 'HOLDFAST_JOB', value: job.id },
          { name: 'HOLDFAST_STATE', value: stateFolder },
          { name: 'HOLDFAST_PASSWORD_FILE', value: `${secretsFolder}/password` },
        ],
        envFrom: [{ secretRef: { name: `${slug}-store`, optional: true } }],
        resources: { requests: { cpu: '100m', memory: '256Mi' }, limits: { cpu: '2000m', memory: '1Gi' } },
        securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
        volumeMounts: [
          { name: 'config', mountPath: configFolder, readOnly: true },
          { name: 'secrets', mountPath: secretsFolder, readOnly: true },
          { name: 'state', mountPath: stateFolder },
          { name: 'tmp', mountPath: '/tmp' },
        ],
      },
    ],
    volumes: [
      { name: 'config', configMap: { name: slug } },
      { name: 'secrets', secret: { secretName: slug, defaultMode: 0o440 } },
      { name: 'state', persistentVolumeClaim: { claimName: `${slug}-state` } },
      { name: 'tmp', emptyDir: {} },
    ],
  };
}

/** At most 52 letters: Kubernetes adds to them. */
function nameOf({ slug }: OuterSchedule, job: OuterJob): string {
  const rest = 52 - slug.length - 1;
  return `${slug}-${job.slug.length <= rest ? job.slug : job.slug.slice(job.slug.length - rest).replace(/^-+/, '')}`;
}

function labelsOf(slug: string): Readonly<Record<string, string>> {
  return { 'app.kubernetes.io/name': 'holdfast', 'app.kubernetes.io/instance': slug };
}
