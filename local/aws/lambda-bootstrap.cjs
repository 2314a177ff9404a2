// Runs one function in its own process, like the bootstrap of the Lambda runtime: it requests an invocation from the
// Runtime API, calls the handler, posts the result, and repeats. Plain JavaScript, because no bundle contains it.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
const fs = require('node:fs');
const http = require('node:http');
const { flushCompileCache } = require('node:module');
const path = require('node:path');
const { format } = require('node:util');

const RUNTIME = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const die = () => process.kill(process.pid, 'SIGKILL');
let requestId;
let isCacheFlushed = false;

// Standard input closes when the host ends, even after a crash. This process then ends too.
process.stdin.on('close', die).on('error', die).resume().unref();

for (const [method, level] of Object.entries({
  log: 'INFO',
  info: 'INFO',
  warn: 'WARN',
  error: 'ERROR',
  debug: 'DEBUG',
  trace: 'TRACE',
})) {
  // Like Lambda, writes one line per message. The host turns the carriage returns back into line feeds.
  console[method] = (...args) => {
    const message = format(...args).replaceAll('\n', '\r');
    process.stdout.write(`${new Date().toISOString()}\t${requestId ?? '-'}\t${level}\t${message}\n`);
  };
}

function request(method, target, body, headers) {
  return new Promise((resolve, reject) => {
    const sent = http.request(RUNTIME + target, { method, agent, headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ response, body: Buffer.concat(chunks).toString('utf8') }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function describe(error) {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  return {
    errorType: error.name || 'Error',
    errorMessage: error.message,
    trace: (error.stack ?? '').split('\n'),
  };
}

const reportFailure = (target, error) =>
  request('POST', target, JSON.stringify(error), {
    'content-type': 'application/json',
    'lambda-runtime-function-error-type': error.errorType,
  });

// Like AWS's client for Node 24, handles no uncaught errors and rejections: Node writes them and ends the process.

function loadHandler() {
  const [file, name] = process.env._HANDLER.split('.');
  const stem = path.resolve(process.env.LAMBDA_TASK_ROOT, file);
  const handler = require(['.js', '.mjs', '.cjs'].map((end) => stem + end).find(fs.existsSync) ?? stem)[name];
  if (typeof handler !== 'function') {
    const missing = new Error(`${process.env._HANDLER} is undefined or not exported`);
    missing.name = 'Runtime.HandlerNotFound';
    throw missing;
  }
  return handler;
}

function contextOf(headers) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: requestId,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

async function main() {
  let handler;
  try {
    handler = loadHandler();
  } catch (error) {
    console.error(error);
    await reportFailure('/init/error', describe(error));
    process.exit(1);
  }
  for (;;) {
    const { response, body } = await request('GET', '/invocation/next');
    requestId = response.headers['lambda-runtime-aws-request-id'];
    process.env._X_AMZN_TRACE_ID = response.headers['lambda-runtime-trace-id'] ?? '';
    try {
      const answer = JSON.stringify((await handler(JSON.parse(body), contextOf(response.headers))) ?? null);
      await request('POST', `/invocation/${requestId}/response`, answer);
    } catch (error) {
      console.error('Invoke Error', error);
      await reportFailure(`/invocation/${requestId}/error`, describe(error));
    }
    requestId = undefined;
    // With NODE_COMPILE_CACHE, saves the code that the first invocation compiled for later processes. This one is
    // eventually killed, so it cannot save the code at its end.
    if (!isCacheFlushed) flushCompileCache();
    isCacheFlushed = true;
  }
}

main().catch(die);
