import { berthError } from '../../base/errors.ts';

/** The coded error for what a file of this machine failed with; what is none is given back as it is. */
export function localFileError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !('errno' in error && 'code' in error)) return error;
  const cause = { cause: error };
  switch (error.code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return berthError(
        'BERTH_NOT_FOUND',
        { kind: 'file or folder', name: path, known: [] },
        cause,
      );
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return berthError(
        'BERTH_PERMISSION',
        { what: path, reason: error.message, remedy: 'choose another path, or ask its owner' },
        cause,
      );
    case 'ENOSPC':
    case 'EDQUOT':
      return berthError('BERTH_DISK_FULL', { what: 'a volume', path }, cause);
    default:
      return berthError('BERTH_FILE', { path, reason: error.message }, cause);
  }
}
