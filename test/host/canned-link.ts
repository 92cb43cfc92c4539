import { HostLink } from '../../src/host/host-link.ts';
import {
  ErrorCode,
  ErrorDomain,
  LibvirtError,
  parseUri,
  type CallProcedure,
  type Connection,
} from '../../src/libvirt/index.ts';

/** Answers by the name of the call: what it returns, or the words of libvirt's error. */
type Answers = Readonly<Record<string, object | string>>;

/** A way in to a host on another machine whose libvirt answers so, and to nothing else. */
export async function cannedLink(answers: Answers): Promise<HostLink> {
  const address = { name: 'canned', uri: 'qemu+tls://canned/system', environment: { uid: 0 } };
  return HostLink.over(address, cannedConnection(address.uri, answers), { deadlineMs: 1000 });
}

function cannedConnection(uri: string, answers: Answers): Connection {
  const refuse = async (): Promise<never> => {
    throw new Error('there are calls alone');
  };
  return {
    uri: parseUri(uri),
    libVersion: 9_000_000,
    closed: Promise.withResolvers<never>().promise,
    has: () => false,
    call: async <A, R>({ name }: CallProcedure<A, R>): Promise<R> => {
      const answer = answers[name] ?? 'this function is not supported by the connection driver';
      if (typeof answer === 'string') throw refusal(name, answer);
      return answer as R; // it is what the test says that the procedure returns
    },
    openStream: refuse,
    subscribe: refuse,
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}

function refusal(procedure: string, message: string): LibvirtError {
  const nothing = { dom: undefined, net: undefined, str1: undefined, str2: undefined };
  const { internalError: code } = ErrorCode;
  const error = { ...nothing, str3: undefined, code, domain: ErrorDomain.none, level: 2 };
  return new LibvirtError({ ...error, message, int1: 0, int2: 0 }, procedure);
}
