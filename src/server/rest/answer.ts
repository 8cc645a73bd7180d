import type { ServerResponse } from 'node:http';

/** Answers with a status and a line of text. */
export function answer(response: ServerResponse, status: number, text = ''): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const body = text === '' ? '' : `${text}\n`;
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}
