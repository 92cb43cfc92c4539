import { request } from 'node:http';

/** Asks a server for its figures, as Prometheus does. */
export async function scrape(
  socketPath: string,
  accept = 'text/plain',
): Promise<{ readonly text: string; readonly type: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ text: string; type: string }>();
  const call = request({ socketPath, path: '/metrics', headers: { accept } }, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    response.on('end', () => resolve({ text, type: response.headers['content-type'] ?? '' }));
  });
  call.on('error', reject).end();
  return promise;
}
