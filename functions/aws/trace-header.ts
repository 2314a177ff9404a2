const NAME = 'x-amzn-trace-id';
const LINKING = /^(?:Root|Parent|Sampled)=/;

/**
 * Returns the header that adds a call to the trace of the current invocation. Before each invocation Lambda writes the
 * trace into the environment: `Root=1-…;Parent=…;Sampled=1;Lineage=…`.
 *
 * The header omits `Lineage`, with which Lambda detects recursion and stops a chain of invocations at 16. Chains here
 * may be longer, for example when each invocation continues a copy. They always end: every hop needs a claim, hops
 * without progress are counted, and every wait has a limit. A stopped chain would leave the work until `reconcile` runs.
 *
 * Returns no header if the current invocation is not traced, as `reconcile` never is. Such a header would disable tracing
 * for every invocation that this one starts.
 */
export function traceHeader(trace = process.env._X_AMZN_TRACE_ID): Readonly<Record<string, string>> {
  const parts = trace?.split(';').filter((part) => LINKING.test(part)) ?? [];
  return parts.includes('Sampled=1') ? { [NAME]: parts.join(';') } : {};
}
