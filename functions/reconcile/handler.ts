import type { Context } from 'aws-lambda';
import { invokeLater } from '../aws/invoke.ts';
import { readDeployment } from '../compose/deployment.ts';
import { noteChange } from '../events/note-change.ts';
import type { JsonObjects } from '../objects/json-object.ts';
import { PREFIX } from '../objects/prefix.ts';
import { beginInvocation, log } from '../runtime/log.ts';
import { ENV, readMaximumConcurrency, requireEnv } from '../settings.ts';
import { createAttemptNotesStore } from '../store/attempt-notes.ts';
import { createGate } from '../store/gate.ts';
import { createGenerationStore, type Overflow } from '../store/generation-store.ts';
import { reconcile } from './reconcile.ts';
import { createStepOver } from './step-over.ts';

const { table, durations, moment, clock } = readDeployment();

// It runs every minute, and nearly every time there is nothing to do: what only announcing needs is loaded then.
const lazily = async () => {
  const { createObjects } = await import('./objects.ts');
  return createObjects({ bucket: requireEnv(ENV.outputBucket), prefix: PREFIX.largeRequests });
};
const overflow: Overflow = {
  write: async (name, text) => (await lazily()).overflow.write(name, text),
  read: async (name) => (await lazily()).overflow.read(name),
};
const results: Pick<JsonObjects, 'update' | 'write'> = {
  write: async (ref, value, condition) => (await lazily()).json.write(ref, value, condition),
  update: async (ref, change) => (await lazily()).json.update(ref, change),
};
const generations = createGenerationStore(table, { overflow, onChange: noteChange });
const notes = createAttemptNotesStore(table);
// Half a minute at first, so that the next run looks again.
const stepOver = createStepOver({ first: durations.look / 2, longest: durations.lookMax });

export async function handler(_event: unknown, context: Context): Promise<void> {
  beginInvocation(context);
  const { announce } = await import('../events/announce.ts');
  const { createPutEvents } = await import('../events/put-events.ts');
  const done = await reconcile({
    generations,
    notes,
    gate: createGate({
      ...table,
      waiting: generations.waiting,
      durations,
      maximum: readMaximumConcurrency(process.env),
    }),
    submit: (id) => invokeLater(requireEnv(ENV.submitFunction), { submit: id }),
    collect: (id) => invokeLater(requireEnv(ENV.callbackFunction), { collect: id }),
    announce: (id) =>
      announce(
        {
          generations,
          notes: createAttemptNotesStore(table),
          putEvents: createPutEvents(requireEnv(ENV.eventBus)),
          results,
          inputBucket: requireEnv(ENV.inputBucket),
          outputBucket: requireEnv(ENV.outputBucket),
          resultsPrefix: PREFIX.results,
          durations,
          clock,
        },
        id,
      ),
    moment,
    remainingMs: () => context.getRemainingTimeInMillis(),
    stepOver,
  });
  if (done.due === 0 && !process.env[ENV.metricsNamespace]) return;
  // Every minute: what is missing tells that it does not run.
  const { waitingSince } = done;
  const waitingMs = waitingSince ? Date.parse(moment().now) - Date.parse(waitingSince) : 0;
  log.info(
    'Reconciled what was due',
    { ...done },
    waitingSince === undefined ? {} : { OldestWaitingAge: Math.max(0, waitingMs / 1_000) },
  );
}
