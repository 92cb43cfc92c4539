import { localWay } from '../../src/host/file-view.ts';

/** Prints what `localWay` makes of a socket (argument 1) whose host has a name (argument 2). */
const [socket = '', name = ''] = process.argv.slice(2);
console.log(JSON.stringify(await localWay([socket], async () => name)));
