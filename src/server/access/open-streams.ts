import type { Socket } from 'node:net';

/** Consoles and event streams that are open by tokens, so that they end with these. */
export class OpenStreams {
  readonly #byToken = new Map<string, Set<Socket>>();

  follow(tokenId: string, socket: Socket): void {
    const sockets = this.#byToken.get(tokenId) ?? new Set();
    this.#byToken.set(tokenId, sockets.add(socket));
    socket.once('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0 && this.#byToken.get(tokenId) === sockets) {
        this.#byToken.delete(tokenId);
      }
    });
  }

  /** Ends all that a token opened. */
  end(tokenId: string): void {
    for (const socket of this.#byToken.get(tokenId) ?? []) socket.destroy();
  }
}
