import { ENV, PARAMETER, WIRO_DEFAULTS } from '../../functions/settings.ts';
import type { Deployment, LocalDeployment, StackDeployment } from '../deployment.ts';
import { type CallApi, type CallAws, createApi, createAws, send } from './calls.ts';
import {
  type Alarm,
  countSubscribers,
  judgeAlarms,
  judgeConcurrency,
  readAlarms,
  readConcurrency,
} from './check-account.ts';
import { callBack, judgeCallback, judgeCallbackAddress, judgeNoProxy } from './check-callback.ts';
import { judgeApi, judgeClock, judgeStack } from './check-stack.ts';
import {
  judgeLink,
  judgeNotifications,
  judgeUpload,
  readNewest,
  readNotifications,
  upload,
} from './check-storage.ts';
import {
  askWiro,
  judgeBalance,
  judgeSecrets,
  judgeWiroBehindApi,
  judgeWiroKey,
  readParameters,
  readSecrets,
} from './check-wiro.ts';
import { findFacts, functionUrl, type ListedStack, listStack, type StackFacts } from './find-facts.ts';
import {
  type Check,
  type Finding,
  type Judgement,
  ok,
  type RunChecksOptions,
  runChecks,
  unchecked,
} from './finding.ts';

export interface DoctorDeps {
  readonly version: string;
  /** The command that stores secrets, for remedies. */
  readonly setup: string;
  /** @default - AWS, with the deployment's credentials */
  readonly aws?: CallAws;
  readonly list?: (deployment: StackDeployment, signal: AbortSignal) => Promise<ListedStack>;
  readonly clock?: () => Date;
}

/** Runs every check of a deployment that was found. */
export const examine = (
  deployment: Deployment,
  deps: DoctorDeps,
  options: RunChecksOptions = {},
): Promise<readonly Finding[]> =>
  runChecks(
    deployment.kind === 'local' ? localChecks(deployment, deps) : stackChecks(deployment, deps),
    options,
  );

function stackChecks(deployment: StackDeployment, deps: DoctorDeps): readonly Check[] {
  const { url, region, credentials } = deployment;
  const { setup, aws = createAws({ region, credentials }), list = listStack } = deps;
  const api = createApi({ url, region, credentials });
  // Several checks need these. Each is asked once, within the time of the first check that asks.
  const facts = once(async (signal) => findFacts(aws, await list(deployment, signal), url, signal));
  const environment = async (signal: AbortSignal) => (await facts(signal)).deployment?.environment;
  const secrets = once(async (signal) => {
    const found = await environment(signal);
    return (
      found &&
      readSecrets(aws, { path: found[ENV.parameterPath] ?? '', secretArn: found[ENV.secretArn] }, signal)
    );
  });
  const callback = once((signal) => readCallback(aws, facts, signal));
  const storeSecrets = `Run ${setup}; functions read them within five minutes.`;
  return [
    { name: 'credentials', run: async () => ok(`of the account ${deployment.account}`) },
    { name: 'region', run: async () => ok(region) },
    { name: 'stack', run: async (signal) => judgeStack(await facts(signal), deps.version) },
    ...apiChecks(url, api, { ...deps, storeSecrets }),
    {
      name: 'secrets',
      run: async (signal) => {
        const found = await secrets(signal);
        return found === undefined ? NO_API : judgeSecrets(found, storeSecrets);
      },
    },
    {
      name: 'wiro key',
      run: async (signal) => {
        const found = await secrets(signal);
        if (found?.apiKey === undefined) return unchecked('there is no key to try: see "secrets"');
        const { [ENV.wiroApiUrl]: wiro = WIRO_DEFAULTS.apiUrl } = (await environment(signal)) ?? {};
        return judgeWiroKey(await askWiro(wiro, found, signal), storeSecrets);
      },
    },
    {
      name: 'callback',
      run: async (signal) => {
        const found = await callback(signal);
        return found === undefined
          ? NO_CALLBACK
          : judgeCallback(await callBack(found.own, found.deployment, signal));
      },
    },
    {
      name: 'callback proxy',
      run: async (signal) => {
        const found = await callback(signal);
        if (found === undefined) return NO_CALLBACK;
        const { base, own, wiro } = found;
        if (base.replace(/\/+$/, '') === own.replace(/\/+$/, '')) return judgeNoProxy();
        return (
          judgeCallbackAddress(base, wiro) ?? judgeCallback(await callBack(base, found.deployment, signal))
        );
      },
    },
    { name: 'concurrency', run: async (signal) => judgeConcurrency(await readConcurrency(aws, signal)) },
    {
      name: 'alarms',
      run: async (signal) => {
        const { alarms: names } = await facts(signal);
        const alarms = names.length === 0 ? [] : await readAlarms(aws, names, signal);
        return judgeAlarms(alarms, await subscribersOf(aws, alarms, signal));
      },
    },
    {
      name: 'notifications',
      run: async (signal) => {
        const found = await environment(signal);
        if (found === undefined) return NO_API;
        const { [ENV.inputBucket]: bucket = '', [ENV.submitFunction]: submit = '' } = found;
        return judgeNotifications(await readNotifications(aws, bucket, signal), submit);
      },
    },
  ];
}

