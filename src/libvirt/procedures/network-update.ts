/** Changes of one element of a network, live where it runs. */
import { present } from '../../base/assert.ts';
import { flags, i32, string, u32, type Codec } from '../xdr/codec.ts';
import { command } from '../rpc/procedure.ts';
import type { Wait } from '../rpc/wait.ts';
import type { Connection } from '../connection.ts';
import type { LastingConnection } from '../lasting/lasting-connection.ts';
import { ConnectFeature } from '../flags/connect-flags.ts';
import { network, type Network } from './objects.ts';

/**
 * The call itself, whose first two numbers old daemons read the other way round.
 *
 * @since 0.10.2
 */
const procedure = command(
  'networkUpdate',
  291,
  { net: network, command: u32, section: u32, parentIndex: i32, xml: string, flags },
  {},
);

/** One change of a network's element. */
export interface NetworkUpdate {
  readonly net: Network;
  /** A NetworkUpdateCommand. */
  readonly command: number;
  /** Which element, a NetworkSection. */
  readonly section: number;
  /** Which of several parents, such as the `<ip>` of a DHCP host, counted from 0; -1 lets libvirt find it. */
  readonly parentIndex: number;
  /** The element itself; for `delete` and `modify` whatever tells it apart from its like. */
  readonly xml: string;
  /** NetworkUpdateFlag. */
  readonly flags?: number | undefined;
}

/**
 * Adds, changes or deletes one element of a network: a DHCP host, a DNS record, a port group. What
 * a section does not allow is refused with code 84 and leaves the network as it was.
 *
 * Daemons before 7.2, if nobody mended them, read command and section the other way round. They say
 * so by lacking `ConnectFeature.networkUpdateOrder`; this call sends each what it understands.
 *
 * @since 0.10.2
 */
export async function networkUpdate(
  connection: Pick<Connection, 'call'> & Pick<LastingConnection, 'has'>,
  update: NetworkUpdate,
  wait: Wait,
): Promise<void> {
  const { read, write } = procedure.args;
  const args: Codec<NetworkUpdate> = {
    read,
    // A lasting connection knows only now, as the call leaves, which daemon it goes to.
    write: (writer, { command, section, ...rest }) => {
      const isOrdered = present(
        connection.has(ConnectFeature.networkUpdateOrder),
        'the connection',
      );
      const [first, second] = isOrdered ? [command, section] : [section, command];
      write(writer, { ...rest, command: first, section: second });
    },
  };
  await connection.call({ ...procedure, args }, update, wait);
}
