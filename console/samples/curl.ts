import { apiUrlOf, type Form, regionOf, requestOf, type Sample } from './form.ts';
import { hereDocument, shellWord } from './quote.ts';

export function curlSample(form: Form): Sample {
  const { endpoint } = form;
  const isSigned = endpoint.kind === 'stack';
  const options = [
    `curl -sS ${shellWord(`${apiUrlOf(endpoint)}/generations`)}`,
    ...(isSigned ? signing(regionOf(endpoint)) : []),
    "-H 'content-type: application/json'",
    `--data-binary @- ${hereDocument(requestOf(form))}`,
  ];
  return {
    id: 'curl',
    title: 'curl',
    language: 'sh',
    text: `${options.join(' \\\n  ')}\n`,
    note: isSigned
      ? 'Needs AWS credentials in the environment: eval "$(aws configure export-credentials --format env)". The answer is the record: its id is the generation.'
      : 'The answer is the record: its id is the generation.',
  };
}

const signing = (region: string): readonly string[] => [
  `--aws-sigv4 ${shellWord(`aws:amz:${region}:lambda`)} --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"`,
  // One word, or none: zsh does not split what a variable gives.
  `\${AWS_SESSION_TOKEN:+-H"x-amz-security-token: $AWS_SESSION_TOKEN"}`,
];
