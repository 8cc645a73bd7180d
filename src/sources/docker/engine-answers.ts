/** What is read of the engine's answers. Everything else in them is left alone. */
import { z } from 'zod';

const labels = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {});

export const versionSchema = z.object({ Version: z.string(), ApiVersion: z.string() });

export const infoSchema = z.object({ SystemTime: z.iso.datetime({ offset: true }) });

export const createdSchema = z.object({ Id: z.string().min(1) });

export const execSchema = z.object({ Running: z.boolean(), ExitCode: z.number().int().nullable() });

export const containerListSchema = z.array(
  z.object({ Id: z.string().min(1), Names: z.array(z.string()).nullish(), State: z.string(), Labels: labels }),
);
export type ListedContainer = z.infer<typeof containerListSchema>[number];

export const volumeSchema = z.object({ Name: z.string(), Mountpoint: z.string(), Driver: z.string(), Labels: labels, Options: labels });

export const volumeListSchema = z.object({ Volumes: z.array(volumeSchema).nullish() });

export const inspectionSchema = z.object({
  Id: z.string().min(1),
  Image: z.string().default(''),
  RestartCount: z.number().default(0),
  Name: z.string(),
  State: z.object({
    Status: z.string(),
    Running: z.boolean(),
    Health: z.object({ Status: z.string() }).nullish(),
    ExitCode: z.number().int().nullish(),
    FinishedAt: z.string().nullish(),
    Pid: z.number().int().nullish(),
  }),
  Config: z.object({ Image: z.string(), Tty: z.boolean(), Labels: labels, Env: z.array(z.string()).nullish() }),
  HostConfig: z.object({ AutoRemove: z.boolean().nullish(), NetworkMode: z.string().nullish() }),
  Mounts: z
    .array(z.object({ Type: z.string(), Name: z.string().optional(), Source: z.string().default(''), Destination: z.string() }))
    .nullish(),
  NetworkSettings: z.object({
    Ports: z.record(z.string(), z.array(z.object({ HostIp: z.string().nullish(), HostPort: z.string() })).nullish()).nullish(),
    Networks: z.record(z.string(), z.object({ IPAddress: z.string().nullish(), GlobalIPv6Address: z.string().nullish() })).nullish(),
  }),
});
export type Inspection = z.infer<typeof inspectionSchema>;
