import type { Context } from 'aws-lambda';
import { invokeLater } from '../aws/invoke.ts';
import { readDeployment } from '../compose/deployment.ts';
import { createDeploymentGate } from '../compose/gate.ts';
import { createDeploymentGenerations } from '../compose/generations.ts';
import { createLazyAnnouncer } from '../compose/lazy-announcer.ts';
import { lazyJson, lazyOverflow } from '../compose/lazy-objects.ts';
import { beginInvocation, log } from '../runtime/log.ts';
import { ENV, requireEnv } from '../settings.ts';
import { createAttemptNotesStore } from '../store/attempt-notes.ts';
import { reconcile } from './reconcile.ts';
import { createStepOver } from './step-over.ts';

const deployment = readDeployment();
const { table, durations, moment } = deployment;

const generations = createDeploymentGenerations(deployment, lazyOverflow);
const notes = createAttemptNotesStore(table);
const announce = createLazyAnnouncer(deployment, { generations, notes, results: lazyJson });
// The first skip is half a minute, so that the next run looks again.
const stepOver = createStepOver({ first: durations.look / 2, longest: durations.lookMax });

export async function handler(_event: unknown, context: Context): Promise<void> {
  beginInvocation(context);
  const done = await reconcile({
    generations,
    notes,
    gate: createDeploymentGate(deployment, generations),
    submit: (id) => invokeLater(requireEnv(ENV.submitFunction), { submit: id }),
    collect: (id) => invokeLater(requireEnv(ENV.callbackFunction), { collect: id }),
    announce,
    moment,
    remainingMs: () => context.getRemainingTimeInMillis(),
    stepOver,
  });
  if (done.due === 0 && !process.env[ENV.metricsNamespace]) return;
  // Every run sends metrics. If they are missing, `reconcile` does not run.
  const { waitingSince } = done;
  const waitingMs = waitingSince ? Date.parse(moment().now) - Date.parse(waitingSince) : 0;
  log.info(
    'Reconciled what was due',
    { ...done },
    waitingSince === undefined ? {} : { OldestWaitingAge: Math.max(0, waitingMs / 1_000) },
  );
}
