import { berthError, isBerthError } from '../base/errors.ts';
import { jsonFault } from '../base/json-fault.ts';

/**
 * Reads a JSON file and checks it: what the check finds wrong gets the file's name before its path.
 * @throws BERTH_SPEC_INVALID with line and column where the text is not JSON.
 */
export function parseJsonFile<T>(text: string, where: string, check: (value: unknown) => T): T {
  const value = parseJson(text, where);
  try {
    return check(value);
  } catch (error) {
    if (!isBerthError(error, 'BERTH_SPEC_INVALID')) throw error;
    const { data } = error;
    throw berthError('BERTH_SPEC_INVALID', {
      ...data,
      where,
      problem: `${data.where}: ${data.problem}`,
    });
  }
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const lines = text.slice(0, jsonFault(text)).split('\n');
    const line = lines.length;
    const column = (lines.at(-1)?.length ?? 0) + 1;
    throw berthError('BERTH_SPEC_INVALID', {
      where,
      line,
      column,
      problem: 'it is not JSON',
      expected: 'one JSON document',
    });
  }
}
