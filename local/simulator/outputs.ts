import { createHash } from 'node:crypto';
import type { FileStore } from './files.ts';
import { drawCard } from './images/card.ts';
import { pictureSide } from './images/picture-side.ts';
import type { TaskInput } from './inputs.ts';
import { modelName } from './models.ts';
import { numberParameter } from './parameters.ts';
import type { Settings } from './settings.ts';
import { generateBytes, storeBuffer, storeStream } from './stored-bytes.ts';
import { type RawContent, type SimulatedTask, subjectOf, type TaskOutput } from './tasks.ts';
import { tinyPng } from './tiny-png.ts';

export interface MakeOutputsDeps {
  readonly settings: Settings;
  readonly files: FileStore;
  readonly directory: string;
  readonly stopped: AbortSignal;
}

/**
 * Creates the outputs of a task.
 * @throws If sharp cannot read an input. The task then fails.
 */
export async function makeOutputs(
  { settings, files, directory, stopped }: MakeOutputsDeps,
  task: SimulatedTask,
  inputs: readonly TaskInput[],
): Promise<TaskOutput[]> {
  const { parameters, model } = task;
  if (model.makes === 'text') return [{ kind: 'raw', content: answerInWords(task) }];

  const samples = Math.min(4, Math.max(1, Math.round(numberParameter(parameters, 'samples', 1))));
  const seed = outputSeed(task, inputs);
  const outputs: TaskOutput[] = [];
  const stop = AbortSignal.any([stopped, task.stop.signal]);
  for (let index = 0; index < samples; index += 1) {
    stop.throwIfAborted();
    const bytes =
      model.makes === 'bytes'
        ? generateBytes(`${seed}/${index}`, numberParameter(parameters, 'bytes', settings.videoBytes))
        : settings.outputs === 'tiny'
          ? storeBuffer(tinyPng(`${seed}/${index}`))
          : await storeStream(once(await compose(task, inputs, seed, index)), directory);
    const [type, contentType] = model.makes === 'bytes' ? ['mp4', 'video/mp4'] : ['png', 'image/png'];
    const name = `${nameOf(task, settings, index)}.${type}`;
    const file = files.addOutput({ name, contentType, bytes, task: subjectOf(task) });
    await files.keep(file);
    outputs.push({ kind: 'file', file });
  }
  return outputs;
}

/** Files of several tasks in one folder have different names. Tests name those of tiny outputs before they exist. */
const nameOf = (task: SimulatedTask, { outputs }: Settings, index: number): string =>
  outputs === 'tiny' ? String(index) : `simulated-${task.id}-${index + 1}`;

async function compose(task: SimulatedTask, inputs: readonly TaskInput[], seed: string, sample: number) {
  const { parameters } = task;
  const scene = {
    prompt: String(parameters.prompt ?? ''),
    model: modelName(task.model),
    width: pictureSide(numberParameter(parameters, 'width', 1024)),
    height: pictureSide(numberParameter(parameters, 'height', 768)),
    seed,
    sample,
  };
  const composer = await loadComposer();
  if (composer === undefined) return drawCard({ ...scene, inputs });
  return composer.composeScene({ ...scene, people: await Promise.all(inputs.map((input) => input.all())) });
}

/**
 * Loads sharp lazily, so that test suites with tiny outputs never do.
 * @returns `undefined` where it is not installed: the package brings no image library.
 */
async function loadComposer() {
  try {
    return await import('./images/compose-scene.ts');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    return undefined;
  }
}

/** Derives the seed from the request, so that the same request with the same inputs creates the same outputs. */
function outputSeed({ model, parameters }: SimulatedTask, inputs: readonly TaskInput[]): string {
  const { prompt, seed } = parameters;
  const inputHashes = inputs.map(({ sha256 }) => sha256);
  return createHash('sha256')
    .update(JSON.stringify([model.id, prompt ?? '', seed ?? '', inputHashes]))
    .digest('hex');
}

function answerInWords({ parameters }: SimulatedTask): RawContent {
  const prompt = String(parameters.prompt ?? '');
  const thinking = [`The question has ${prompt.length} characters.`, 'An honest answer is short.'];
  const answer = [`You asked: "${prompt}".`, 'This is a simulated answer of a simulated language model.'];
  const segments = [
    ...thinking.map((text) => ({ type: 'thinking' as const, text })),
    ...answer.map((text) => ({ type: 'answer' as const, text })),
  ];
  const raw = [...thinking, ...answer].join('\n');
  const tokensOf = (text: string) => Math.ceil(text.length / 4);
  const usage = { prompt_tokens: tokensOf(prompt), completion_tokens: tokensOf(raw) };
  return { prompt, raw, thinking, answer, segments, finishreason: 'stop', usage };
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
