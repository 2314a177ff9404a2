import path from 'node:path';
import type { Presets } from '../functions/request/preset.ts';
import { LOCAL_CREDENTIALS } from './aws/credentials.ts';
import type { Endpoints } from './environment.ts';

export interface GreetingFacts {
  readonly endpoints: Endpoints;
  readonly links: { readonly console: string; readonly mcp: string };
  /** Whether the Wiro is a real one, which charges. */
  readonly isReal: boolean;
  readonly presets: Presets;
  readonly endpointsFile: string;
  readonly eventsFile: string;
}

/** Says where everything is, with lines that work when pasted. */
export function greetingOf({ endpoints, links, isReal, presets, ...files }: GreetingFacts): string {
  const { api, callback, s3, dynamodb, ssm, lambda, events, inputBucket, outputBucket, table } = endpoints;
  const { region, eventBus } = endpoints;
  const { accessKeyId, secretAccessKey } = LOCAL_CREDENTIALS;
  const [endpointsFile, eventsFile] = [files.endpointsFile, files.eventsFile].map((file) =>
    // A path with many `..` helps nobody.
    path.relative('', file).startsWith('..') ? file : path.relative('', file),
  );
  const drops = Object.entries(presets).map(
    ([name, { model, fileParameter }]) =>
      `Preset    s3://${inputBucket}/uploads/${name}/ runs ${model} with each file as ${fileParameter}, into s3://${outputBucket}/outputs/${name}/\n`,
  );
  const example = {
    model: isReal ? 'owner/project' : 'wiro/text-to-image',
    parameters: { prompt: 'A lighthouse at dawn' },
  };
  const [preset] = Object.keys(presets);
  const [file, folder] = preset
    ? ['examples/photos/astronaut.png', `uploads/${preset}/`]
    : ['examples/request.json', 'requests/'];
  return `
Console   ${links.console}
MCP       ${links.mcp}  for agents

Wiro      ${endpoints.wiro} ${isReal ? '(Wiro charges for tasks)' : '(the built-in simulator: nothing is charged)'}
API       ${api}
Callback  ${callback}
S3        ${s3}  buckets ${inputBucket}, ${outputBucket}
DynamoDB  ${dynamodb}  table ${table}
SSM       ${ssm}
Lambda    ${lambda}
Events    ${events}  bus ${eventBus}, kept in ${eventsFile}
${drops.join('')}
${endpointsFile} lists these endpoints. The data is in the same directory. To call the AWS services, set
  export AWS_ACCESS_KEY_ID=${accessKeyId} AWS_SECRET_ACCESS_KEY=${secretAccessKey} AWS_REGION=${region} AWS_DEFAULT_REGION=${region}
  export AWS_ENDPOINT_URL_S3=${s3} AWS_ENDPOINT_URL_DYNAMODB=${dynamodb} AWS_ENDPOINT_URL_EVENTBRIDGE=${events}
The commands of the pages use
  export API=${api} INPUTS=${inputBucket} OUTPUTS=${outputBucket} TABLE=${table} BUS=${eventBus}

Try it${isReal ? ', with a model of your choice' : ''}:
  curl -s ${api}generations -H 'content-type: application/json' -d '${JSON.stringify(example)}'
  curl -s ${api}generations/<id>
  AWS_ACCESS_KEY_ID=${accessKeyId} AWS_SECRET_ACCESS_KEY=${secretAccessKey} aws s3 cp ${file} s3://${inputBucket}/${folder} --region ${region} --endpoint-url ${s3}${
    isReal
      ? ''
      : `
  API=${api} npx node examples/first.ts`
  }

Press Ctrl-C to stop. Events and the functions' logs follow.
`;
}
