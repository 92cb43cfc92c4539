import { readBasics, type DeviceBasics } from './device-address.ts';
import type { XmlElement } from './element.ts';
import {
  bytesAttribute,
  flagAttribute,
  integerAttribute,
  signedIntegerAttribute,
} from './value.ts';

/** A `<serial>`, `<console>` or `<channel>`. */
export interface DomainConsole extends DeviceBasics {
  /** pty, unix, tcp, file, spicevmc ... */
  readonly type: string;
  /** The pseudo terminal or socket on the host; of a running domain. */
  readonly sourcePath: string | undefined;
  readonly targetType: string | undefined;
  readonly targetPort: number | undefined;
  /** What the guest finds a channel by, such as `org.qemu.guest_agent.0`. */
  readonly targetName: string | undefined;
  /** connected or disconnected: whether the guest listens; of a running domain's channel. */
  readonly targetState: string | undefined;
}

/** A `<graphics>`: a screen that can be looked at from elsewhere. */
export interface DomainGraphics {
  /** vnc, spice, sdl, rdp, egl-headless, dbus ... */
  readonly type: string | undefined;
  /** -1 while libvirt is to choose it. */
  readonly port: number | undefined;
  readonly tlsPort: number | undefined;
  readonly websocketPort: number | undefined;
  readonly autoport: boolean | undefined;
  /** Addresses and networks; the path of a socket for listening on one. */
  readonly listens: readonly GraphicsListen[];
  readonly openGl: boolean | undefined;
}

/** A `<listen>`: where clients of a screen are waited for. */
export interface GraphicsListen {
  /** address, network, socket or none. */
  readonly type: string | undefined;
  readonly address: string | undefined;
  readonly network: string | undefined;
  readonly socket: string | undefined;
}

/** A `<video>`: a graphics card of the guest. */
export interface DomainVideo extends DeviceBasics {
  /** virtio, qxl, vga, bochs, cirrus, ramfb, none ... */
  readonly model: string | undefined;
  readonly heads: number | undefined;
  readonly primary: boolean | undefined;
  readonly vramBytes: number | undefined;
  readonly accel3d: boolean | undefined;
}

/** An `<input>`: a keyboard, a pointer, or a device of the host passed on as one. */
export interface DomainInput extends DeviceBasics {
  /** tablet, mouse, keyboard, passthrough, evdev ... */
  readonly type: string | undefined;
  readonly bus: string | undefined;
  readonly model: string | undefined;
}

/** A `<redirdev>`: a device of whoever looks at the screen. */
export interface DomainRedirection extends DeviceBasics {
  readonly bus: string | undefined;
  readonly type: string | undefined;
}

/** A `<filesystem>`: a folder of the host in the guest. */
export interface DomainFilesystem extends DeviceBasics {
  /** mount for a folder; also template, file, block, ram, bind, volume. */
  readonly type: string;
  /** passthrough, mapped or squash; of 9p. */
  readonly accessMode: string | undefined;
  /** virtiofs, path (9p) ... */
  readonly driver: string | undefined;
  /** The folder on the host. */
  readonly source: string | undefined;
  /** The socket of a virtiofsd that somebody else runs. */
  readonly socket: string | undefined;
  /** The tag that the guest mounts it by. */
  readonly target: string | undefined;
  readonly readonly: boolean;
}

/** What a person, an agent or a share reaches the guest by. */
export interface DomainScreens {
  readonly serials: readonly DomainConsole[];
  readonly consoles: readonly DomainConsole[];
  readonly channels: readonly DomainConsole[];
  readonly graphics: readonly DomainGraphics[];
  readonly videos: readonly DomainVideo[];
  readonly inputs: readonly DomainInput[];
  readonly redirections: readonly DomainRedirection[];
  readonly filesystems: readonly DomainFilesystem[];
}

/**
 * Reads those of a domain.
 * @throws BERTH_SPEC_INVALID with line and column for a number that is none.
 */
export function readScreens(domain: XmlElement): DomainScreens {
  const all = (name: string): readonly XmlElement[] => domain.findAll(`devices/${name}`);
  return {
    serials: all('serial').map(readConsole),
    consoles: all('console').map(readConsole),
    channels: all('channel').map(readConsole),
    graphics: all('graphics').map(readGraphics),
    videos: all('video').map(readVideo),
    inputs: all('input').map((input) => ({
      type: input.attribute('type'),
      bus: input.attribute('bus'),
      model: input.attribute('model'),
      ...readBasics(input),
    })),
    redirections: all('redirdev').map((redirection) => ({
      bus: redirection.attribute('bus'),
      type: redirection.attribute('type'),
      ...readBasics(redirection),
    })),
    filesystems: all('filesystem').map(readFilesystem),
  };
}

function readConsole(device: XmlElement): DomainConsole {
  const target = device.child('target');
  return {
    type: device.attribute('type') ?? 'pty',
    sourcePath: device.child('source')?.attribute('path') ?? device.attribute('tty'),
    targetType: target?.attribute('type'),
    targetPort: integerAttribute(target, 'port'),
    targetName: target?.attribute('name'),
    targetState: target?.attribute('state'),
    ...readBasics(device),
  };
}

function readGraphics(graphics: XmlElement): DomainGraphics {
  const gl = graphics.child('gl');
  return {
    type: graphics.attribute('type'),
    port: signedIntegerAttribute(graphics, 'port'),
    tlsPort: signedIntegerAttribute(graphics, 'tlsPort'),
    websocketPort: signedIntegerAttribute(graphics, 'websocket'),
    autoport: flagAttribute(graphics, 'autoport'),
    listens: readListens(graphics),
    openGl: flagAttribute(gl, 'enable'),
  };
}

/** Where there is no `<listen>` a person may have written the address as an attribute. */
function readListens(graphics: XmlElement): readonly GraphicsListen[] {
  const listens = graphics.childrenNamed('listen').map((listen) => ({
    type: listen.attribute('type'),
    address: listen.attribute('address'),
    network: listen.attribute('network'),
    socket: listen.attribute('socket'),
  }));
  const address = graphics.attribute('listen');
  if (listens.length > 0 || address === undefined) return listens;
  return [{ type: 'address', address, network: undefined, socket: undefined }];
}

function readVideo(video: XmlElement): DomainVideo {
  const model = video.child('model');
  return {
    model: model?.attribute('type'),
    heads: integerAttribute(model, 'heads'),
    primary: flagAttribute(model, 'primary'),
    vramBytes: bytesAttribute(model, 'vram'),
    accel3d: flagAttribute(model?.child('acceleration'), 'accel3d'),
    ...readBasics(video),
  };
}

function readFilesystem(filesystem: XmlElement): DomainFilesystem {
  const source = filesystem.child('source');
  const names = ['dir', 'name', 'file', 'dev', 'volume'];
  return {
    type: filesystem.attribute('type') ?? 'mount',
    accessMode: filesystem.attribute('accessmode'),
    driver: filesystem.child('driver')?.attribute('type'),
    source: names.map((name) => source?.attribute(name)).find(Boolean),
    socket: source?.attribute('socket'),
    target: filesystem.child('target')?.attribute('dir'),
    readonly: filesystem.child('readonly') !== undefined,
    ...readBasics(filesystem),
  };
}
