/** An authority, and a certificate of it for this machine. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export interface CertificateFiles {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** @param folder is there already */
export function makeCertificate(folder: string): CertificateFiles {
  const script = `
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=authority -keyout ca-key.pem -out ca.pem
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=mail -keyout key.pem -out request.pem
    echo subjectAltName=IP:127.0.0.1,DNS:localhost >extensions
    openssl x509 -req -days 2 -in request.pem -CA ca.pem -CAkey ca-key.pem -CAcreateserial -extfile extensions -out cert.pem`;
  const done = spawnSync('sh', ['-ec', script], { cwd: folder, encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`Cannot make a certificate: ${done.stderr}`);
  return { authority: join(folder, 'ca.pem'), certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
}
