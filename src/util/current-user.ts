import { userInfo } from 'node:os';

export interface CurrentUser {
  readonly uid: number;
  readonly gid: number;
  readonly username: string;
}

/** Who runs this process. In a container the user may have a number and no name: then the name is the number. */
export function currentUser(): CurrentUser {
  try {
    const { uid, gid, username } = userInfo();
    return { uid: Math.max(0, uid), gid: Math.max(0, gid), username };
  } catch {
    const uid = process.getuid?.() ?? 0;
    return { uid, gid: process.getgid?.() ?? 0, username: String(uid) };
  }
}
