/** Passwords hashed with bcrypt, as `htpasswd -B` writes them. */
import { compare } from 'bcryptjs';

const form = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
/* Each step doubles the time: 15 takes seconds. */
const highestCost = 15;

/** True for a hash that `verifyBcrypt` can compare with. */
export function isBcrypt(hash: string): boolean {
  const cost = Number(form.exec(hash)?.[1]);
  return cost >= 4 && cost <= highestCost;
}

/** Whether a password belongs to a hash. Yields to others while it computes. */
export async function verifyBcrypt(password: string, hash: string): Promise<boolean> {
  return isBcrypt(hash) && compare(password, hash);
}
