import { randomUUID } from 'node:crypto';
import { invokeLater } from '../aws/invoke.ts';
import type { ParameterReader } from '../aws/parameters.ts';
import { createDeploymentAnnouncer } from '../compose/announcer.ts';
import type { Deployment } from '../compose/deployment.ts';
import { createDeploymentGate } from '../compose/gate.ts';
import { createDeploymentGenerations } from '../compose/generations.ts';
import { lazyJson, lazyOverflow } from '../compose/lazy-objects.ts';
import { createDeploymentWiro } from '../compose/wiro-client.ts';
import { createAskS3 } from '../objects/ask-s3.ts';
import { createHeadOutput } from '../objects/head-output.ts';
import { PREFIX } from '../objects/prefix.ts';
import { hasSecondProcessor } from '../objects/running-sha256.ts';
import { createOutputCopier } from '../outputs/copy-output.ts';
import { createOutputFetcher } from '../outputs/fetch-output.ts';
import { parseOutputHosts } from '../outputs/output-hosts.ts';
import { createPutBytes } from '../outputs/put-bytes.ts';
import { createSha256Thread } from '../outputs/sha256-thread.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import { ENV, readMaximumCollects, requireEnv, WIRO_DEFAULTS } from '../settings.ts';
import { createAttemptNotesStore } from '../store/attempt-notes.ts';
import { createCopiedNotes } from '../store/copied-notes.ts';
import { createCopyPlaces } from '../store/copy-places.ts';
import { createEarlierReads } from '../store/earlier-reads.ts';
import type { CollectDeps } from './collect-deps.ts';
import { collectGeneration } from './collect-generation.ts';
import { createStandingOutputs } from './standing-outputs.ts';

let built: Built | undefined;

type Built = Omit<CollectDeps, 'remainingMs' | 'collectNext' | 'isChained'>;

/** With a smaller share of its time left, an invocation leaves the next generation in line to another invocation. */
const SHARE_FOR_NEXT = 0.85;

/** Collects one generation, then every generation whose turn to copy has come. Builds its dependencies on first use. */
export async function collect(
  deployment: Deployment,
  parameters: ParameterReader,
  id: string,
  remainingMs: () => number,
): Promise<void> {
  built ??= build(deployment, parameters);
  const deps = built;
  await collectInTurn(id, {
    collect: (one, chain) => collectGeneration({ ...deps, ...chain, remainingMs }, one),
    collectAgain: deps.collectAgain,
    remainingMs,
  });
}

/**
 * Collects generations one after the other while each has nearly as much time as an invocation of its own would give it.
 * Short copies then need no invocation each.
 */
export async function collectInTurn(
  id: string,
  {
    collect,
    collectAgain,
    remainingMs,
  }: {
    readonly collect: (id: string, chain: Pick<CollectDeps, 'collectNext' | 'isChained'>) => Promise<void>;
    readonly collectAgain: (id: string) => Promise<void>;
    readonly remainingMs: () => number;
  },
): Promise<void> {
  const wholeMs = remainingMs();
  const next: string[] = [];
  const collectNext = (one: string) => void next.push(one);
  try {
    await collect(id, { collectNext, isChained: false });
  } finally {
    // The list grows while this loop runs.
    for (const one of next) {
      const hasTime = remainingMs() >= wholeMs * SHARE_FOR_NEXT;
      await (hasTime ? collect(one, { collectNext, isChained: true }) : collectAgain(one)).catch(
        logIgnored('reconcile collects what is due', { generationId: one }),
      );
    }
  }
}

function build(deployment: Deployment, parameters: ParameterReader): Built {
  const { table, durations, clock } = deployment;
  const ask = createAskS3({ stallMs: durations.stall });
  const outputBucket = requireEnv(ENV.outputBucket);
  const generations = createDeploymentGenerations(deployment, lazyOverflow);
  const fetcher = createOutputFetcher({
    hosts: parseOutputHosts(process.env[ENV.wiroOutputHosts] || WIRO_DEFAULTS.outputHosts),
    connectMs: durations.connect,
    headersMs: durations.headers,
    stallMs: durations.stall,
  });
  const notes = createAttemptNotesStore(table);
  const maximum = readMaximumCollects(process.env);
  return {
    generations,
    notes,
    gate: createDeploymentGate(deployment, generations),
    wiro: createDeploymentWiro(deployment, parameters),
    copyPlaces: maximum === undefined ? undefined : createCopyPlaces(table, { maximum, durations, clock }),
    forgetParameters: () => parameters.forget(),
    callbackSecrets: async () => (await parameters.get()).callbackSecrets,
    outputBucket,
    outputPrefix: PREFIX.outputs,
    earlierReads: createEarlierReads(table),
    copier: createOutputCopier({
      ask,
      fetcher,
      openSha256: hasSecondProcessor(process.env) ? createSha256Thread() : undefined,
    }),
    standing: createStandingOutputs({ head: createHeadOutput(ask), notes: createCopiedNotes(table) }),
    putBytes: createPutBytes(ask),
    announce: createDeploymentAnnouncer(deployment, { generations, notes, results: lazyJson }),
    submit: (id) => invokeLater(requireEnv(ENV.submitFunction), { submit: id }),
    collectAgain: (id) => invokeLater(requireEnv('AWS_LAMBDA_FUNCTION_NAME'), { collect: id }),
    durations,
    clock,
    createHolder: randomUUID,
  };
}
