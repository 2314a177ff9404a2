import { awsCommand } from './aws-command.ts';
import { bucketOf, type Form, requestOf, type Sample, slugOf } from './form.ts';
import { hereDocument, shellWord, toJson } from './quote.ts';

/** Where the request file of a form goes. */
const keyOf = (form: Form): string => `requests/${slugOf(form)}.json`;

export function awsCliSample(form: Form): Sample {
  const { endpoint } = form;
  const target = shellWord(`s3://${bucketOf(endpoint)}/${keyOf(form)}`);
  const command = `s3 cp - ${target} --content-type application/json`;
  return {
    id: 'aws-cli',
    title: 'AWS CLI',
    language: 'sh',
    text: `${awsCommand(command, endpoint, endpoint.s3Url)} ${hereDocument(requestOf(form))}\n`,
    note: `Puts a request file. When the generation has ended, its result is under s3://${bucketOf(endpoint)}/results/${slugOf(form)}.json/, or the reason under rejected/.`,
  };
}

export function requestFileSample(form: Form): Sample {
  return {
    id: 'request-file',
    title: 'S3 request file',
    language: 'json',
    text: `${toJson(requestOf(form))}\n`,
    note: `Put it into the input bucket as ${keyOf(form)}, or under any other name that ends in .json. A file may also be an array of up to 1,000 requests.`,
  };
}
