import { DatabaseError } from 'pg';

/** unique_violation (PostgreSQL manual, appendix A). */
const POSTGRES_CODE = '23505';
/** SQLITE_CONSTRAINT_PRIMARYKEY and SQLITE_CONSTRAINT_UNIQUE (sqlite.org/rescode). */
const SQLITE_CODES: readonly unknown[] = [1555, 2067];

/** True for the violation of a unique index, told by either database. */
export function isUniqueViolation(error: unknown): boolean {
  if (error instanceof DatabaseError) return error.code === POSTGRES_CODE;
  return error instanceof Error && 'errcode' in error && SQLITE_CODES.includes(error.errcode);
}
