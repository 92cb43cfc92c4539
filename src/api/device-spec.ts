import { z } from 'zod';
import { plainWord, sizeText } from './spec-words.ts';

/** What stands in `spec.disks`, `spec.nics` and `spec.pci` of a VM document. */

export const diskSpec = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,19}$/, 'must be a short lower-case word')
    .meta({ description: 'Name of the disk within its VM', examples: ['root', 'data'] }),
  image: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'must be the name of an image')
    .optional()
    .meta({
      description: 'Volume of the host’s image pool that it is made from; left out: an empty disk',
      examples: ['debian-12.qcow2'],
    }),
  size: sizeText
    .optional()
    .describe('Its size with a binary unit; left out: as large as its image'),
  device: z.enum(['disk', 'cdrom']).default('disk').describe('What the guest sees'),
  bus: z
    .enum(['virtio', 'scsi', 'sata'])
    .optional()
    .describe('How it is attached; left out: virtio, and sata for a cdrom'),
  cache: z
    .enum(['none', 'writeback', 'writethrough', 'directsync', 'unsafe'])
    .default('none')
    .describe('How QEMU caches it, in the words of libvirt'),
});

export const nicSpec = z.strictObject({
  user: z.literal(true).optional().describe('On the user-mode network of QEMU'),
  network: plainWord
    .optional()
    .meta({ description: 'On this network of libvirt', examples: ['default'] }),
  bridge: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,15}$/, 'must be the name of a bridge')
    .optional()
    .meta({ description: 'On this bridge of the host', examples: ['br0'] }),
  model: z
    .enum(['virtio', 'e1000e', 'e1000', 'rtl8139'])
    .default('virtio')
    .describe('The device that the guest sees'),
  mac: z
    .string()
    .regex(/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/, 'must be a unicast MAC in lower case')
    .optional()
    .meta({
      description: 'Its address; left out: libvirt makes one',
      examples: ['52:54:00:12:34:56'],
    }),
});

const pciNumber = z
  .string()
  .regex(/^0x[0-9a-f]{4}$/, 'must be a number such as 0x8086')
  .meta({ examples: ['0x8086'] });

export const pciSpec = z.strictObject({
  pool: plainWord.optional().describe('A pool of functions that hosts have'),
  match: z
    .strictObject({
      vendor: pciNumber.describe('Vendor of the function'),
      device: pciNumber.describe('Device of the vendor'),
      class: z
        .string()
        .regex(/^0x[0-9a-f]{6}$/, 'must be a class code such as 0x020000')
        .optional()
        .meta({ description: 'Class of the function', examples: ['0x020000'] }),
    })
    .transform(({ vendor, device, class: kind }) => ({
      vendor,
      device,
      ...(kind === undefined ? {} : { class: kind }),
    }))
    .optional()
    .describe('Functions of a kind, wherever they are'),
  count: z.number().int().min(1).max(64).default(1).describe('How many of them'),
  locality: z
    .enum(['required', 'preferred', 'any'])
    .default('preferred')
    .describe('Whether they must, should or need not be on the host cells of the VM'),
});
