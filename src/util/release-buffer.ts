/**
 * Frees the memory behind a buffer that native code has just made, now instead of at the next garbage collection.
 * Without it a fast loop holds tens of megabytes of dead ciphertext. The buffer must not be used afterwards.
 */
export function releaseBuffer(buffer: Uint8Array): void {
  const memory = buffer.buffer;
  // A small buffer may be a slice of Node's shared pool: only one that owns its memory whole is released.
  if (memory instanceof ArrayBuffer && memory.byteLength === buffer.length && buffer.length > 0) memory.transfer(0);
}
