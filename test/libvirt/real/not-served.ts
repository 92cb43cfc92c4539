/**
 * Procedures that no test with a real daemon can call on the machines we have, and what is missing
 * there. Everything else that the client exports is called in a test of this folder; the page of
 * procedures is held to that.
 */
export const NOT_SERVED: Readonly<Record<string, string>> = {
  authPolkit: 'a polkit daemon with a rule; the daemons of the tests let root in without it',
  nodeSuspendForDuration: 'a machine that may be suspended and wakes up by itself',
};
