/** Takes out of a text what must not be in a message. */
import type { Environment } from './application-tools.ts';

const secretName = /PASS(WORD|PHRASE|WD)?|SECRET|TOKEN|API_?KEY|PRIVATE|CREDENTIAL/i;
/** A shorter one is also in ordinary words: taking it out of those would tell what it is. */
const shortest = 6;

/** Replaces the values of variables that are named like secrets, and passwords inside URLs. */
export function maskSecrets(text: string, environment: Environment): string {
  let masked = text;
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && value.length >= shortest && secretName.test(name)) masked = masked.replaceAll(value, '***');
  }
  return maskUrls(masked);
}

/** `https://user:secret@host` as `https://user:***@host`. */
export function maskUrls(text: string): string {
  return text.replaceAll(/([a-z][a-z0-9+.-]*:\/\/[^\s:@/]*):[^\s@/]+@/gi, '$1:***@');
}