const NO_API = unchecked('the stack has no API: see "stack"');
const NO_CALLBACK = unchecked('the stack has not stored the address of callback: see "stack"');
const LOCALLY = 'not in a local environment';

function localChecks(deployment: LocalDeployment, deps: DoctorDeps): readonly Check[] {
  const { url, region, endpoints } = deployment;
  const api = createApi({ url, region });
  const storeSecrets = 'Set WIRO_API_KEY and WIRO_API_SECRET, and start "npm start" again.';
  const { callback, wiro = WIRO_DEFAULTS.apiUrl } = endpoints;
  const not = (name: string, why: string = LOCALLY): Check => ({ name, run: async () => unchecked(why) });
  return [
    not('credentials'),
    not('region'),
    not('stack'),
    ...apiChecks(url, api, { ...deps, storeSecrets }),
    not('secrets', `${LOCALLY}: it keeps them itself`),
    not('wiro key', `${LOCALLY}: see "wiro"`),
    {
      name: 'callback',
      run: async (signal) =>
        callback === undefined
          ? unchecked('the environment names no callback')
          : (judgeCallbackAddress(callback, wiro) ??
            judgeCallback(await callBack(callback, 'doctor', signal))),
    },
    not('callback proxy'),
    not('concurrency'),
    not('alarms'),
    not('notifications', `${LOCALLY}: it starts submit itself`),
  ];
}

interface ApiChecksOptions extends DoctorDeps {
  readonly storeSecrets: string;
}

/** What the API alone shows, in every deployment. */
const apiChecks = (
  url: string,
  api: CallApi,
  { version, storeSecrets, clock = () => new Date() }: ApiChecksOptions,
): readonly Check[] => [
  { name: 'api', run: async (signal) => judgeApi(await api('/generations?limit=1', signal), version) },
  {
    name: 'clock',
    // Unsigned: also a refusal has the time.
    run: async (signal) => judgeClock((await send(url, { signal })).headers.get('date'), clock()),
  },
  {
    name: 'wiro',
    run: async (signal) => judgeWiroBehindApi(await api('/models?limit=1', signal), storeSecrets),
  },
  { name: 'balance', run: async () => judgeBalance() },
  { name: 'upload', run: async (signal) => judgeUpload(await upload(api, signal)) },
  { name: 'output link', run: async (signal) => judgeLink(await readNewest(api, signal)) },
];

interface Callback {
  readonly deployment: string;
  /** Where Wiro calls. */
  readonly base: string;
  /** The Function URL. */
  readonly own: string;
  readonly wiro: string;
}

async function readCallback(
  aws: CallAws,
  facts: (signal: AbortSignal) => Promise<StackFacts>,
  signal: AbortSignal,
): Promise<Callback | undefined> {
  const { deployment } = await facts(signal);
  if (deployment === undefined) return undefined;
  const { environment, name } = deployment;
  const names = [PARAMETER.callbackBaseUrl, PARAMETER.callbackFunction];
  const found = await readParameters(aws, environment[ENV.parameterPath] ?? '', names, signal);
  const base = found.get(PARAMETER.callbackBaseUrl);
  const callbackFunction = found.get(PARAMETER.callbackFunction);
  if (base === undefined || callbackFunction === undefined) return undefined;
  const own = (await functionUrl(aws, callbackFunction, signal)) ?? base;
  return { deployment: name, base, own, wiro: environment[ENV.wiroApiUrl] ?? WIRO_DEFAULTS.apiUrl };
}

async function subscribersOf(
  aws: CallAws,
  alarms: readonly Alarm[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const topics = [...new Set(alarms.flatMap(({ actions }) => actions))].filter((action) =>
    /^arn:[^:]*:sns:/.test(action),
  );
  return new Map(
    await Promise.all(
      topics.map(async (topic) => [topic, await countSubscribers(aws, topic, signal)] as const),
    ),
  );
}

/** Asks once for all who need it. */
function once<T>(ask: (signal: AbortSignal) => Promise<T>): (signal: AbortSignal) => Promise<T> {
  let asked: Promise<T> | undefined;
  return (signal) => {
    asked ??= ask(signal);
    return asked;
  };
}

const MARK: Readonly<Record<Judgement['status'], string>> = { ok: '✓', wrong: '✗', unchecked: '–' };

/** One line a check, with the remedy in the next one. */
export const describeFindings = (findings: readonly Finding[]): string => {
  const width = Math.max(...findings.map(({ check }) => check.length));
  return findings
    .map(({ check, status, message, remedy }) => {
      const line = `${MARK[status]} ${check.padEnd(width)}  ${status === 'unchecked' ? 'not checked: ' : ''}${message}`;
      return remedy === undefined ? line : `${line}. ${remedy}`;
    })
    .join('\n');
};
