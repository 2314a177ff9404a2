import type { Context, LambdaFunctionURLEvent, LambdaFunctionURLResult } from 'aws-lambda';
import { invokeLater } from '../aws/invoke.ts';
import { readApiParameters, readDailyLimit, readDeployment } from '../compose/deployment.ts';
import { createDeploymentGenerations } from '../compose/generations.ts';
import {
  createDeploymentHistory,
  createDeploymentTimelines,
  createDeploymentUsage,
} from '../compose/history.ts';
import { createDeploymentModels, readModelRules } from '../compose/known-models.ts';
import { createLazyInputs } from '../compose/lazy-inputs.ts';
import { lazyOverflow } from '../compose/lazy-objects.ts';
import { createLazyWiro } from '../compose/lazy-wiro.ts';
import { readInputBuckets } from '../compose/read-input-buckets.ts';
import { timestamp } from '../generation/time.ts';
import { createUploadPresigner } from '../objects/presign-upload.ts';
import { createOutputPresigner } from '../outputs/presign-output.ts';
import { beginInvocation, log } from '../runtime/log.ts';
import { ENV, readInputHandover, requireEnv, WIRO_DEFAULTS } from '../settings.ts';
import { createConfigurationCheck } from './check-configuration.ts';
import { bodyOf } from './read-body.ts';
import { answerRequest, type RoutesDeps } from './routes.ts';
import { MOST_AHEAD } from './waiting-for.ts';

// Built once per container, so that a warm start reuses the connections.
const deployment = readDeployment();
const { durations, clock } = deployment;
const parameters = readApiParameters(deployment);
const presign = createOutputPresigner({ now: clock });
const generations = createDeploymentGenerations(deployment, lazyOverflow);
const wiro = createLazyWiro(deployment, parameters);
const deps: RoutesDeps = {
  deployment: deployment.name,
  inputs: createLazyInputs(),
  inputHandover: readInputHandover(process.env),
  generations,
  history: createDeploymentHistory(deployment, lazyOverflow),
  timelines: createDeploymentTimelines(deployment),
  usage: createDeploymentUsage(deployment),
  knownModel: createDeploymentModels(deployment, wiro),
  ...readModelRules(),
  missingSecrets: createConfigurationCheck({ parameters, limitMs: durations.modelLimit }),
  wiro,
  rules: readInputBuckets(process.env),
  dailyLimit: readDailyLimit(deployment),
  submit: (id) => invokeLater(requireEnv(ENV.submitFunction), { submit: id }),
  collect: async (id) => invokeLater((await parameters.get()).callbackFunction, { collect: id }),
  socketUrl: process.env[ENV.wiroSocketUrl] || WIRO_DEFAULTS.socketUrl,
  ahead: (generation) => generations.ahead(generation, MOST_AHEAD),
  presignUpload: createUploadPresigner({ now: clock }),
  presign: async (output) => {
    const { url, expiresAt } = await presign(output);
    return { url, expiresAt: timestamp(expiresAt) };
  },
  durations,
  clock,
};

export async function handler(
  event: LambdaFunctionURLEvent,
  context: Context,
): Promise<LambdaFunctionURLResult> {
  beginInvocation(context);
  const { method, path } = event.requestContext.http;
  try {
    const { statusCode, headers, body } = await answerRequest(deps, {
      method,
      path: event.rawPath || path,
      query: new URLSearchParams(event.rawQueryString),
      ...bodyOf(event),
    });
    return answer(statusCode, method === 'HEAD' ? undefined : body, headers);
  } catch (error) {
    log.error('Cannot answer a request', { method, error });
    return answer(
      503,
      method === 'HEAD'
        ? undefined
        : {
            error: {
              code: 'internal_error',
              message:
                'This deployment could not reach one of its own AWS services, and whether the request took effect is unknown: send it again. All requests with the same idempotencyKey are one generation, and it is charged once.',
              retryable: true,
            },
          },
    );
  }
}

const answer = (statusCode: number, body: unknown, headers: Readonly<Record<string, string>> = {}) => ({
  statusCode,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  body: body === undefined ? '' : JSON.stringify(body),
});
