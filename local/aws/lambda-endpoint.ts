import type { IncomingMessage, ServerResponse } from 'node:http';
import { AwsError, notImplemented, requireHeaders, requireSignature, sendAwsError } from './aws-endpoint.ts';
import {
  FunctionNotFoundError,
  type LambdaHost,
  PayloadTooLargeError,
  ThrottledError,
} from './lambda-host.ts';
import { LOCAL_ACCOUNT, PAYLOAD_LIMIT } from './lambda-types.ts';
import type { LocalService } from './local-service.ts';
import { readBody, startServer } from './server.ts';

/** Serves Lambda's `Invoke`, for functions that invoke each other and for the AWS CLI. */
export function startLambdaEndpoint(
  host: Pick<LambdaHost, 'has' | 'invoke' | 'invokeLater'>,
  { region, port = 0 }: { readonly region: string; readonly port?: number },
): Promise<LocalService> {
  return startServer(async (request, response) => {
    const body = await readBody(request, PAYLOAD_LIMIT.synchronous);
    try {
      requireSignature(request, 'lambda', region);
      requireHeaders(request, 'Lambda', ['x-amz-invocation-type', 'x-amz-log-type']);
      await invoke({ ...host, region }, request, body, response);
    } catch (error) {
      sendAwsError(response, asAwsError(error));
    }
  }, port);
}

async function invoke(
  host: Pick<LambdaHost, 'has' | 'invoke' | 'invokeLater'> & { readonly region: string },
  request: IncomingMessage,
  body: Buffer | undefined,
  response: ServerResponse,
): Promise<void> {
  const [, encoded] = /^\/2015-03-31\/functions\/([^/?]+)\/invocations(\?|$)/.exec(request.url ?? '') ?? [];
  if (request.method !== 'POST' || encoded === undefined)
    throw new AwsError('UnknownOperationException', 'The embedded Lambda only supports Invoke', 404);
  const functionName = nameOf(decodeURIComponent(encoded), request.url ?? '', host.region);
  if (functionName === undefined || !host.has(functionName))
    throw new FunctionNotFoundError(`Function not found: ${decodeURIComponent(encoded)}`);
  const logType = request.headers['x-amz-log-type'] ?? 'None';
  if (logType !== 'None')
    throw notImplemented(
      `The embedded Lambda does not support the value "${String(logType)}" of the header "x-amz-log-type".`,
    );
  if (body === undefined)
    throw new PayloadTooLargeError(
      `Request must be smaller than ${PAYLOAD_LIMIT.synchronous} bytes for the InvokeFunction operation`,
    );
  const payload = requireJson(body.toString('utf8') || '{}');
  switch (request.headers['x-amz-invocation-type'] ?? 'RequestResponse') {
    case 'DryRun':
      response.writeHead(204).end();
      return;
    case 'Event': {
      const requestId = host.invokeLater(functionName, payload);
      response.writeHead(202, { 'x-amzn-requestid': requestId }).end();
      return;
    }
    case 'RequestResponse': {
      const result = await host.invoke(functionName, payload);
      response.writeHead(200, {
        'content-type': 'application/json',
        'x-amzn-requestid': result.requestId,
        'x-amz-executed-version': '$LATEST',
        ...(result.kind === 'failed' && { 'x-amz-function-error': 'Unhandled' }),
      });
      response.end(result.payload);
      return;
    }
    default:
      throw new AwsError('InvalidParameterValueException', 'The invocation type is unknown');
  }
}

/**
 * Reads the name of a function. The only version is `$LATEST`.
 * @param reference - `name`, `name:qualifier`, `account:function:name` or the whole ARN.
 * @returns `undefined` for another region, account or version.
 */
function nameOf(reference: string, url: string, region: string): string | undefined {
  const { searchParams } = new URL(url, 'http://lambda');
  const other = [...searchParams.keys()].find((name) => name !== 'Qualifier');
  if (other !== undefined)
    throw notImplemented(`The embedded Lambda does not support the parameter "${other}".`);
  const [, ofRegion, account, name, qualifier] =
    /^(?:arn:aws:lambda:([\w-]+):)?(?:(\d{12}):)?(?:function:)?([\w-]+)(?::([\w$-]+))?$/.exec(reference) ??
    [];
  const isOurs =
    (ofRegion ?? region) === region &&
    (account ?? LOCAL_ACCOUNT) === LOCAL_ACCOUNT &&
    (qualifier ?? searchParams.get('Qualifier') ?? LATEST) === LATEST;
  return isOurs ? name : undefined;
}

const LATEST = '$LATEST';

function requireJson(payload: string): string {
  try {
    JSON.parse(payload);
    return payload;
  } catch (error) {
    throw new AwsError(
      'InvalidRequestContentException',
      `Could not parse request body into json: ${error instanceof Error ? error.message : ''}`,
    );
  }
}

function asAwsError(error: unknown): unknown {
  if (error instanceof FunctionNotFoundError)
    return new AwsError('ResourceNotFoundException', error.message, 404);
  if (error instanceof PayloadTooLargeError)
    return new AwsError('RequestTooLargeException', error.message, 413);
  if (error instanceof ThrottledError) return new AwsError('TooManyRequestsException', error.message, 429);
  return error;
}
