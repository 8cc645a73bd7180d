import { publicAddress } from '../../storage/restic-address.ts';

/** An address without the password that it may hold. What is wrong with one that cannot be understood is told when it is opened. */
export function shownAddress(url: string): string {
  try {
    return publicAddress(url);
  } catch {
    return url.replace(/\/\/[^/@]*@/, '//***@');
  }
}
