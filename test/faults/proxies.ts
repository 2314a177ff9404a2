import type { Socket } from 'node:net';
import type { FunctionName } from '../../functions/functions.ts';
import { ENV } from '../../functions/settings.ts';
import type { LocalService } from '../../local/aws/local-service.ts';
import type { Place } from './calls.ts';
import type { Service } from './name-operation.ts';
import { type Exchange, startRecordingProxy } from './recording-proxy.ts';

export interface ProxiesDeps {
  /** Notes a call. @returns Where its caller is to be killed, if at all. */
  readonly onCall: (functionName: FunctionName, operation: string) => Place | undefined;
  readonly kill: (caller: Socket) => void;
  /** Gets every request that was answered, and how. */
  readonly onAnswer?: (functionName: FunctionName, exchange: Exchange) => void;
}

/** A recording proxy for each function and each thing that it talks to. */
export interface Proxies {
  /** What a function is to be told instead, so that it calls the proxies. */
  before(name: FunctionName, told: Readonly<Record<string, string>>): Promise<Record<string, string>>;
  stop(): Promise<void>;
}

const AWS_SERVICES: readonly (readonly [variable: string, service: Service])[] = [
  ['AWS_ENDPOINT_URL_DYNAMODB', 'DynamoDB'],
  ['AWS_ENDPOINT_URL_S3', 'S3'],
  ['AWS_ENDPOINT_URL_SSM', 'SSM'],
  ['AWS_ENDPOINT_URL_SECRETS_MANAGER', 'SecretsManager'],
  ['AWS_ENDPOINT_URL_LAMBDA', 'Lambda'],
  ['AWS_ENDPOINT_URL_EVENTBRIDGE', 'EventBridge'],
];

export function createProxies({ onCall, kill, onAnswer }: ProxiesDeps): Proxies {
  const started: LocalService[] = [];

  async function start(
    name: FunctionName,
    service: Service,
    target: string,
    rewrite?: (answer: string) => string,
  ): Promise<string> {
    const proxy = await startRecordingProxy({
      service,
      target,
      kill,
      onCall: (operation) => onCall(name, operation),
      ...(onAnswer && { onAnswer: (exchange) => onAnswer(name, exchange) }),
      ...(rewrite && { rewrite }),
    });
    started.push(proxy);
    return proxy.endpoint;
  }

  return {
    before: async (name, told) => {
      const changed: Record<string, string> = {};
      for (const [variable, service] of AWS_SERVICES) {
        const target = told[variable];
        if (target !== undefined) changed[variable] = await start(name, service, target);
      }
      const wiro = told[ENV.wiroApiUrl];
      if (wiro === undefined) return changed;
      const { origin, pathname } = new URL(wiro);
      const cdn = await start(name, 'CDN', origin);
      // Tasks name the simulator's own host: their outputs are to be fetched through us.
      const rewrite = (answer: string) => answer.replaceAll(`${origin}/cdn/`, `${cdn}/cdn/`);
      changed[ENV.wiroApiUrl] = (await start(name, 'Wiro', origin, rewrite)) + pathname;
      if (told[ENV.wiroOutputHosts] !== undefined) changed[ENV.wiroOutputHosts] = new URL(cdn).host;
      return changed;
    },
    stop: async () => {
      await Promise.all(started.map((proxy) => proxy.stop()));
    },
  };
}
