import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createClient } from '../client/index.ts';
import { buildPage } from '../console/build-page.ts';
import { localDeployment } from '../console/server/local-deployment.ts';
import { type Console, startConsole } from '../console/server/server.ts';
import { type McpHttp, startMcpHttp } from '../mcp/http.ts';
import { LOCAL_CREDENTIALS } from './aws/credentials.ts';
import { describeLog } from './describe-log.ts';
import { type Endpoints, startEnvironment } from './environment.ts';
import { describeError, exitSoon } from './exit.ts';
import { SetupError } from './setup-error.ts';
import { stopSignal } from './stop-signal.ts';
import { readWiroAccess, type WiroAccess } from './wiro-access.ts';

const { version: VERSION } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as { readonly version: string };
const DATA_DIR = path.resolve(import.meta.dirname, '..', '.local');
const USAGE = `npm start [-- --data <directory>]
  --data  the directory for data and endpoints.json (default: .local/)`;

interface Flags {
  readonly data: string;
  readonly help: boolean;
}

function readFlags(): Flags {
  try {
    const { data, help } = parseArgs({
      options: { data: { type: 'string', default: DATA_DIR }, help: { type: 'boolean', default: false } },
    }).values;
    return { data: path.resolve(data), help };
  } catch (error) {
    throw new SetupError(`${(error as Error).message.split('.')[0]}: see npm start -- --help`);
  }
}

async function main(stopping: AbortSignal): Promise<void> {
  const { data: dataDir, help } = readFlags();
  if (help) return console.log(USAGE);
  const wiro = readWiroAccess(process.env);
  const endpointsFile = path.join(dataDir, 'endpoints.json');
  const building = buildPage();
  // A fault of it is reported where it is awaited.
  building.catch(() => {});
  const environment = await startEnvironment({
    dataDir,
    ...(wiro && { wiro }),
    // A real Wiro cannot call back to this machine, so look at tasks sooner and more often than a deployment does.
    ...(wiro && { durations: { look: 5_000, lookMax: 60_000 } }),
    scheduleMs: 5_000,
    onLog: (log) => console.log(describeLog(log)),
    signal: stopping,
  });
  let page: Console | undefined;
  let mcp: McpHttp | undefined;
  try {
    const { html } = await building;
    const deployment = localDeployment({ ...environment.endpoints, credentials: LOCAL_CREDENTIALS });
    page = await startConsole({ deployment, html });
    mcp = await startMcpHttp({ client: createClient({ url: environment.endpoints.api }), version: VERSION });
    const endpoints = asDeployed(environment.endpoints);
    await writeEndpoints(endpointsFile, endpoints);
    console.log(greeting(endpoints, { console: page.link, mcp: mcp.url }, wiro, endpointsFile));
    if (!stopping.aborted) await once(stopping, 'abort');
  } finally {
    await rm(endpointsFile, { force: true });
    await page?.stop();
    await mcp?.stop();
    await environment.stop();
  }
}

/** The API's URL ends with a slash, as that of a stack, so that the same commands work for both. */
const asDeployed = (endpoints: Endpoints): Endpoints => ({ ...endpoints, api: `${endpoints.api}/` });

/** Writes what a user needs, and nothing that only functions need. Atomically: another process may be waiting for it. */
async function writeEndpoints(file: string, endpoints: Endpoints): Promise<void> {
  const { api, callback, s3, dynamodb, events, wiro, region } = endpoints;
  const { inputBucket, outputBucket, table, eventBus } = endpoints;
  const content = {
    ...{ api, callback, s3, dynamodb, events, wiro, region },
    ...{ inputBucket, outputBucket, table, eventBus },
    credentials: LOCAL_CREDENTIALS,
  };
  const temporary = `${file}.${process.pid}`;
  await writeFile(temporary, `${JSON.stringify(content, undefined, 2)}\n`);
  await rename(temporary, file);
}

function greeting(
  endpoints: Endpoints,
  links: { readonly console: string; readonly mcp: string },
  wiro: WiroAccess | undefined,
  endpointsFile: string,
): string {
  const { api, callback, s3, dynamodb, ssm, lambda, events, inputBucket, outputBucket, table } = endpoints;
  const example = wiro
    ? { model: 'owner/project', parameters: { prompt: 'A lighthouse at dawn' } }
    : { model: 'wiro/text-to-image', parameters: { prompt: 'A lighthouse at dawn' } };
  return `
Console   ${links.console}
MCP       ${links.mcp}  for agents

Wiro      ${endpoints.wiro} ${wiro ? '(Wiro charges for tasks)' : '(the built-in simulator: nothing is charged)'}
API       ${api}
Callback  ${callback}
S3        ${s3}  buckets ${inputBucket}, ${outputBucket}
DynamoDB  ${dynamodb}  table ${table}
SSM       ${ssm}
Lambda    ${lambda}
Events    ${events}  bus ${endpoints.eventBus}

${path.relative('', endpointsFile)} lists these endpoints. The data is in the same directory. To call the AWS services, set
  export AWS_ACCESS_KEY_ID=${LOCAL_CREDENTIALS.accessKeyId} AWS_SECRET_ACCESS_KEY=${LOCAL_CREDENTIALS.secretAccessKey} AWS_REGION=${endpoints.region}
  export AWS_ENDPOINT_URL_S3=${s3} AWS_ENDPOINT_URL_DYNAMODB=${dynamodb} AWS_ENDPOINT_URL_EVENTBRIDGE=${events}
The commands of the pages use
  export API=${api} INPUTS=${inputBucket} OUTPUTS=${outputBucket} TABLE=${table} BUS=${endpoints.eventBus}

Try it${wiro ? ', with a model of your choice' : ''}:
  curl -s ${api}generations -H 'content-type: application/json' -d '${JSON.stringify(example)}'
  curl -s ${api}generations/<id>${
    wiro
      ? ''
      : `
  API=${api} npx node examples/first.ts`
  }

Press Ctrl-C to stop. The functions' logs follow.
`;
}

const stopping = stopSignal();

main(stopping).then(
  () => exitSoon(0),
  (error: unknown) => {
    // An error after Ctrl-C is a consequence of it.
    if (stopping.aborted) return exitSoon(0);
    console.error(describeError(error));
    exitSoon(1);
  },
);
