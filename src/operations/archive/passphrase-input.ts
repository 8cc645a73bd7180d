/** gpg reads a passphrase as the first line of stdin (--passphrase-fd=0), and what it works on behind it: neither an argument nor a file holds it. */
export async function* withPassphrase(passphrase: string, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from(`${passphrase}\n`, 'utf8');
  yield* bytes;
}
