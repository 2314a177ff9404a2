import { apiUrlOf, type Form, regionOf, requestOf, type Sample } from './form.ts';
import { toPython } from './quote.ts';

export function pythonSample(form: Form): Sample {
  const { endpoint } = form;
  const isSigned = endpoint.kind === 'stack';
  const lines = [
    'import json',
    'import time',
    'import urllib.error',
    'import urllib.request',
    '',
    ...(isSigned
      ? [
          'import boto3',
          'from botocore.auth import SigV4Auth',
          'from botocore.awsrequest import AWSRequest',
          '',
          `REGION = ${toPython(regionOf(endpoint))}`,
        ]
      : []),
    `API = ${toPython(apiUrlOf(endpoint))}`,
    ...(isSigned ? ['credentials = boto3.Session().get_credentials()'] : []),
    '',
    '',
    'def call(path, body=None):',
    '    data = None if body is None else json.dumps(body).encode()',
    '    headers = {"content-type": "application/json"}',
    ...(isSigned
      ? [
          '    signed = AWSRequest("GET" if data is None else "POST", API + path, headers, data)',
          '    SigV4Auth(credentials, "lambda", REGION).add_auth(signed)',
          '    headers = dict(signed.headers.items())',
        ]
      : []),
    '    try:',
    '        with urllib.request.urlopen(urllib.request.Request(API + path, data, headers)) as answer:',
    '            return json.load(answer)',
    '    except urllib.error.HTTPError as error:',
    '        raise SystemExit(error.read().decode())',
    '',
    '',
    `generation = call("/generations", ${toPython(requestOf(form))})`,
    'while generation["status"] not in ("succeeded", "failed", "cancelled"):',
    '    time.sleep(2)',
    '    generation = call("/generations/" + generation["id"])',
    'if generation["status"] != "succeeded":',
    '    raise SystemExit(generation.get("error", {}).get("message", "cancelled"))',
    'for output in generation["outputs"]:',
    '    print(output["name"], output["url"])',
  ];
  return {
    id: 'python',
    title: 'Python',
    language: 'python',
    text: `${lines.join('\n')}\n`,
    note: isSigned
      ? 'Needs boto3, which finds your AWS credentials. Waits for the outputs.'
      : 'Needs nothing but Python 3. Waits for the outputs.',
  };
}
