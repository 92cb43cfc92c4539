import assert from 'node:assert/strict';
import { isBerthError, type ErrorCode } from '../src/base/errors.ts';
import { isLibvirtError } from '../src/libvirt/index.ts';

/** For `assert.rejects`: an error of Berth with that code, whose message matches. */
export function coded(code: ErrorCode, said = /./): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isBerthError(error, code), `${code}, not ${String(error)}`);
    assert.match(error.message, said);
    return true;
  };
}

/** For `assert.rejects`: an error of libvirt with that number. */
export function refusedWith(code: number): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isLibvirtError(error, code), `libvirt's ${code}, not ${String(error)}`);
    return true;
  };
}
