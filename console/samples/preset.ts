import { bucketOf, type Form, givenInputs, type Sample, slugOf } from './form.ts';
import { toJson } from './quote.ts';

/**
 * The preset that runs a form with each file dropped: the first file parameter takes the file, the others stay.
 * @returns `undefined` for a form without file parameters: a dropped file would have no place in it.
 */
export function presetOf({ model, parameters, inputs, modelParameters = [], endpoint }: Form) {
  const [fileParameter = modelParameters.find(({ type }) => type.endsWith('fileinput'))?.id, ...others] =
    Object.keys(givenInputs(inputs));
  if (fileParameter === undefined) return undefined;
  // A deployment does not know the name of its own bucket before it is deployed.
  const own = `s3://${bucketOf(endpoint)}/`;
  const keyOf = (source: string) => (source.startsWith(own) ? source.slice(own.length) : source);
  const fixed = others.map((name) => [name, (inputs[name] ?? []).map(keyOf)] as const);
  return {
    model,
    fileParameter,
    ...(Object.keys(parameters).length > 0 && { parameters }),
    ...(others.length > 0 && { inputs: givenInputs(Object.fromEntries(fixed)) }),
  };
}

export function presetSample(form: Form): Sample | undefined {
  const preset = presetOf(form);
  if (preset === undefined) return undefined;
  const name = slugOf(form);
  return {
    id: 'preset',
    title: 'Preset',
    language: 'json',
    text: `${toJson({ [name]: preset })}\n`,
    note: `The property presets of the construct, or presets in the context of cdk.json; together at most 3,000 bytes. Each file put under uploads/${name}/ in the input bucket then becomes a generation, with the file as ${preset.fileParameter}.`,
  };
}
