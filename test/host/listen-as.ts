import { createServer } from 'node:net';

/** Listens on a socket (argument 2) in a process by a name (argument 1), until its input ends. */
const [name = '', socket = ''] = process.argv.slice(2);
process.title = name;
createServer().listen(socket, () => console.log('listening'));
process.stdin.on('end', () => process.exit()).resume();
