import { apiUrlOf, type Form, regionOf, requestOf, type Sample } from './form.ts';
import { toTypeScript } from './quote.ts';

export function typescriptSample(form: Form): Sample {
  const { endpoint } = form;
  const isSigned = endpoint.kind === 'stack';
  const options = isSigned
    ? `{
  url: ${toTypeScript(apiUrlOf(endpoint))},
  region: ${toTypeScript(regionOf(endpoint))},
  credentials: fromNodeProviderChain(),
}`
    : `{ url: ${toTypeScript(apiUrlOf(endpoint))} }`;
  return {
    id: 'typescript',
    title: 'TypeScript',
    language: 'ts',
    text: `${isSigned ? "import { fromNodeProviderChain } from '@aws-sdk/credential-providers';\n" : ''}import { createClient } from 'wiro-serverless/client';

const wiro = createClient(${options});
const { outputs } = await wiro.run(${toTypeScript(requestOf(form))});
for (const { name, url } of outputs) console.log(name, url);
`,
    note: 'Waits for the outputs. `run` throws a WiroServerlessError if the request is refused or the generation fails.',
  };
}
