const NAME = 'x-amzn-trace-id';
const LINKING = /^(?:Root|Parent|Sampled)=/;

/**
 * What makes a call a part of the trace of the invocation that makes it. Lambda writes the trace into the environment
 * before each invocation: `Root=1-…;Parent=…;Sampled=1;Lineage=…`.
 *
 * Without `Lineage`: by it Lambda counts how often an event came back to a function, and stops a chain at 16. Ours may
 * be longer, such as copies that go on in the next invocation, and they end by themselves: every hop needs a claim, each
 * is counted where it gets no further, and every wait has its limit. Stopped, the work would lie until `reconcile` comes.
 *
 * Nothing where this invocation is not traced: that it is not would be the answer for everything it starts. `reconcile`
 * never is.
 */
export function traceHeader(trace = process.env._X_AMZN_TRACE_ID): Readonly<Record<string, string>> {
  const parts = trace?.split(';').filter((part) => LINKING.test(part)) ?? [];
  return parts.includes('Sampled=1') ? { [NAME]: parts.join(';') } : {};
}
