/** Any text as part of the name of a file. */
export function fileWord(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9._-]+/g, '_').replace(/^[._-]+/, '') || 'x';
}
